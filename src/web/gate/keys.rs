//! The keys of this process, kept as the store has them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::super::error::Error;
use crate::access::{Grant, Key, Keyring, Known};
use crate::clock::{Clock, Stopwatch};
use crate::event::Timestamp;
use crate::store::Store;

/// How often the store is asked. A key that was revoked is refused within that time, and what it is reading ends
/// within twice of it.
const PACE: Duration = Duration::from_secs(2);

// What is said to those who revoke one.
const _: () = assert!(2 * PACE.as_secs() < 5);

/// How often it is asked out of turn, because of a key that is not known: that may have been made just now.
const UNKNOWN_PACE: Duration = Duration::from_millis(100);

/// The keys, and who keeps them.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: Arc<Keyring>,
    store: Arc<dyn Store>,
    /// When the store was last asked out of turn.
    asked: Mutex<Option<Stopwatch>>,
    keeper: JoinHandle<()>,
}

impl Keys {
    /// The store's keys, from now on.
    pub(crate) async fn of(store: Arc<dyn Store>) -> Self {
        let ring = Arc::new(Keyring::default());
        let mut is_well = read(&ring, &store).await;
        let keeper = tokio::spawn({
            let (ring, store) = (ring.clone(), store.clone());
            async move {
                loop {
                    tokio::time::sleep(PACE).await;
                    let was_well = std::mem::replace(&mut is_well, read(&ring, &store).await);
                    if was_well && !is_well {
                        tracing::warn!("the keys cannot be read: those that were known last go on to count");
                    }
                }
            }
        });
        Self { ring, store, asked: Mutex::default(), keeper }
    }

    /// What is known; nothing until the store has answered once.
    pub(crate) fn known(&self) -> Option<Arc<Known>> {
        self.ring.known()
    }

    /// Waits until a key is of no use any more.
    pub(super) async fn ended(&self, grant: &Grant, clock: Clock) {
        while self.known().is_none_or(|known| known.still_grants(grant, clock.now())) {
            tokio::time::sleep(PACE).await;
        }
    }

    /// What a key lets its holder do.
    pub(super) async fn grant(&self, key: &Key, now: Timestamp) -> Result<Arc<Grant>, Error> {
        let find = || self.known().and_then(|known| known.grant(key, now));
        if let Some(grant) = find() {
            return Ok(grant);
        }
        {
            let mut asked = self.asked.lock().await;
            if asked.is_none_or(|asked| asked.elapsed() > UNKNOWN_PACE) {
                let _ = read(&self.ring, &self.store).await;
                *asked = Some(Stopwatch::start());
            }
        }
        match (find(), self.known()) {
            (Some(grant), _) => Ok(grant),
            (None, Some(_)) => {
                Err(Error::Unauthorized("Invalid key: it is not known here, or was revoked.".to_owned()))
            }
            (None, None) => Err(Error::NoKeys),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Says whether that could be done; what was known goes on to count if not.
async fn read(ring: &Keyring, store: &Arc<dyn Store>) -> bool {
    let registered = store.registered().await.inspect_err(|error| {
        tracing::debug!(error = %error, "the keys could not be read");
    });
    registered.map(|registered| ring.replace(registered)).is_ok()
}
