//! The counters, in one struct whose handles are resolved once. It counts what it is told and
//! prints it as OpenMetrics text; labels come from fixed lists only, never from what was sent.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
pub use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds, from a cached read to a stalled disk.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Upper bounds for numbers of events.
const EVENTS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 20000.0];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// HTTP requests by method, route and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Seconds from a request's head to its answer, by route.
    pub request_seconds: Family<RouteLabels, Histogram>,
    /// Events acknowledged.
    pub accepted: Counter,
    /// Events refused, by reason.
    pub refused: Family<ReasonLabels, Counter>,
    /// The same, of all reasons; not exported, since it is their sum.
    refused_total: Counter,
    /// Refused events of which nothing could be kept, because too many came at once.
    pub refused_dropped: Counter,
    /// Refused events removed to keep within `EYE_REJECTED_MAX`.
    pub refused_removed: Counter,
    /// Events stored.
    pub stored: Counter,
    /// Events and rejected events removed because they had been kept for long enough.
    pub expired: Counter,
    /// Events that were in the store already.
    pub repeated: Counter,
    /// Events that the store would not take.
    pub dead_lettered: Counter,
    /// Events per flush of the queue.
    pub flush_events: Histogram,
    /// Seconds per flush of the queue.
    pub flush_seconds: Histogram,
    /// Events per batch given to the store.
    pub batch_events: Histogram,
    /// Seconds per batch given to the store.
    pub batch_seconds: Histogram,
    /// Failures of the queue's and the store's databases.
    pub database_errors: Family<DatabaseLabels, Counter>,
    /// Events that wait in the queue; -1 while it cannot be asked.
    pub queue_depth: Gauge,
    /// Their bytes.
    pub queue_bytes: Gauge,
    /// Seconds since the oldest of them was taken in.
    pub queue_lag: Gauge<f64, std::sync::atomic::AtomicU64>,
    /// Bytes of request bodies in memory, as of the last `GET /metrics`.
    pub body_bytes: Gauge,
    /// Streams of `/live` that are open.
    pub live_streams: Gauge,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that the server refused or ended, by reason.
    pub connections_ended: Family<ConnectionLabels, Counter>,
    summarized: Mutex<Totals>,
}

/// What happened to events, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events acknowledged.
    pub accepted: u64,
    /// Events refused, for whatever reason.
    pub refused: u64,
    /// Events stored.
    pub stored: u64,
    /// Events that the store would not take.
    pub dead_lettered: u64,
}

/// What tells requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The method, or `other`.
    pub method: &'static str,
    /// The route's pattern, or `unknown`.
    pub route: &'static str,
    /// The status code.
    pub status: u16,
}

/// What tells latencies apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route's pattern, or `unknown`.
    pub route: &'static str,
}

/// What tells refusals apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// One of the words of [`crate::event::Reason`].
    pub reason: &'static str,
}

/// What tells connections apart that the server did not want.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConnectionLabels {
    /// `too_many`, `too_many_from_address`, `head_timeout`, `idle` or `framing`.
    pub reason: &'static str,
}

/// What tells database errors apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DatabaseLabels {
    /// `queue` or `store`.
    pub database: &'static str,
}

impl Metrics {
    /// All counters at nought.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("eye"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            accepted: Counter::default(),
            refused: Family::default(),
            refused_total: Counter::default(),
            refused_dropped: Counter::default(),
            refused_removed: Counter::default(),
            stored: Counter::default(),
            expired: Counter::default(),
            repeated: Counter::default(),
            dead_lettered: Counter::default(),
            flush_events: Histogram::new(EVENTS),
            flush_seconds: Histogram::new(SECONDS),
            batch_events: Histogram::new(EVENTS),
            batch_seconds: Histogram::new(SECONDS),
            database_errors: Family::default(),
            queue_depth: Gauge::default(),
            queue_bytes: Gauge::default(),
            queue_lag: Gauge::default(),
            body_bytes: Gauge::default(),
            live_streams: Gauge::default(),
            connections: Gauge::default(),
            connections_ended: Family::default(),
            summarized: Mutex::default(),
        };
        metrics.register();
        metrics
    }

    /// Counts one failure of `queue` or `store`.
    pub fn database_error(&self, database: &'static str) {
        self.database_errors.get_or_create(&DatabaseLabels { database }).inc();
    }

    /// Counts one refusal.
    pub fn refusal(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
        self.refused_total.inc();
    }

    /// What happened since this was last asked, if something did.
    pub fn since_last_summary(&self) -> Option<Totals> {
        let mut before = self.summarized.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Totals {
            accepted: self.accepted.get(),
            refused: self.refused_total.get(),
            stored: self.stored.get(),
            dead_lettered: self.dead_lettered.get(),
        };
        let since = Totals {
            accepted: now.accepted - before.accepted,
            refused: now.refused - before.refused,
            stored: now.stored - before.stored,
            dead_lettered: now.dead_lettered - before.dead_lettered,
        };
        *before = now;
        (since != Totals::default()).then_some(since)
    }

    /// Everything as OpenMetrics text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("http_requests", "HTTP requests", self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.request_seconds.clone(),
        );
        registry.register("events_accepted", "Events acknowledged", self.accepted.clone());
        registry.register("events_refused", "Events refused, by reason", self.refused.clone());
        registry.register(
            "refused_dropped",
            "Refused events of which nothing could be kept, because too many came at once",
            self.refused_dropped.clone(),
        );
        registry.register(
            "refused_removed",
            "Refused events removed to keep within EYE_REJECTED_MAX",
            self.refused_removed.clone(),
        );
        registry.register("events_stored", "Events stored", self.stored.clone());
        let help = "Events and rejected events removed after their time (EYE_RETENTION)";
        registry.register("events_expired", help, self.expired.clone());
        registry.register("events_repeated", "Events that were stored already", self.repeated.clone());
        registry.register("events_dead_lettered", "Events that the store would not take", self.dead_lettered.clone());
        registry.register("flush_events", "Events per flush of the queue", self.flush_events.clone());
        registry.register_with_unit(
            "flush_duration",
            "Time per flush of the queue",
            Unit::Seconds,
            self.flush_seconds.clone(),
        );
        registry.register("batch_events", "Events per batch given to the store", self.batch_events.clone());
        registry.register_with_unit(
            "batch_duration",
            "Time per batch given to the store",
            Unit::Seconds,
            self.batch_seconds.clone(),
        );
        registry.register("database_errors", "Failures of the queue and the store", self.database_errors.clone());
        registry.register(
            "queue_depth",
            "Events that wait in the queue, -1 while it cannot be asked",
            self.queue_depth.clone(),
        );
        registry.register_with_unit("queue_size", "Their bytes", Unit::Bytes, self.queue_bytes.clone());
        registry.register_with_unit(
            "queue_lag",
            "Time since the oldest of them was taken in",
            Unit::Seconds,
            self.queue_lag.clone(),
        );
        registry.register("live_streams", "Streams of /live that are open", self.live_streams.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        registry.register(
            "connections_ended",
            "Connections that the server refused or ended, by reason",
            self.connections_ended.clone(),
        );
        registry.register_with_unit("body_memory", "Request bodies in memory", Unit::Bytes, self.body_bytes.clone());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
