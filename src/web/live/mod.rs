//! `GET /live`: what is stored, as it is stored. Server-Sent Events, and a page that shows them.
//!
//! Nothing has to tell this process what others store: it follows the store's feed. [`tail`] reads that once for all
//! who watch here, [`pump`] brings it to one of them.

mod filter;
mod frame;
mod page;
mod pump;
mod tail;

use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};

use super::App;
use super::browse::Wanted;
use super::error::Error;
use super::gate::Caller;
#[cfg(test)]
pub(super) use filter::KNOWN;
use filter::LiveRequest;
pub(crate) use tail::Live;

/// By which a browser says what it saw last (HTML standard, 9.2.3).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Says to nginx that a stream is not to be gathered.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The stream, or the page that shows it.
pub(super) async fn get(
    State(app): State<App>,
    wanted: Wanted,
    RawQuery(query): RawQuery,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let last_event_id = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?")).filter(|id| !id.is_empty());
    let request = LiveRequest::parse(&app.catalog, &caller, query.as_deref(), last_event_id)?;
    if wanted == Wanted::Page {
        return Ok(page::of(&app, request).await?.into_response());
    }
    let watcher = app.live.watch().await.ok_or(Error::NoStream)?;
    let place = match request.after {
        Some(place) => place,
        None => app.store.newest_place().await?,
    };
    let headers =
        [(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-store"), (X_ACCEL_BUFFERING, "no")];
    Ok((headers, pump::body(watcher, request, place, caller.ended(app))).into_response())
}
