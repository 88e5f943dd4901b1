//! `GET /sessions` and `GET /sessions/SESSION_ID`.

mod erase;
mod page;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::App;
use super::answer::{Answer, PageLinks};
use super::browse::Wanted;
use super::error::Error;
use super::gate::Caller;
use super::list::{ListRequest, SESSION, SESSIONS};
use super::site::{Site, query};
use crate::event::TimestampFormat;
use crate::store::{Order, Position, Session, SessionQuery, Sessions, Start, Store, StoreError};
pub(super) use erase::{KNOWN as ERASE, erase};
use page::{SessionView, SessionsView};

/// How many queries a neighbour is looked for with, each of which walks by thousands of events.
const FAR: usize = 20;

/// A page of sessions.
pub(super) async fn list(
    State(app): State<App>,
    site: Site,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    let request = ListRequest::of(&SESSIONS, &app, &caller, query.as_deref())?;
    let Sessions { items, next } = app.store.sessions(session_query(&request)).await?;
    let next_cursor = next.map(|position| request.cursor_after(position));
    let next = next_cursor.as_deref().map(|cursor| request.url_of(cursor, &site));
    let format = app.settings.timestamp_format;
    let json = SessionsJson {
        next: next.as_deref(),
        next_cursor: next_cursor.as_deref(),
        results: items.iter().map(|session| SessionJson::of(session, format)).collect(),
    };
    let json = serde_json::to_string(&json).expect("texts and numbers are JSON");
    let links = next.into_iter().map(|url| ("next", url)).collect();
    Ok(Answer::new(StatusCode::OK, json)
        .links(PageLinks { links, numbers: None })
        .view(SessionsView { sessions: items, application: request.query.filter.application }))
}

/// The events of one session.
pub(super) async fn one(
    State(app): State<App>,
    site: Site,
    wanted: Wanted,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    let Path(session_id) = path.map_err(|_| Error::NotFound)?;
    let request = ListRequest::of(&SESSION, &app, &caller, query.as_deref())?.of_session(&session_id)?;
    let application = request.query.filter.application.clone();
    let session = app.store.session(session_id, application.clone()).await?.ok_or(Error::NotFound)?;
    let (page, newer, older) = tokio::try_join!(
        app.store.events(request.query.clone()),
        neighbour(&*app.store, &session, application.as_deref(), Order::Ascending),
        neighbour(&*app.store, &session, application.as_deref(), Order::Descending),
    )?;
    let page = page.ok_or(Error::InvalidPage)?;
    let format = app.settings.timestamp_format;
    let end = of_application(application.as_deref());
    let url = |session: &Option<Session>| Some(site.session_url(&session.as_ref()?.session_id) + &end);
    let json = OneSessionJson {
        session: SessionJson::of(&session, format),
        newer_session: url(&newer),
        older_session: url(&older),
    };
    let begin = serde_json::to_string(&json).expect("texts and numbers are JSON");
    let begin = begin.strip_suffix('}').expect("an object ends with it");
    let answer = request.answer_with(begin.as_bytes(), &page, &site, |event, json| event.write_json(json, format))?;
    Ok(match wanted {
        Wanted::Json => answer,
        Wanted::Page => answer.view(SessionView { session, events: page.items, newer, older, application }),
    })
}

#[derive(Serialize)]
struct SessionsJson<'a> {
    next: Option<&'a str>,
    next_cursor: Option<&'a str>,
    results: Vec<SessionJson<'a>>,
}

#[derive(Serialize)]
struct SessionJson<'a> {
    session_id: &'a str,
    events: u64,
    first_event: String,
    last_event: String,
}

#[derive(Serialize)]
struct OneSessionJson<'a> {
    #[serde(flatten)]
    session: SessionJson<'a>,
    newer_session: Option<String>,
    older_session: Option<String>,
}

impl<'a> SessionJson<'a> {
    fn of(session: &'a Session, format: TimestampFormat) -> Self {
        Self {
            session_id: &session.session_id,
            events: session.events,
            first_event: session.first.time.format(format),
            last_event: session.last.time.format(format),
        }
    }
}

fn session_query(request: &ListRequest) -> SessionQuery {
    let query = &request.query;
    SessionQuery {
        start_time: query.filter.start_time,
        end_time: query.filter.end_time,
        application: query.filter.application.clone(),
        order: query.order,
        after: match query.start {
            Start::After(position) => Some(position),
            Start::Page(_) | Start::LastPage => None,
        },
        size: query.size,
    }
}

/// The end of a session's URL that leaves one application's events.
fn of_application(application: Option<&str>) -> String {
    application.map_or_else(String::new, |name| query(&[("application", name)]))
}

/// The session that comes after one in the list of all, in that order, unless it is very far off.
async fn neighbour(
    store: &dyn Store,
    session: &Session,
    application: Option<&str>,
    order: Order,
) -> Result<Option<Session>, StoreError> {
    let mut after: Option<Position> = Some(session.last);
    for _ in 0..FAR {
        let application = application.map(str::to_owned);
        let query = SessionQuery { start_time: None, end_time: None, application, order, after, size: 1 };
        let Sessions { mut items, next } = store.sessions(query).await?;
        if !items.is_empty() || next.is_none() {
            return Ok(items.pop());
        }
        after = next;
    }
    Ok(None)
}
