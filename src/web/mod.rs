//! The HTTP side: routes, what requests mean, and how answers look. It knows the queue and the
//! store by their traits, and never the worker.
//!
//! A handler gives an [`Answer`](answer::Answer) or an [`Error`](error::Error), both JSON; whether
//! a browser gets a page instead is decided around it, by [`browse`].

mod answer;
mod assets;
mod body;
mod browse;
mod cross_site;
mod decode;
mod docs;
mod error;
mod events;
mod form;
mod gate;
mod health;
mod ingest;
mod list;
mod live;
mod numbers;
mod openapi;
mod options;
mod overview;
mod params;
mod prefer;
mod pretty;
mod refusal;
mod rejected;
mod routes;
mod sessions;
mod site;
mod stats;
mod watch;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Access, Proxies, StoreAddress};
use crate::clock::Clock;
use crate::event::{Catalog, Retention, TimestampFormat};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::store::Store;
use crate::telemetry::LogFolder;
pub(crate) use body::{BUDGET, Budget};
pub(crate) use gate::{Keys, Quotas};
#[cfg(any(fuzzing, test))]
pub(crate) use list::fuzz;
pub(crate) use live::Live;
pub(crate) use refusal::RefusalLog;
pub(crate) use routes::router;

/// What handlers work with: one pointer, because axum clones it several times for each request.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Parts>);

/// What an [`App`] points to.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settings: Settings,
    pub(crate) budget: Budget,
    pub(crate) refusals: RefusalLog,
    pub(crate) live: Live,
    pub(crate) keys: Keys,
    /// Where this process's logs are.
    pub(crate) logs: LogFolder,
    pub(crate) retention: Retention,
    pub(crate) quotas: Quotas,
}

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The settings that answers depend on.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) page_size: u32,
    pub(crate) max_event: usize,
    pub(crate) max_body: usize,
    pub(crate) clock_tolerance: Duration,
    pub(crate) timestamp_format: TimestampFormat,
    /// Who needs no key.
    pub(crate) access: Access,
    /// Whether the counters are for everyone.
    pub(crate) open_metrics: bool,
    /// Who is believed about clients' addresses.
    pub(crate) proxies: Proxies,
    pub(crate) store_address: StoreAddress,
    /// Without a `/` at the end.
    pub(crate) public_url: Option<String>,
}
