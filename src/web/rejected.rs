//! `GET /rejected`: what was refused or buried, and why.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use super::App;
use super::answer::Answer;
use super::error::Error;
use super::events::{PathId, id_of};
use super::list::{ListRequest, REJECTED, only_format};
use super::site::Site;

/// A page of rejected events.
pub(super) async fn list(State(app): State<App>, site: Site, RawQuery(query): RawQuery) -> Result<Answer, Error> {
    let request = ListRequest::parse(&REJECTED, query.as_deref(), &app.catalog, app.settings.page_size)?;
    let page = app.store.rejected(request.query.clone()).await?;
    let format = app.settings.timestamp_format;
    request.answer(page, &site, |rejected, json| rejected.write_json(json, format))
}

/// One rejected event.
pub(super) async fn one(State(app): State<App>, id: PathId, RawQuery(query): RawQuery) -> Result<Answer, Error> {
    only_format(query.as_deref())?;
    let rejected = app.store.rejected_by_id(id_of(id)?).await?.ok_or(Error::NotFound)?;
    let mut json = Vec::new();
    rejected.write_json(&mut json, app.settings.timestamp_format);
    Ok(Answer::new(StatusCode::OK, json))
}
