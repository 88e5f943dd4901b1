//! The HTTP side: routes, what requests mean, and how answers look. It knows the queue and the
//! store by their traits, and never the worker.
//!
//! A handler gives an [`Answer`](answer::Answer) or an [`Error`](error::Error), both JSON; whether
//! a browser gets a page instead is decided around it, by [`browse`].

mod answer;
mod body;
mod browse;
mod decode;
mod error;
mod events;
mod form;
mod health;
mod ingest;
mod list;
mod options;
mod params;
mod prefer;
mod pretty;
mod refusal;
mod rejected;
mod site;
mod watch;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, get};

use crate::clock::Clock;
use crate::event::{Catalog, TimestampFormat};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::store::Store;
pub(crate) use body::{BUDGET, Budget};
use error::Error;
pub(crate) use refusal::RefusalLog;
use watch::Watch;

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
    /// Without a `/` at the end.
    pub(crate) public_url: Option<String>,
}

/// All routes, to be served or mounted.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(app: App) -> Router<S> {
    let events =
        |watch: &Watch| get(watch.on(events::list)).post(watch.on(ingest::post)).options(watch.on(options::events));
    let event = |watch: &Watch| get(watch.on(events::one)).options(watch.on(options::event));
    let rejected = |watch: &Watch| get(watch.on(rejected::list)).options(watch.on(options::rejected));
    let rejected_one = |watch: &Watch| get(watch.on(rejected::one)).options(watch.on(options::rejected));
    let root = |watch: &Watch| get(watch.on(health::root));
    let healthz = |watch: &Watch| get(watch.on(health::healthz));
    let readyz = |watch: &Watch| get(watch.on(health::readyz));
    let metrics = |watch: &Watch| get(watch.on(health::metrics));
    let stylesheet = |watch: &Watch| get(watch.on(browse::stylesheet));
    let routes: [(&str, &'static str, &'static str, Methods<'_>); 19] = [
        ("/", "/", Allow::READ, &root),
        ("/events", "/events", Allow::EVENTS, &events),
        ("/events/", "/events", Allow::EVENTS, &events),
        ("/events.json", "/events", Allow::EVENTS, &events),
        ("/events.api", "/events", Allow::EVENTS, &events),
        ("/events.html", "/events", Allow::EVENTS, &events),
        ("/events/{id}", "/events/{id}", Allow::READ_OPTIONS, &event),
        ("/events/{id}/", "/events/{id}", Allow::READ_OPTIONS, &event),
        ("/rejected", "/rejected", Allow::READ_OPTIONS, &rejected),
        ("/rejected/", "/rejected", Allow::READ_OPTIONS, &rejected),
        ("/rejected.json", "/rejected", Allow::READ_OPTIONS, &rejected),
        ("/rejected.api", "/rejected", Allow::READ_OPTIONS, &rejected),
        ("/rejected.html", "/rejected", Allow::READ_OPTIONS, &rejected),
        ("/rejected/{id}", "/rejected/{id}", Allow::READ_OPTIONS, &rejected_one),
        ("/rejected/{id}/", "/rejected/{id}", Allow::READ_OPTIONS, &rejected_one),
        ("/healthz", "/healthz", Allow::READ, &healthz),
        ("/readyz", "/readyz", Allow::READ, &readyz),
        ("/metrics", "/metrics", Allow::READ, &metrics),
        ("/assets/the-eye.css", "/assets", Allow::READ, &stylesheet),
    ];
    let mut router = Router::new();
    for (path, name, allow, methods) in routes {
        let watch = Watch::new(&app, name);
        let not_allowed = async move |method: Method| Error::MethodNotAllowed { method, allow };
        router = router.route(path, methods(&watch).fallback(watch.on(not_allowed)));
    }
    let unknown = Watch::new(&app, "unknown").on(async || Error::NotFound);
    router.fallback_service(MethodRouter::new().fallback(unknown).with_state(app.clone())).with_state(app)
}

/// Makes the methods of a resource, each watched over.
type Methods<'a> = &'a dyn Fn(&Watch) -> MethodRouter<App>;

/// The methods that a 405 names.
struct Allow;

impl Allow {
    const READ: &'static str = "GET, HEAD";
    const READ_OPTIONS: &'static str = "GET, HEAD, OPTIONS";
    const EVENTS: &'static str = "GET, POST, HEAD, OPTIONS";
}
