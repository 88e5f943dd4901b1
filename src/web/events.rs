//! `GET /events` and `GET /events/ID`.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use uuid::Uuid;

use super::App;
use super::answer::Answer;
use super::error::Error;
use super::gate::Caller;
use super::list::{EVENTS, ListRequest, only_format};
use super::site::Site;

/// A page of events.
pub(super) async fn list(
    State(app): State<App>,
    site: Site,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    let request = ListRequest::of(&EVENTS, &app, &caller, query.as_deref())?;
    let page = app.store.events(request.query.clone()).await?;
    let format = app.settings.timestamp_format;
    request.answer(page, &site, |event, json| event.write_json(json, format))
}

/// One event.
pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    only_format(query.as_deref())?;
    let event = app.store.event(id_of(id)?, caller.sees().map(str::to_owned)).await?.ok_or(Error::NotFound)?;
    let mut json = Vec::new();
    event.write_json(&mut json, app.settings.timestamp_format);
    Ok(Answer::new(StatusCode::OK, json))
}

/// What stands in a path where an id should.
pub(super) type PathId = Result<Path<String>, PathRejection>;

/// The id in a path, whose suffix names a format. What is no UUID is the id of nothing.
pub(super) fn id_of(path: PathId) -> Result<Uuid, Error> {
    let Path(path) = path.map_err(|_| Error::NotFound)?;
    let id = [".json", ".api", ".html"].iter().find_map(|suffix| path.strip_suffix(suffix)).unwrap_or(&path);
    Uuid::try_parse(id).map_err(|_| Error::NotFound)
}
