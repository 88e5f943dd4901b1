//! `GET /rejected`: what was refused or buried, and why; and the way back from there.

mod page;
mod replay;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use super::App;
use super::answer::Answer;
use super::browse::Wanted;
use super::error::Error;
use super::events::{PathId, id_of};
use super::gate::Caller;
use super::list::{ListRequest, REJECTED, only_format};
use super::site::Site;
use page::{RejectedView, RowView};
pub(super) use replay::post as replay;

/// A page of rejected events.
pub(super) async fn list(
    State(app): State<App>,
    site: Site,
    wanted: Wanted,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    let request = ListRequest::of(&REJECTED, &app, &caller, query.as_deref())?;
    let page = app.store.rejected(request.query.clone()).await?.ok_or(Error::InvalidPage)?;
    let format = app.settings.timestamp_format;
    let answer = request.answer_with(b"{", &page, &site, |rejected, json| rejected.write_json(json, format))?;
    Ok(match wanted {
        Wanted::Json => answer,
        Wanted::Page => {
            let filter = request.query.filter;
            let reasons = app.store.rejected_by_reason(filter.clone()).await?;
            answer.view(RejectedView { filter, reasons, rows: page.items })
        }
    })
}

/// One rejected event.
pub(super) async fn one(
    State(app): State<App>,
    wanted: Wanted,
    caller: Caller,
    id: PathId,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    only_format(query.as_deref())?;
    let rejected = app.store.rejected_by_id(id_of(id)?).await?.filter(|rejected| {
        let sender = rejected.application.as_ref().map(|application| application.name.as_str());
        caller.sees().is_none_or(|sees| sender == Some(sees))
    });
    let rejected = rejected.ok_or(Error::NotFound)?;
    let mut json = Vec::new();
    rejected.write_json(&mut json, app.settings.timestamp_format);
    let answer = Answer::new(StatusCode::OK, json);
    Ok(match wanted {
        Wanted::Json => answer,
        Wanted::Page => answer.view(RowView(rejected)),
    })
}
