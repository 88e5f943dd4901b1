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

use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use futures_util::FutureExt;

use crate::clock::{Clock, Stopwatch};
use crate::event::{Catalog, TimestampFormat};
use crate::metrics::{Histogram, Metrics, RequestLabels, RouteLabels};
use crate::queue::Queue;
use crate::store::Store;
pub(crate) use body::{BUDGET, Budget};
use error::Error;
pub(crate) use refusal::RefusalLog;

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
    let events = || get(events::list).post(ingest::post).options(options::events);
    let event = || get(events::one).options(options::event);
    let rejected = || get(rejected::list).options(options::rejected);
    let rejected_one = || get(rejected::one).options(options::rejected);
    let routes = [
        ("/", "/", Allow::READ, get(health::root)),
        ("/events", "/events", Allow::EVENTS, events()),
        ("/events/", "/events", Allow::EVENTS, events()),
        ("/events.json", "/events", Allow::EVENTS, events()),
        ("/events.api", "/events", Allow::EVENTS, events()),
        ("/events.html", "/events", Allow::EVENTS, events()),
        ("/events/{id}", "/events/{id}", Allow::READ_OPTIONS, event()),
        ("/events/{id}/", "/events/{id}", Allow::READ_OPTIONS, event()),
        ("/rejected", "/rejected", Allow::READ_OPTIONS, rejected()),
        ("/rejected/", "/rejected", Allow::READ_OPTIONS, rejected()),
        ("/rejected.json", "/rejected", Allow::READ_OPTIONS, rejected()),
        ("/rejected.api", "/rejected", Allow::READ_OPTIONS, rejected()),
        ("/rejected.html", "/rejected", Allow::READ_OPTIONS, rejected()),
        ("/rejected/{id}", "/rejected/{id}", Allow::READ_OPTIONS, rejected_one()),
        ("/rejected/{id}/", "/rejected/{id}", Allow::READ_OPTIONS, rejected_one()),
        ("/healthz", "/healthz", Allow::READ, get(health::healthz)),
        ("/readyz", "/readyz", Allow::READ, get(health::readyz)),
        ("/metrics", "/metrics", Allow::READ, get(health::metrics)),
        ("/assets/the-eye.css", "/assets", Allow::READ, get(browse::stylesheet)),
    ];
    let mut router = Router::new();
    for (path, name, allow, methods) in routes {
        router = router.route(path, resource(&app, name, allow, methods));
    }
    let unknown = MethodRouter::new().fallback(async || Error::NotFound);
    router.fallback_service(layered(&app, "unknown", unknown).with_state(app.clone())).with_state(app)
}

/// The methods that a 405 names.
struct Allow;

impl Allow {
    const READ: &'static str = "GET, HEAD";
    const READ_OPTIONS: &'static str = "GET, HEAD, OPTIONS";
    const EVENTS: &'static str = "GET, POST, HEAD, OPTIONS";
}

/// The methods of one resource, and a 405 for all others.
fn resource(app: &App, name: &'static str, allow: &'static str, methods: MethodRouter<App>) -> MethodRouter<App> {
    let not_allowed = async move |method: Method| Error::MethodNotAllowed { method, allow };
    layered(app, name, methods.fallback(not_allowed))
}

/// What stands around every handler, in one layer: each costs an allocation for each request.
fn layered(app: &App, route: &'static str, methods: MethodRouter<App>) -> MethodRouter<App> {
    let seconds = app.metrics.request_seconds.get_or_create(&RouteLabels { route }).clone();
    methods.layer(middleware::from_fn_with_state((app.clone(), route, seconds), around))
}

async fn around(
    State((app, route, seconds)): State<(App, &'static str, Histogram)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    let watch = Stopwatch::start();
    let method = known(request.method());
    // A panic is an answer too, and counted as one; nothing of the request is used after it.
    let answer = AssertUnwindSafe(browse::page(&app, request, next)).catch_unwind().await;
    let response = answer.unwrap_or_else(|_| Error::Internal.into_response());
    let labels = RequestLabels { method, route, status: response.status().as_u16() };
    app.metrics.requests.get_or_create(&labels).inc();
    seconds.observe(watch.seconds());
    response
}

/// A method as a label: there are endless methods, and a label must come from a short list.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
