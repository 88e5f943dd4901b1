//! Every route there is, as data: the router is made of it, and what describes the API is held against it.

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};

use super::error::Error;
use super::gate::Permission::{Administer, Anyone, Ingest, Metrics, Read};
use super::watch::Watch;
use super::{
    App, assets, docs, events, gate, health, ingest, live, openapi, options, overview, rejected, sessions, stats,
};

/// One route.
pub(super) struct Route {
    /// Its path, or another spelling of it.
    path: &'static str,
    /// The path that it goes by, in metrics too.
    pub(super) name: &'static str,
    /// The methods that a 405 names.
    pub(super) allow: &'static str,
    /// Makes them, each watched over.
    methods: fn(&Watch) -> MethodRouter<App>,
}

/// The methods that a 405 names.
pub(super) struct Allow;

impl Allow {
    pub(super) const READ: &'static str = "GET, HEAD";
    pub(super) const READ_DELETE: &'static str = "GET, DELETE, HEAD";
    pub(super) const READ_OPTIONS: &'static str = "GET, HEAD, OPTIONS";
    pub(super) const POST: &'static str = "POST";
    pub(super) const FORM: &'static str = "GET, POST, HEAD";
    pub(super) const EVENTS: &'static str = "GET, POST, HEAD, OPTIONS";
}

/// All routes.
pub(super) const ROUTES: &[Route] = &[
    Route { path: "/", name: "/", allow: Allow::READ, methods: |watch| get(watch.on(Read, overview::root)) },
    Route { path: "/events", name: "/events", allow: Allow::EVENTS, methods: events },
    Route { path: "/events/", name: "/events", allow: Allow::EVENTS, methods: events },
    Route { path: "/events.json", name: "/events", allow: Allow::EVENTS, methods: events },
    Route { path: "/events.api", name: "/events", allow: Allow::EVENTS, methods: events },
    Route { path: "/events.html", name: "/events", allow: Allow::EVENTS, methods: events },
    Route { path: "/events/{id}", name: "/events/{id}", allow: Allow::READ_OPTIONS, methods: event },
    Route { path: "/events/{id}/", name: "/events/{id}", allow: Allow::READ_OPTIONS, methods: event },
    Route { path: "/rejected", name: "/rejected", allow: Allow::READ_OPTIONS, methods: rejected },
    Route { path: "/rejected/", name: "/rejected", allow: Allow::READ_OPTIONS, methods: rejected },
    Route { path: "/rejected.json", name: "/rejected", allow: Allow::READ_OPTIONS, methods: rejected },
    Route { path: "/rejected.api", name: "/rejected", allow: Allow::READ_OPTIONS, methods: rejected },
    Route { path: "/rejected.html", name: "/rejected", allow: Allow::READ_OPTIONS, methods: rejected },
    Route { path: "/rejected/replay", name: "/rejected/replay", allow: Allow::POST, methods: replay },
    Route { path: "/rejected/replay/", name: "/rejected/replay", allow: Allow::POST, methods: replay },
    Route { path: "/rejected/{id}", name: "/rejected/{id}", allow: Allow::READ_OPTIONS, methods: rejected_one },
    Route { path: "/rejected/{id}/", name: "/rejected/{id}", allow: Allow::READ_OPTIONS, methods: rejected_one },
    Route {
        path: "/sessions",
        name: "/sessions",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Read, sessions::list)),
    },
    Route {
        path: "/sessions/",
        name: "/sessions",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Read, sessions::list)),
    },
    Route {
        path: "/sessions/{session_id}",
        name: "/sessions/{session_id}",
        allow: Allow::READ_DELETE,
        methods: session,
    },
    Route {
        path: "/sessions/{session_id}/",
        name: "/sessions/{session_id}",
        allow: Allow::READ_DELETE,
        methods: session,
    },
    Route { path: "/stats", name: "/stats", allow: Allow::READ, methods: |watch| get(watch.on(Read, stats::get)) },
    Route { path: "/stats/", name: "/stats", allow: Allow::READ, methods: |watch| get(watch.on(Read, stats::get)) },
    Route { path: "/live", name: "/live", allow: Allow::READ, methods: |watch| get(watch.on(Read, live::get)) },
    Route { path: "/live/", name: "/live", allow: Allow::READ, methods: |watch| get(watch.on(Read, live::get)) },
    Route {
        path: "/healthz",
        name: "/healthz",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Anyone, health::healthz)),
    },
    Route {
        path: "/readyz",
        name: "/readyz",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Anyone, health::readyz)),
    },
    Route {
        path: "/metrics",
        name: "/metrics",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Metrics, health::metrics)),
    },
    Route {
        path: "/openapi.json",
        name: "/openapi.json",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Read, openapi::json)),
    },
    Route { path: "/docs", name: "/docs", allow: Allow::READ, methods: |watch| get(watch.on(Read, docs::page)) },
    Route { path: "/docs/", name: "/docs", allow: Allow::READ, methods: |watch| get(watch.on(Read, docs::page)) },
    Route { path: "/sign-in", name: "/sign-in", allow: Allow::FORM, methods: sign_in },
    Route { path: "/sign-out", name: "/sign-out", allow: Allow::POST, methods: sign_out },
    Route {
        path: "/assets/{name}",
        name: "/assets",
        allow: Allow::READ,
        methods: |watch| get(watch.on(Anyone, assets::one)),
    },
];

/// All routes, to be served or mounted.
pub(crate) fn router<S: Clone + Send + Sync + 'static>(app: App) -> Router<S> {
    let mut router = Router::new();
    for &Route { path, name, allow, methods } in ROUTES {
        let watch = Watch::new(&app, name);
        let not_allowed = async move |method: Method| Error::MethodNotAllowed { method, allow };
        router = router.route(path, methods(&watch).fallback(watch.on(Anyone, not_allowed)));
    }
    let unknown = Watch::new(&app, "unknown").on(Anyone, async || Error::NotFound);
    router.fallback_service(MethodRouter::new().fallback(unknown).with_state(app.clone())).with_state(app)
}

fn events(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Read, events::list)).post(watch.on(Ingest, ingest::post)).options(watch.on(Anyone, options::events))
}

fn event(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Read, events::one)).options(watch.on(Anyone, options::event))
}

fn rejected(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Read, rejected::list)).options(watch.on(Anyone, options::rejected))
}

fn rejected_one(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Read, rejected::one)).options(watch.on(Anyone, options::rejected))
}

fn sign_in(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Anyone, gate::sign_in_page)).post(watch.on(Anyone, gate::sign_in))
}

fn sign_out(watch: &Watch) -> MethodRouter<App> {
    post(watch.on(Anyone, gate::sign_out))
}

fn replay(watch: &Watch) -> MethodRouter<App> {
    post(watch.on(Administer, rejected::replay))
}

fn session(watch: &Watch) -> MethodRouter<App> {
    get(watch.on(Read, sessions::one)).delete(watch.on(Administer, sessions::erase))
}
