//! Lists of sessions: those that share a `session_id`, the one with the newest event first.
//!
//! Nothing is kept for these lists. Events are walked in their order, and one that is the last of its session
//! stands for it; so a page costs as much as the events that it passes by, and a look at a session costs nothing
//! where events are stored.

use super::{Order, Position};
use crate::event::Timestamp;

/// Events that one query walks by at most; it ends early then, and says where to go on.
pub(super) const MOST_WALKED: usize = 20_000;

/// One page of a list of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionQuery {
    /// Only sessions that have an event of that time or later...
    pub start_time: Option<Timestamp>,
    /// ...and one of that time or earlier: they are listed by their last event in between.
    pub end_time: Option<Timestamp>,
    /// As if there were that application's events alone.
    pub application: Option<String>,
    /// By that event.
    pub order: Order,
    /// Right behind that event, whether or not it is still there.
    pub after: Option<Position>,
    /// How many at most.
    pub size: u32,
}

/// A page of sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    /// The sessions, which may be fewer than were asked for.
    pub items: Vec<Session>,
    /// Where to go on, if that may be worth it.
    pub next: Option<Position>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The sending application's name for it.
    pub session_id: String,
    /// How many events it has.
    pub events: u64,
    /// Its first event.
    pub first: Position,
    /// Its last event.
    pub last: Position,
}
