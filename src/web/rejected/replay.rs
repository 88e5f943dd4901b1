//! `POST /rejected/replay`: what was refused or buried, judged again by the rules of today.
//!
//! An event is made durable before its row is removed: a crash between the two repeats it, with the same id.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::super::App;
use super::super::answer::Answer;
use super::super::body;
use super::super::browse::Wanted;
use super::super::cross_site;
use super::super::error::Error;
use super::super::form;
use super::super::ingest::{Judge, Sender};
use super::super::list::{self, ListRequest, REPLAY};
use super::super::params::Params;
use super::super::site::Site;
use super::page::ReplayView;
use crate::event::{Errors, NewEvent, Rejected, check_json, text, utf8};
use crate::queue::{QueueError, Receipt};
use crate::store::{Page, Position, Query, Start};

/// Rows of one request, and rows that are in memory at once: each may be as large as an event.
const MOST: u32 = 1000;
const SLICE: u32 = 20;

/// Rows that are still not valid and are named in the answer.
const NAMED: usize = 100;

/// How long events that are not durable yet may take to be stored.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a request.
const MOST_BYTES: usize = 64 << 10;

/// What became of the rows of one request.
#[derive(Debug, Default, Serialize)]
pub(super) struct Replayed {
    /// Rows that were asked for, when this began.
    pub(super) matched: u64,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) next_cursor: Option<String>,
    pub(super) results: Vec<Row>,
}

/// A row that is still not valid.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) errors: Box<RawValue>,
}

/// Judges rows again.
pub(in crate::web) async fn post(
    State(app): State<App>,
    site: Site,
    wanted: Wanted,
    request: Request,
) -> Result<Answer, Error> {
    cross_site::same_site_only(request.headers(), &site)?;
    list::only_format(request.uri().query())?;
    let is_form = is_form(&request)?;
    let params = read(&app, request.into_body(), is_form).await?;
    let only = params.get("id").map(str::to_owned);
    let replayed = match only {
        Some(id) => one(&app, &id).await?,
        None => many(&app, &params).await?,
    };
    let json = serde_json::to_string(&replayed).expect("texts and numbers are JSON");
    let answer = Answer::new(StatusCode::OK, json);
    Ok(match wanted {
        Wanted::Json => answer,
        Wanted::Page => answer.view(ReplayView { replayed, reason: params.get("reason").map(str::to_owned) }),
    })
}

async fn one(app: &App, id: &str) -> Result<Replayed, Error> {
    let id = Uuid::try_parse(id).map_err(|_| {
        let mut errors = Errors::default();
        errors.add(["id"], text::NOT_A_UUID);
        Error::Invalid(errors)
    })?;
    let row = app.store.rejected_by_id(id).await?.ok_or(Error::NotFound)?;
    let mut replayed = Replayed { matched: 1, ..Replayed::default() };
    replay(app, vec![row], &mut replayed).await?;
    Ok(replayed)
}

async fn many(app: &App, params: &Params) -> Result<Replayed, Error> {
    let mut left = limit(params)?;
    let request = ListRequest::new(&REPLAY, params.clone(), &app.catalog, SLICE)?;
    let mut query = Query { size: left.min(SLICE), ..request.query.clone() };
    let mut replayed = Replayed::default();
    let (mut is_first, mut slice) = (true, SLICE);
    loop {
        let Some(Page { count, items, more, .. }) = app.store.rejected(query.clone()).await? else { break };
        if std::mem::take(&mut is_first) {
            replayed.matched = count;
        }
        let Some(last) = items.last().map(Position::from) else { break };
        let rows = u32::try_from(items.len()).unwrap_or(left);
        match replay(app, items, &mut replayed).await {
            // More than the whole queue may hold: one by one then.
            Err(Error::Queue(QueueError::TooLarge(_))) if rows > 1 => {
                slice = 1;
                query.size = slice;
                continue;
            }
            result => result?,
        }
        left = left.saturating_sub(rows);
        if !more {
            break;
        }
        if left == 0 {
            replayed.next_cursor = Some(request.cursor_after(last));
            break;
        }
        query = Query { start: Start::After(last), size: left.min(slice), ..query };
    }
    Ok(replayed)
}

