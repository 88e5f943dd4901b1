//! One stream as a worker sees it: what it has leased, what it has read ahead, and what it holds
//! without having it.
//!
//! To Redis everything that was delivered to this process is pending, and pending it stays until it
//! is acked. Here the same entries are *leased* (a claim has them), *ahead* (read, and claimed by
//! nobody yet) or *owed* (known by their numbers alone). An entry becomes owed when its claim is
//! given back; when an answer was lost on its way; and when a dead worker's entries come over. What
//! is pending and none of the three is found by asking Redis ([`Lane::recheck`]), as soon as it
//! counts more of them than are known ([`Lane::compare`]).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::Value;

use super::entry::{self, Item};
use super::held::Held;
use super::link::{Link, is_no_group};
use super::scripts;
use super::shared::{GROUP, failure};
use crate::queue::{Claim, Entry, Lease, Most, QueueError, Seqs};

/// What one script reads and one script removes: Redis does nothing else meanwhile. The bytes may be
/// exceeded by the last step of twenty entries.
const STEP_ENTRIES: usize = 1000;
const STEP_BYTES: usize = 1 << 20;

/// One stream, and what this process holds of it.
#[derive(Debug)]
pub(super) struct Lane<T> {
    link: Link,
    stream: String,
    state: String,
    consumer: String,
    held: Arc<Mutex<Held<T>>>,
    /// Taken by whoever claims.
    claiming: tokio::sync::Mutex<()>,
}

