//! Which queue and which store, and how many processes.

use std::fmt;

/// What a queue or a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file of SQLite.
    File,
    /// A Redis, or a PostgreSQL.
    Server,
}

/// A queue and a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    pub queue: Kind,
    pub store: Kind,
    /// Whether the worker is a process of its own.
    pub apart: bool,
}

impl Pair {
    /// One process with two files.
    pub const EMBEDDED: Self = Self { queue: Kind::File, store: Kind::File, apart: false };
    /// Two processes with two files.
    pub const APART: Self = Self { apart: true, ..Self::EMBEDDED };
    /// Two processes with Redis and PostgreSQL.
    pub const SHARED: Self = Self { queue: Kind::Server, store: Kind::Server, apart: true };
    /// Two processes, the queue in a file.
    pub const TO_POSTGRES: Self = Self { queue: Kind::File, store: Kind::Server, apart: true };
    /// Two processes, the store in a file.
    pub const FROM_REDIS: Self = Self { queue: Kind::Server, store: Kind::File, apart: true };

    pub const ALL: [Self; 5] = [Self::EMBEDDED, Self::APART, Self::SHARED, Self::TO_POSTGRES, Self::FROM_REDIS];
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = if self.queue == Kind::File { "SQLite" } else { "Redis" };
        let store = if self.store == Kind::File { "SQLite" } else { "PostgreSQL" };
        let processes = if self.apart { "" } else { ", one process" };
        write!(f, "{queue} → {store}{processes}")
    }
}
