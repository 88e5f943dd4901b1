//! The page that shows what is stored as it is stored. Without a script it shows what was stored last.

use askama::Template;
use axum::http::StatusCode;

use super::super::App;
use super::super::answer::Answer;
use super::super::browse::{Frame, View};
use super::super::error::Error;
use super::super::site::query;
use super::filter::{LiveRequest, Only};
use crate::event::Event;
use crate::store::{Order, Place, Query, Start};

/// Events that are there when the page is.
const ROWS: u32 = 20;

/// The page, with the events that it begins with.
pub(super) async fn of(app: &App, request: LiveRequest) -> Result<Answer, Error> {
    // In this order: what is stored in between is shown twice rather than not at all, and the script knows it by its id.
    let place = app.store.newest_place().await?;
    let rows = Query { filter: request.filter.clone(), order: Order::Descending, start: Start::Page(1), size: ROWS };
    let page = match request.only {
        Some(Only::Rejected) => None,
        _ => app.store.events(rows).await?,
    };
    let events = page.map(|page| page.items).unwrap_or_default();
    Ok(Answer::new(StatusCode::OK, "{}").view(LiveView { request, place, events }))
}

#[derive(Debug)]
struct LiveView {
    request: LiveRequest,
    place: Place,
    events: Vec<Event>,
}

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage<'a> {
    frame: &'a Frame<'a>,
    stream: String,
    events: &'a [Event],
}

impl View for LiveView {
    fn title(&self) -> String {
        "Live".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        LivePage { frame, stream: frame.path("/live") + &self.query(), events: &self.events }.render()
    }

    fn script(&self) -> Option<&'static str> {
        Some("live.js")
    }

    fn shows_exchange(&self) -> bool {
        false
    }
}

impl LiveView {
    /// The end of the stream's URL: the same filters, from where the page's events end.
    fn query(&self) -> String {
        let filter = &self.request.filter;
        let time = |time: Option<crate::event::Timestamp>| time.map(|time| time.to_string());
        let only = self.request.only.map(|only| only.as_str().to_owned());
        let pairs = [
            ("session_id", filter.session_id.clone()),
            ("category", filter.category.clone()),
            ("name", filter.name.clone()),
            ("application", filter.application.clone()),
            ("start_time", time(filter.start_time)),
            ("end_time", time(filter.end_time)),
            ("only", only),
            ("last_event_id", Some(self.place.to_string())),
            ("format", Some("json".to_owned())),
        ];
        let pairs: Vec<_> = pairs.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        query(&pairs)
    }
}
