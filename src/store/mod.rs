//! Where events are kept and found: inserts that repeat without harm, and pages of a filtered,
//! ordered list with an exact count.
//!
//! A store says of each failure whether the events are at fault or it is: the worker buries for
//! the one and waits for the other.

mod applications;
mod blocks;
mod feed;
mod figures;
mod filter;
mod mentions;
mod page;
mod postgres;
mod registry;
mod session;
mod sqlite;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::event::{Event, Expiry, Rejected};

pub use feed::{News, Place, Stored};
pub use figures::{Counts, Intervals, ReasonCount, Sample};
pub use filter::{Filter, Order, Position, Query, Start};
pub(crate) use mentions::mentions;
pub use page::Page;
pub use postgres::{DataLoss, PostgresOpenError, PostgresStore, PostgresStoreOptions};
pub use registry::{Change, Registry};
pub use session::{Session, SessionQuery, Sessions};
pub use sqlite::{SqliteStore, SqliteStoreOptions};

/// A place where events are kept.
#[async_trait]
pub trait Store: Registry + fmt::Debug + Send + Sync + 'static {
    /// Stores all of the events or none; durable when it returns. Those it has already, by application, id and
    /// timestamp, it leaves as they are; of two in one call, the first one stands. An application that it does not
    /// know is one from then on; one that it knows by another name or number is refused.
    async fn insert(&self, events: Arc<[Event]>) -> Result<Inserted, StoreError>;

    /// Stores rejected events; those it has already it leaves as they are. Of an application that it knows by another
    /// name or number, they are nobody's.
    async fn insert_rejected(&self, rejected: Arc<[Rejected]>) -> Result<(), StoreError>;

    /// A page of events, or `None` if there is no page of that number.
    async fn events(&self, query: Query) -> Result<Option<Page<Event>>, StoreError>;

    /// The event with that id, of the application of that name if one is given; the newest, should there be several.
    async fn event(&self, id: Uuid, application: Option<String>) -> Result<Option<Event>, StoreError>;

    /// A page of rejected events, whose time is when they were received.
    async fn rejected(&self, query: Query) -> Result<Option<Page<Rejected>>, StoreError>;

    /// The rejected event with that id.
    async fn rejected_by_id(&self, id: Uuid) -> Result<Option<Rejected>, StoreError>;

    /// How many rejected events a filter leaves, by reason; the most first.
    async fn rejected_by_reason(&self, filter: Filter) -> Result<Vec<ReasonCount>, StoreError>;

    /// Removes rejected events, and says how many of these there were.
    async fn remove_rejected(&self, rows: Vec<Position>) -> Result<u64, StoreError>;

    /// Removes some of the oldest events that have expired, and of rejected events those that were received before
    /// those of no category of their own have, dead letters too, with all that counts them: `most` of them or fewer, or a whole
    /// month at once. Says how many; 0 if there are none, or another process is at it.
    async fn remove_expired(&self, expiry: Expiry, most: usize) -> Result<u64, StoreError>;

    /// Removes all events of a session, of one application if one is named, and its rejected events: those that say
    /// so, and those that nobody could read and whose body has its id as a whole JSON string, or in a form. In steps: if
    /// one fails, those before it were taken.
    async fn erase_session(&self, session_id: String, application: Option<String>) -> Result<ErasedRows, StoreError>;

    /// Makes what was removed unreadable in files of ours.
    async fn scrub(&self) -> Result<(), StoreError>;

    /// Where what was removed may be left after that, in a sentence each.
    fn residues(&self) -> Vec<&'static str>;

    /// How many events of each kind lie in each interval.
    async fn counts(&self, intervals: Intervals) -> Result<Vec<Counts>, StoreError>;

    /// All events that a filter leaves, or about so many of them.
    async fn sample(&self, filter: Filter, size: u32) -> Result<Sample, StoreError>;

    /// A page of sessions.
    async fn sessions(&self, query: SessionQuery) -> Result<Sessions, StoreError>;

    /// One session, if it has events; of the application of that name, if one is given.
    async fn session(&self, session_id: String, application: Option<String>) -> Result<Option<Session>, StoreError>;

    /// The place behind everything that can be read now.
    async fn newest_place(&self) -> Result<Place, StoreError>;

    /// What was stored behind a place: about so many items, if there are as many.
    async fn stored_after(&self, place: Place, most: usize) -> Result<News, StoreError>;

    /// The bytes it takes on disk, but for what is written ahead.
    async fn size(&self) -> Result<u64, StoreError>;

    /// How many of these events are stored.
    async fn count_stored(&self, keys: Vec<Position>) -> Result<usize, StoreError>;

    /// Whether it answers.
    async fn probe(&self) -> Result<(), StoreError>;
}

/// What an insert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inserted {
    /// Events that were not there before.
    pub new: usize,
}

/// What was erased of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedRows {
    /// The row that says when and how much, and not whose.
    pub id: Uuid,
    /// How many events.
    pub events: u64,
    /// The rejected events.
    pub rejected: Vec<Uuid>,
}

/// Why the store did not do as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The events themselves are at fault: the same again would be refused again.
    #[error("the store refused the events: {0}")]
    Refused(String),
    /// The store is at fault; it may be well again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
}