/// Judges rows again, and takes in what is valid now. An error says that nothing came of these.
async fn replay(app: &App, rows: Vec<Rejected>, replayed: &mut Replayed) -> Result<(), Error> {
    let judge = Judge::new(app.clone(), Sender::default());
    let (mut events, mut keys, mut invalid): (Vec<NewEvent>, Vec<Position>, Vec<Row>) = Default::default();
    for row in rows {
        match judge.again(&row) {
            Ok(event) => {
                events.push(event);
                keys.push(Position::from(&row));
            }
            Err(errors) => {
                let errors = RawValue::from_string(errors.to_json()).expect("errors are kept as JSON");
                invalid.push(Row { id: row.id, errors });
            }
        }
    }
    if !events.is_empty() {
        take_in(app, events, keys, replayed).await?;
    }
    replayed.rejected += invalid.len() as u64;
    let room = NAMED.saturating_sub(replayed.results.len());
    replayed.results.extend(invalid.into_iter().take(room));
    Ok(())
}

/// Makes events durable, and then removes their rows.
async fn take_in(app: &App, events: Vec<NewEvent>, keys: Vec<Position>, replayed: &mut Replayed) -> Result<(), Error> {
    let count = events.len() as u64;
    let stored_as = events.iter().map(|event| event.event().into()).collect();
    let receipt = app.queue.enqueue(events).await?;
    app.metrics.accepted.inc_by(count);
    replayed.accepted += count;
    // A queue that does not flush may lose them: until they are stored, the rows are all that is safe.
    if receipt.durable || is_stored(app, &receipt, stored_as).await {
        app.store.remove_rejected(keys).await?;
    }
    Ok(())
}

/// Waits until all of these are stored, but not for ever.
async fn is_stored(app: &App, receipt: &Receipt, keys: Vec<Position>) -> bool {
    let count = keys.len();
    let stored = async {
        app.queue.settled(receipt).await;
        app.store.count_stored(keys).await == Ok(count)
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap_or(false)
}

fn limit(params: &Params) -> Result<u32, Error> {
    let Some(text) = params.get("limit") else { return Ok(MOST) };
    text.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
        let mut errors = Errors::default();
        errors.add(["limit"], format!("A number from 1 to {MOST} is required."));
        Error::Invalid(errors)
    })
}

fn is_form(request: &Request) -> Result<bool, Error> {
    let value = request.headers().get(CONTENT_TYPE).map_or(Ok(""), |value| value.to_str()).unwrap_or("?");
    match value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "application/json" => Ok(false),
        "application/x-www-form-urlencoded" => Ok(true),
        _ => {
            let shown: String = value.chars().take(100).collect();
            Err(Error::UnsupportedMediaType(format!("Unsupported media type \"{shown}\" in request.")))
        }
    }
}

/// Reads a request's fields; no body is no fields.
async fn read(app: &App, body: Body, is_form: bool) -> Result<Params, Error> {
    let body::Received { bytes, problem, .. } = body::read(body, MOST_BYTES, &app.budget).await;
    if let Some(error) = problem {
        return Err(error);
    }
    let pairs = match is_form {
        true => form::urlencoded(&bytes).map_err(Error::Unreadable)?,
        false if bytes.is_empty() => Vec::new(),
        false => fields(&bytes)?,
    };
    let mut errors = Errors::default();
    // Elsewhere an empty value is as if absent; here that would be every row.
    pairs.iter().filter(|(_, value)| value.is_empty()).for_each(|(name, _)| errors.add([name], text::BLANK));
    if pairs.iter().any(|(name, _)| name == "id") && pairs.len() > 1 {
        errors.add(["id"], "This excludes all other fields.");
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    Params::of(pairs.into_iter().map(|(name, value)| (name, Some(value))), REPLAY.known)
}

fn fields(json: &[u8]) -> Result<form::Pairs, Error> {
    let text = utf8(json).and_then(|text| check_json(text, 1).map(|()| text));
    let text = text.map_err(|error| Error::Unreadable(format!("JSON parse error - {error}")))?;
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return Err(Error::Invalid(Errors::whole("Expected an object.")));
    };
    let mut errors = Errors::default();
    let mut pairs = form::Pairs::new();
    for (name, value) in fields {
        match value {
            Value::String(text) => pairs.push((name, text)),
            Value::Number(number) => pairs.push((name, number.to_string())),
            _ => errors.add([&name], text::NOT_A_STRING),
        }
    }
    if errors.is_empty() { Ok(pairs) } else { Err(Error::Invalid(errors)) }
}
