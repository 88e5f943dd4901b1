//! The queue between the answer and the store: what it holds is durable, and leaves it only when
//! the store has it.
//!
//! It has two lanes. Events are acknowledged once they are in it, are never dropped, and fill it
//! up to a bound. Rejected events ride along in a lane with a bound of its own, from which the
//! oldest refusals are removed; nobody waits for them.
//!
//! A claim is a lease: its entries are hidden from other claims until it is acknowledged, or given
//! back by being dropped. A lease ends with the process that holds it, never because it took long.

mod backlog;
mod packed;
mod redis;
mod role;
mod sqlite;

use std::fmt;

use async_trait::async_trait;

use crate::event::{Event, NewEvent, Rejected, Timestamp};

#[cfg(any(fuzzing, test))]
pub(crate) use sqlite::fuzz;

pub use redis::{RedisOpenError, RedisQueue, RedisQueueOptions};
pub use role::Role;
pub use sqlite::{SqliteQueue, SqliteQueueOptions};

/// A durable queue.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Takes all of the events or none. They are durable when this returns, unless the receipt says
    /// that they are not.
    async fn enqueue(&self, events: Vec<NewEvent>) -> Result<Receipt, QueueError>;

    /// Takes refused events, without waiting and without a promise.
    fn refuse(&self, refused: Vec<Rejected>);

    /// Leases the oldest events that are free, or none if there are none.
    async fn claim(&self, most: Most) -> Result<Option<Claim<Event>>, QueueError>;

    /// Leases the oldest rejected events that are free.
    async fn claim_rejected(&self, most: Most) -> Result<Option<Claim<Rejected>>, QueueError>;

    /// Removes what was claimed; it is stored.
    async fn ack(&self, claim: Claim<Event>) -> Result<(), QueueError>;

    /// Removes what was claimed from the lane of rejected events.
    async fn ack_rejected(&self, claim: Claim<Rejected>) -> Result<(), QueueError>;

    /// Moves one claimed event into the lane of rejected events, at once and for good.
    async fn bury(&self, seq: u64, dead_letter: Rejected) -> Result<(), QueueError>;

    /// Waits until nothing of a request is in the queue any more.
    async fn settled(&self, receipt: &Receipt);

    /// Waits until there may be events to claim.
    async fn wait(&self);

    /// Waits until there may be rejected events to claim.
    async fn wait_rejected(&self);

    /// How full it is.
    async fn depth(&self) -> Result<Depth, QueueError>;

    /// The number of the newest entry, of either lane, that was given so far. Refusals that this process still has
    /// in memory are written first.
    async fn newest(&self) -> Result<u64, QueueError>;

    /// Whether nothing up to that number is left in either lane, claimed entries included, and no dead letter that may
    /// be of one of them.
    async fn is_past(&self, number: u64) -> Result<bool, QueueError>;

    /// Makes what was removed unreadable in files of ours.
    async fn scrub(&self) -> Result<(), QueueError>;

    /// Where what was removed may be left after that, in a sentence each.
    fn residues(&self) -> Vec<&'static str>;

    /// Whether it can take events, shown by a write, and whether that was flushed.
    async fn probe(&self) -> Result<Durability, QueueError>;
}

/// Why the queue did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The request is larger than the whole queue may be.
    #[error("{0}")]
    TooLarge(String),
    /// There is no room; there will be again.
    #[error("the queue is full: {0}")]
    Full(String),
    /// It cannot be reached or written. Whether it took the events is not known.
    #[error("the queue is unavailable: {0}")]
    Unavailable(String),
}

/// The place that one request's events have in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    first: u64,
    last: u64,
    /// Whether the events were flushed to a disk.
    pub durable: bool,
}

/// What becomes of a write when the power is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Durability {
    /// It was flushed to a disk: nothing.
    Flushed,
    /// It may be lost, for that reason.
    AtRisk(String),
}

/// Bounds of a claim; it has at least one entry where there is one.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Entries.
    pub entries: usize,
    /// Bytes of memory.
    pub bytes: usize,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Events that are not stored yet.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rejected events that are not stored yet.
    pub rejected: u64,
    /// When the oldest of the events was taken in, or one that was made durable together with it.
    pub oldest: Option<Timestamp>,
}

/// Entries that are leased to one worker, oldest first.
#[derive(Debug)]
pub struct Claim<T> {
    /// What was claimed.
    pub entries: Vec<Entry<T>>,
    /// Gives the entries back when it is dropped.
    lease: Lease,
}

/// One entry of a claim.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// Its number in the queue.
    pub seq: u64,
    /// What was put in.
    pub item: T,
}

/// What keeps entries from being claimed again for as long as it lives.
struct Lease {
    seqs: Seqs,
    give_back: Option<GiveBack>,
}

/// Makes entries free again.
type GiveBack = Box<dyn FnOnce(&Seqs) + Send + Sync>;

/// Which entries a lease is of.
#[derive(Debug)]
enum Seqs {
    /// All between the two.
    Stretch { first: u64, last: u64 },
    /// These, each with its bytes.
    Each(Vec<(u64, u64)>),
}

impl Lease {
    fn new(seqs: Seqs, give_back: impl FnOnce(&Seqs) + Send + Sync + 'static) -> Self {
        Self { seqs, give_back: Some(Box::new(give_back)) }
    }

    /// Ends it without giving anything back.
    fn end(mut self) {
        self.give_back = None;
    }
}

impl Seqs {
    /// The first and the last one.
    fn ends(&self) -> (u64, u64) {
        match self {
            Self::Stretch { first, last } => (*first, *last),
            Self::Each(entries) => {
                (entries.first().map_or(0, |(seq, _)| *seq), entries.last().map_or(0, |(seq, _)| *seq))
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            give_back(&self.seqs);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({:?})", self.seqs.ends())
    }
}
