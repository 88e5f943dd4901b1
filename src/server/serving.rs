//! What all connections of a server share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::Limits;
use super::caps::Full;
use crate::eye::Eye;
use crate::metrics::ConnectionLabels;

/// What connections are served with.
#[derive(Debug)]
pub(super) struct Serving {
    eye: Eye,
    router: Router,
    limits: Limits,
    /// The token's news, for those who would ask with each request.
    stopping: AtomicBool,
    stop: CancellationToken,
}

/// Why a connection was not served, or no longer.
#[derive(Debug, Clone, Copy)]
pub(super) enum TurnedAway {
    /// There was no place for it.
    Full(Full),
    /// A head took too long.
    LateHead,
    /// No request came.
    Idle,
    /// A request could be read in two ways.
    Framing,
}

impl Serving {
    /// For a server whose connections have `drain_timeout` to end.
    pub(super) fn new(eye: Eye, limits: Limits, drain_timeout: Duration) -> Self {
        Self {
            router: eye.router(),
            eye,
            // One after the other, in the half that open requests have: a client without a request is
            // kept, then it is seen off.
            limits: Limits { farewell: limits.farewell.min(drain_timeout / 4), ..limits },
            stopping: AtomicBool::new(false),
            stop: CancellationToken::new(),
        }
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether requests have to say whom they come from.
    pub(super) fn wants_addresses(&self) -> bool {
        self.eye.wants_addresses()
    }

    /// From now on answers are the last of their connections.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stop.cancel();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn stopped(&self) -> WaitForCancellationFuture<'_> {
        self.stop.cancelled()
    }

    /// Counts a connection that came, and then one that went.
    pub(super) fn count_open(&self, more: i64) {
        self.eye.metrics().connections.inc_by(more);
    }

    /// Counts a connection that was turned away.
    pub(super) fn turned_away(&self, why: TurnedAway) {
        let reason = match why {
            TurnedAway::Full(Full::Total) => "too_many",
            TurnedAway::Full(Full::Address) => "too_many_from_address",
            TurnedAway::LateHead => "head_timeout",
            TurnedAway::Idle => "idle",
            TurnedAway::Framing => "framing",
        };
        self.eye.metrics().connections_ended.get_or_create(&ConnectionLabels { reason }).inc();
    }
}
