//! `/`: where everything is, as JSON; and for a browser the overview of a stretch of time, which shows the figures
//! of `GET /stats`, each with a link to what is behind it.

mod chart;
mod page;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use super::App;
use super::answer::Answer;
use super::browse::Wanted;
use super::error::Error;
use super::gate::Caller;
use super::list::only_format;
use super::site::Site;
use super::stats::{Stats, StatsRequest};
use crate::event::{Timestamp, TimestampFormat};
use crate::store::{Filter, Order, Query, Start};

/// What the root leads to, by name.
pub(super) const LINKS: [(&str, &str); 7] = [
    ("events", "/events"),
    ("sessions", "/sessions"),
    ("live", "/live"),
    ("rejected", "/rejected"),
    ("stats", "/stats"),
    ("openapi", "/openapi.json"),
    ("docs", "/docs"),
];

/// Where the lists are, as DRF's API root says it, with a page for browsers.
pub(super) async fn root(
    State(app): State<App>,
    site: Site,
    wanted: Wanted,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    let links = LINKS.map(|(name, path)| format!("\"{name}\":{}", serde_json::json!(site.url(path))));
    let answer = Answer::new(StatusCode::OK, format!("{{{}}}", links.join(",")));
    match wanted {
        Wanted::Json => only_format(query.as_deref()).map(|()| answer),
        Wanted::Page => Ok(answer.view(Overview::of(&app, &caller, query.as_deref()).await?)),
    }
}

/// The overview.
#[derive(Debug)]
struct Overview {
    stats: Stats,
    /// Which events it is of, but for their times.
    filter: Filter,
    /// The length of the stretch, where that was asked for.
    last: Option<String>,
    /// How many events there are in all, and when the newest one happened.
    all: u64,
    newest: Option<Timestamp>,
    /// An event to begin with, as JSON.
    example: String,
}

impl Overview {
    async fn of(app: &App, caller: &Caller, query: Option<&str>) -> Result<Self, Error> {
        let request = StatsRequest::parse(app, caller, query)?;
        let (filter, last) = (request.filter.clone(), request.last.clone());
        let all = Filter { application: caller.sees().map(str::to_owned), ..Filter::default() };
        let newest = Query { filter: all, order: Order::Descending, start: Start::Page(1), size: 1 };
        let (stats, newest) = tokio::join!(Stats::of(app, request), app.store.events(newest));
        let newest = newest?;
        Ok(Self {
            stats: stats?,
            filter,
            last,
            all: newest.as_ref().map_or(0, |page| page.count),
            newest: newest.and_then(|page| page.items.first().map(|event| event.timestamp)),
            example: example(app),
        })
    }
}

/// A valid event of the first type there is.
fn example(app: &App) -> String {
    let Some(example) = app.catalog.types().next() else { return "{}".to_owned() };
    let now = app.clock.now().format(TimestampFormat::Rfc3339);
    let event = serde_json::json!({
        "session_id": "a-session",
        "category": example.kind.category,
        "name": example.kind.name,
        "data": serde_json::from_str::<serde_json::Value>(&example.example).unwrap_or_default(),
        "timestamp": now,
    });
    event.to_string()
}
