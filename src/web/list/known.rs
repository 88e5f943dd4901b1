//! The lists there are, and what each may be asked for.

use crate::store::Order;

/// A list that can be asked for.
#[derive(Debug)]
pub(in crate::web) struct List {
    /// What it is called in cursors.
    pub(super) name: &'static str,
    /// Its parameters.
    pub(in crate::web) known: &'static [&'static str],
    /// Its order, if nobody says another one.
    pub(super) order: Order,
}

pub(in crate::web) static EVENTS: List = List {
    name: "events",
    known: &[
        "session_id",
        "category",
        "name",
        "application",
        "start_time",
        "end_time",
        "order",
        "page",
        "page_size",
        "cursor",
        "format",
    ],
    order: Order::Descending,
};

pub(in crate::web) static REJECTED: List = List {
    name: "rejected",
    known: &[
        "session_id",
        "category",
        "name",
        "application",
        "reason",
        "start_time",
        "end_time",
        "order",
        "page",
        "page_size",
        "cursor",
        "format",
    ],
    order: Order::Descending,
};

pub(in crate::web) static SESSIONS: List = List {
    name: "sessions",
    known: &["application", "start_time", "end_time", "order", "page_size", "cursor", "format"],
    order: Order::Descending,
};

/// Rejected events that are to be judged again; the oldest first, so that events keep their order.
pub(in crate::web) static REPLAY: List = List {
    name: "replay",
    known: &["id", "reason", "start_time", "end_time", "cursor", "limit"],
    order: Order::Ascending,
};

/// The events of one session.
pub(in crate::web) static SESSION: List = List {
    name: "session",
    known: &["application", "order", "page", "page_size", "cursor", "format"],
    order: Order::Ascending,
};