impl<T: Item> Lane<T> {
    /// The lane of a stream, whose sums are in `state`, for that consumer.
    pub(super) fn new(link: &Link, stream: &str, state: &str, consumer: &str) -> Self {
        Self {
            link: link.clone(),
            stream: stream.to_owned(),
            state: state.to_owned(),
            consumer: consumer.to_owned(),
            held: Arc::new(Mutex::new(Held::new())),
            claiming: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Leases the oldest entries that are free.
    pub(super) async fn claim(&self, most: Most) -> Result<Option<Claim<T>>, QueueError> {
        let _claiming = self.claiming.lock().await;
        if self.held().is_unsure() {
            self.recheck().await?;
        }
        self.fetch_owed(most).await?;
        if self.held().ahead.is_empty() {
            self.read(most).await?;
        }
        let mut held = self.held();
        let (mut entries, mut leased, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(first) = held.ahead.first_entry() {
            let size = first.get().bytes();
            bytes += size;
            if !entries.is_empty() && (bytes > most.bytes || entries.len() == most.entries) {
                break;
            }
            let (seq, item) = first.remove_entry();
            leased.push((seq, item.counted()));
            entries.push(Entry { seq, item });
        }
        held.leased.extend(leased.iter().copied());
        let held = self.held.clone();
        let give_back = move |seqs: &Seqs| {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            for (seq, _) in seqs.each() {
                if held.leased.remove(seq).is_some() {
                    held.owed.insert(*seq);
                }
            }
        };
        Ok((!entries.is_empty()).then(|| Claim { entries, lease: Lease::new(Seqs::Each(leased), give_back) }))
    }

    /// Removes what was leased, for good.
    pub(super) async fn ack(&self, lease: Lease) -> Result<(), QueueError> {
        for some in lease.seqs.each().chunks(STEP_ENTRIES) {
            let mut script = scripts::call(&scripts::ACK, &[&self.stream, &self.state]);
            script.arg(GROUP);
            for &(seq, bytes) in some {
                script.arg(entry::id(seq)).arg(bytes);
            }
            // On an error the lease gives everything back; what is gone already is not found then.
            self.link.run::<()>(&script).await.map_err(|error| failure(&error))?;
        }
        let mut held = self.held();
        for (seq, _) in lease.seqs.each() {
            held.leased.remove(seq);
        }
        drop(held);
        lease.end();
        Ok(())
    }

    /// The bytes of an entry, if it is leased.
    pub(super) fn leased(&self, seq: u64) -> Option<u64> {
        self.held().leased.get(&seq).copied()
    }

    /// The id of one of the entries that cannot be read, and its texts as they are.
    pub(super) fn unreadable(&self) -> Option<(String, Vec<u8>)> {
        self.held().unreadable.first_key_value().map(|(id, texts)| (id.clone(), texts.clone()))
    }

    /// Forgets an entry that could not be read.
    pub(super) fn forget(&self, id: &str) {
        self.held().unreadable.remove(id);
    }

    /// Leaves an entry that could not be read where it is.
    pub(super) fn leave(&self, id: String) {
        self.held().leave(id);
    }

    /// Hears how many entries Redis counts as pending here. If that is more than is known, an answer
    /// was lost, or something was told to Redis by a connection that was given up.
    pub(super) fn compare(&self, pending: usize) {
        self.held().compare(pending);
    }

    /// Asks Redis what is pending here, and owes what is not known of.
    async fn recheck(&self) -> Result<(), QueueError> {
        // Before it is asked: what is taken over meanwhile is asked for again.
        self.held().recheck = false;
        let result = self.pending().await;
        let mut held = self.held();
        match result {
            Ok(pending) => held.owe(pending),
            Err(error) => {
                held.recheck = true;
                return Err(error);
            }
        }
        held.reading = false;
        Ok(())
    }

    /// What Redis counts as pending here.
    async fn pending(&self) -> Result<Vec<u64>, QueueError> {
        let mut from = "-".to_owned();
        let mut pending = Vec::new();
        loop {
            let mut command = redis::cmd("XPENDING");
            command.arg(&self.stream).arg(GROUP).arg(&from).arg("+").arg(STEP_ENTRIES).arg(&self.consumer);
            let page: Vec<(String, String, i64, i64)> = match self.link.run(&command).await {
                Ok(page) => page,
                // The stream was removed, and what was pending with it.
                Err(error) if is_no_group(&error) => Vec::new(),
                Err(error) => return Err(failure(&error)),
            };
            let Some((last, ..)) = page.last() else { return Ok(pending) };
            from = format!("({last}");
            pending.extend(page.iter().filter_map(|(id, ..)| entry::seq(id)));
        }
    }

    /// Reads what is owed, until there is enough that is older than the rest of it.
    async fn fetch_owed(&self, most: Most) -> Result<(), QueueError> {
        loop {
            let owed: Vec<u64> = {
                let held = self.held();
                match held.owed.first() {
                    Some(&first) if !held.is_enough_before(first, most) => {
                        held.owed.iter().copied().take(STEP_ENTRIES).collect()
                    }
                    _ => return Ok(()),
                }
            };
            let mut script = scripts::call(&scripts::FETCH, &[&self.stream]);
            script.arg(GROUP).arg(STEP_BYTES);
            for &seq in &owed {
                script.arg(entry::id(seq));
            }
            let (looked, entries): (usize, Value) = self.link.run(&script).await.map_err(|error| failure(&error))?;
            let mut held = self.held();
            for seq in &owed[..looked.min(owed.len())] {
                held.owed.remove(seq);
            }
            held.keep(entry::read_all(&entries));
        }
    }

    /// Reads what nobody has, until there is enough of it; nothing is ahead yet.
    async fn read(&self, most: Most) -> Result<(), QueueError> {
        let mut bytes = 0;
        while self.held().ahead.len() < most.entries && bytes < most.bytes {
            let step = STEP_ENTRIES.min(most.entries);
            let mut script = scripts::call(&scripts::READ, &[&self.stream]);
            script.arg(GROUP).arg(&self.consumer).arg(step).arg(STEP_BYTES.min(most.bytes));
            self.held().reading = true;
            let (more, entries): (bool, Value) = match self.link.run(&script).await {
                Err(error) if is_no_group(&error) => {
                    self.make_group().await?;
                    continue;
                }
                result => result.map_err(|error| failure(&error))?,
            };
            let mut held = self.held();
            held.reading = false;
            bytes += held.keep(entry::read_all(&entries));
            if !more {
                break;
            }
        }
        Ok(())
    }

    async fn make_group(&self) -> Result<(), QueueError> {
        let mut script = scripts::call(&scripts::MAKE_GROUP, &[&self.stream]);
        self.link.run(script.arg(GROUP)).await.map_err(|error| failure(&error))
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seqs {
    fn each(&self) -> &[(u64, u64)] {
        match self {
            Self::Each(entries) => entries,
            Self::Stretch { .. } => &[],
        }
    }
}
