//! The keys of this process, kept as the store has them.
//!
//! One task reads them: every other second, and at once where a key comes that is not known, since that may have been
//! made just now. However many such keys come, they wait for the same reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::error::Error;
use crate::access::{Grant, Key, Keyring, Known};
use crate::clock::Clock;
use crate::event::Timestamp;
use crate::store::Store;

/// How often the store is asked. A key that was revoked is refused within that time, and what it is reading ends
/// within twice of it.
const PACE: Duration = Duration::from_secs(2);

// What is said to those who revoke one.
const _: () = assert!(2 * PACE.as_secs() < 5);

/// How long it is left alone in between, whoever wants to know.
const REST: Duration = Duration::from_millis(100);

/// How long somebody with a key that is not known waits for the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// The keys, and who keeps them.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: Arc<Keyring>,
    wanted: Arc<Notify>,
    reads: watch::Receiver<Reads>,
    keeper: Option<JoinHandle<()>>,
}

/// How often the store was asked, and whether it answered last.
#[derive(Debug, Clone, Copy)]
struct Reads {
    count: u64,
    answered: bool,
}

impl Keys {
    /// None, for who answers no requests.
    pub(crate) fn none() -> Self {
        let (_, reads) = watch::channel(Reads { count: 0, answered: false });
        Self { ring: Arc::default(), wanted: Arc::default(), reads, keeper: None }
    }

    /// The store's keys, from now on.
    pub(crate) async fn of(store: Arc<dyn Store>) -> Self {
        let (ring, wanted) = (Arc::new(Keyring::default()), Arc::new(Notify::new()));
        let answered = read(&ring, &store).await;
        let (sender, reads) = watch::channel(Reads { count: 1, answered });
        let keeper = tokio::spawn(keep(ring.clone(), store, wanted.clone(), sender));
        Self { ring, wanted, reads, keeper: Some(keeper) }
    }

    /// What is known; nothing until the store has answered once.
    pub(crate) fn known(&self) -> Option<Arc<Known>> {
        self.ring.known()
    }

    /// Waits until a key is of no use any more.
    pub(super) async fn ended(&self, grant: &Grant, clock: Clock) {
        while self.known().is_none_or(|known| known.still_grants(grant, clock.now())) {
            sleep(PACE).await;
        }
    }

    /// What a key lets its holder do.
    pub(super) async fn grant(&self, key: &Key, now: Timestamp) -> Result<Arc<Grant>, Error> {
        let find = || self.known().and_then(|known| known.grant(key, now));
        if let Some(grant) = find() {
            return Ok(grant);
        }
        let mut reads = self.reads.clone();
        let arrived = reads.borrow().count;
        // One may be under way that does not see what was made since; the next one does.
        for wanted in 1..=2 {
            self.wanted.notify_one();
            let read = reads.wait_for(|reads| reads.count >= arrived + wanted);
            let answered = timeout(PATIENCE, read).await.is_ok_and(|read| read.is_ok_and(|reads| reads.answered));
            match find() {
                Some(grant) => return Ok(grant),
                None if !answered => return Err(Error::NoKeys),
                None => (),
            }
        }
        Err(Error::Unauthorized("Invalid key: it is not known here, or was revoked.".to_owned()))
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
    }
}

async fn keep(ring: Arc<Keyring>, store: Arc<dyn Store>, wanted: Arc<Notify>, reads: watch::Sender<Reads>) {
    loop {
        sleep(REST).await;
        // Either will do.
        let _ = timeout(PACE - REST, wanted.notified()).await;
        let answered = read(&ring, &store).await;
        if reads.borrow().answered && !answered {
            tracing::warn!("the keys cannot be read: those that were known last go on to count");
        }
        reads.send_modify(|reads| *reads = Reads { count: reads.count + 1, answered });
    }
}

/// Says whether that could be done; what was known goes on to count if not.
async fn read(ring: &Keyring, store: &Arc<dyn Store>) -> bool {
    let registered = store.registered().await.inspect_err(|error| {
        tracing::debug!(error = %error, "the keys could not be read");
    });
    registered.map(|registered| ring.replace(registered)).is_ok()
}
