//! What the parts of one queue have in common: how it was opened, the names of its keys, who wakes whom.

use std::sync::Arc;

use redis::RedisError;
use tokio::sync::Notify;

use super::keys::Keys;
use super::link::{Link, message};
use super::watch::Generation;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::queue::{QueueError, Role};

/// The consumer group that stores what the streams hold.
pub(super) const GROUP: &str = "workers";

/// How to open the shared queue.
#[derive(Clone)]
pub struct RedisQueueOptions {
    /// `redis://…` or `rediss://…`; `?prefix=NAME` is before all keys, by default `eye`.
    pub url: String,
    /// What this process does with it.
    pub role: Role,
    /// Events it may hold.
    pub max_events: u64,
    /// Bytes of events it may hold.
    pub max_bytes: u64,
    /// Refused events it may hold.
    pub max_refused: u64,
    /// Makes names that nobody else has.
    pub clock: Clock,
}

/// What the parts of one queue have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) keys: Keys,
    pub(super) options: RedisQueueOptions,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    /// The connection that events are written on.
    pub(super) writes: Link,
    pub(super) generation: Generation,
    /// Events, and rejected events, can be claimed.
    pub(super) arrived: Notify,
    pub(super) rejected_arrived: Notify,
}

impl std::fmt::Debug for RedisQueueOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("RedisQueueOptions").field("role", &self.role).finish_non_exhaustive()
    }
}

/// What an error of Redis means to the one who asked.
pub(super) fn failure(error: &RedisError) -> QueueError {
    match error.code() {
        Some("OOM") => QueueError::Full("Redis has no memory left".to_owned()),
        _ => QueueError::Unavailable(message(error)),
    }
}
