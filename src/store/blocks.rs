//! How lists are cut into blocks that know how many events they hold, as far as both stores do it alike.

use uuid::Uuid;

use super::{Filter, Order, Position};
use crate::event::Timestamp;

/// The list of all events. Sessions count from 1.
pub(super) const ALL: i64 = 0;

/// Events of a session from which on it has blocks of its own; fewer are counted one by one.
pub(super) const MANY: u32 = 1000;

/// A place in a list, at an event or between two: the order is that of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Mark {
    /// Microseconds since 1970.
    pub(super) time: i64,
    pub(super) id: Uuid,
    /// 0 is before all applications, and the place of an event that has none.
    pub(super) application: u32,
}

/// A part of a list: what lies between two places, the second one not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Mark,
    pub(super) to: Mark,
}

/// One block, or the part of it that is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) start: Mark,
    pub(super) events: u64,
}

impl Mark {
    pub(super) const FIRST: Self = Self::before(i64::MIN, Uuid::nil());
    pub(super) const LAST: Self = Self::before(i64::MAX, Uuid::max());

    /// Before all events of that time and that id.
    pub(super) const fn before(time: i64, id: Uuid) -> Self {
        Self { time, id, application: 0 }
    }

    /// Behind all events of that time.
    fn behind(time: Timestamp) -> Self {
        Self::before(time.as_micros() + 1, Uuid::nil())
    }

    /// The next place there is.
    pub(super) fn next(self) -> Self {
        match self.application.checked_add(1) {
            Some(application) => Self { application, ..self },
            None => self.next_id(),
        }
    }

    /// The first place of this or the next id: where it is, if no application's event of the same id and time comes
    /// before it.
    pub(super) fn whole_id(self) -> Self {
        if self.application == 0 { self } else { self.next_id() }
    }

    fn next_id(self) -> Self {
        match self.id.as_u128().checked_add(1) {
            Some(id) => Self::before(self.time, Uuid::from_u128(id)),
            None => Self::before(self.time + 1, Uuid::nil()),
        }
    }
}

impl From<Timestamp> for Mark {
    /// Before all events of that time.
    fn from(time: Timestamp) -> Self {
        Self::before(time.as_micros(), Uuid::nil())
    }
}

impl From<Position> for Mark {
    fn from(position: Position) -> Self {
        Self { time: position.time.as_micros(), id: position.id, application: position.application }
    }
}

impl Stretch {
    pub(super) const WHOLE: Self = Self { from: Mark::FIRST, to: Mark::LAST };

    /// What the times of a filter leave.
    pub(super) fn of(filter: &Filter) -> Self {
        Self {
            from: filter.start_time.map_or(Mark::FIRST, Mark::from),
            to: filter.end_time.map_or(Mark::LAST, Mark::behind),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.from >= self.to
    }

    /// What of it follows a row, in that order.
    pub(super) fn after(self, row: Position, order: Order) -> Self {
        let row = Mark::from(row);
        match order {
            Order::Descending => Self { to: self.to.min(row), ..self },
            Order::Ascending => Self { from: self.from.max(row.next()), ..self },
        }
    }
}
