//! What a list is asked for. The values are checked by whoever makes them; here they are data.

use uuid::Uuid;

use crate::event::{Application, Event, EventKind, Rejected, Timestamp};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// From where.
    pub start: Start,
    /// How many at most.
    pub size: u32,
}

/// Which events; what is `None` filters nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Events of that session.
    pub session_id: Option<String>,
    /// Events of that category, with underscores.
    pub category: Option<String>,
    /// Events of that name, in the spelling of answers.
    pub name: Option<String>,
    /// Events of that time or later.
    pub start_time: Option<Timestamp>,
    /// Events of that time or earlier.
    pub end_time: Option<Timestamp>,
    /// Rejected events of that reason; it says nothing of other events.
    pub reason: Option<String>,
    /// Events that the application of that name has sent.
    pub application: Option<String>,
}

/// The order of a list: by time, then by id, then by the application's number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Page by number; the first one is 1.
    Page(u64),
    /// The last page there is.
    LastPage,
    /// Right after a row, whether or not that is still there.
    After(Position),
}

/// The place of a row in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Its time.
    pub time: Timestamp,
    /// Its id.
    pub id: Uuid,
    /// The number of its application; 0 if it has none. Ids of rejected events are ours, and theirs is 0.
    pub application: u32,
}

impl Filter {
    /// Whether events of that kind and that application are among those asked for, as far as these can say.
    pub(super) fn wants(&self, kind: &EventKind, application: Option<&Application>) -> bool {
        self.category.as_ref().is_none_or(|category| *category == kind.category)
            && self.name.as_ref().is_none_or(|name| *name == kind.name)
            && self.application.as_ref().is_none_or(|name| application.is_some_and(|known| known.name == *name))
    }
}

impl From<&Event> for Position {
    fn from(event: &Event) -> Self {
        Self { time: event.timestamp, id: event.id, application: event.application_number() }
    }
}

impl From<&Rejected> for Position {
    fn from(rejected: &Rejected) -> Self {
        Self { time: rejected.received_at, id: rejected.id, application: 0 }
    }
}
