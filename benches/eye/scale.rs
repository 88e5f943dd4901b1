//! How much each row does: enough to mean something, or just enough to see that it works.

use std::time::Duration;

/// Rounds of the rows that have no slices; each side has its turn in each.
pub(crate) const ROUNDS: usize = 5;

/// What the worker claims at once, and so what the stores are given at once.
pub(crate) const BATCH: u64 = 50_000;

/// Lines of an NDJSON body.
pub(crate) const LINES: u64 = 1000;

/// Sizes and lengths.
#[derive(Debug)]
pub(crate) struct Scale {
    /// One side's part of a round, and what comes before it.
    pub(crate) round: Duration,
    pub(crate) warm_up: Duration,
    /// Requests of one kind in a round, where they are counted, and the time after which it is enough.
    pub(crate) requests: usize,
    pub(crate) patience: Duration,
    /// Events in the sustained runs, and in a slice of them.
    pub(crate) sqlite: u64,
    pub(crate) postgres: u64,
    pub(crate) slice: u64,
    /// Events of the small store.
    pub(crate) small: u64,
    /// Events that wait in the queue, where a row is about a long queue.
    pub(crate) queued: u64,
}

const FULL: Scale = Scale {
    round: Duration::from_secs(3),
    warm_up: Duration::from_millis(500),
    requests: 100,
    patience: Duration::from_secs(3),
    sqlite: 10_000_000,
    postgres: 5_000_000,
    slice: 1_000_000,
    small: 10_000,
    queued: 1_000_000,
};

const QUICK: Scale = Scale {
    round: Duration::from_secs(1),
    warm_up: Duration::from_millis(200),
    requests: 20,
    patience: Duration::from_millis(500),
    sqlite: 250_000,
    postgres: 250_000,
    slice: 50_000,
    small: 1000,
    queued: 50_000,
};

impl Scale {
    pub(crate) fn full() -> &'static Self {
        &FULL
    }

    pub(crate) fn quick() -> &'static Self {
        &QUICK
    }

    pub(crate) fn is_full(&self) -> bool {
        self.sqlite == FULL.sqlite
    }
}
