//! `POST /events`: from a body to durable events, or to the reasons why not.

mod judge;
mod receive;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::App;
use super::answer::Answer;
use super::body::Share;
use super::cross_site;
use super::error::Error;
use super::gate::Quota;
use super::prefer::Preferences;
use super::refusal;
use super::site::{Mount, Site};
use crate::event::{NewEvent, Rejected};
use crate::store::Position;
pub(super) use judge::MOST;
pub(super) use judge::{Judge, Sender};
use judge::{Judged, Refusal, Verdict};
use receive::Unread;

/// Takes in one event or a batch.
pub(super) async fn post(State(app): State<App>, mount: Mount, request: Request) -> Result<Answer, Error> {
    let (parts, body) = request.into_parts();
    cross_site::check(&parts.headers, || Site::new(&app, &parts.uri, &parts.headers, &parts.extensions))?;
    let mut quota = Quota::of(&app, &parts);
    let sender = quota.sender(&app);
    let preferences = Preferences::of(&parts.headers);
    let (judged, share) = match receive::receive(&app, &parts, body, sender.clone()).await {
        Ok(received) => received,
        Err(Unread { error, body, more }) => {
            // What cannot be read counts as one event.
            quota.spend(&app, 1)?;
            if let Some(reason) = refusal::reason(&error) {
                let mut refused = app.unread(reason, error.to_json(), &body);
                refused.truncated |= more > 0;
                refused.size += more as u64;
                refused.application = sender.application;
                app.refuse(vec![refused]);
            }
            return Err(error);
        }
    };
    quota.spend(&app, judged.events())?;
    let answer = match judged {
        Judged::One(verdict) => one(&app, &mount, *verdict, Sent { preferences, share }).await,
        Judged::Many(verdicts) => many(&app, verdicts, Sent { preferences, share }).await,
    };
    answer.map(|answer| answer.within(&quota))
}

/// What goes with a request's events.
struct Sent {
    preferences: Preferences,
    /// Held until the events are in the queue.
    share: Share,
}

async fn one(app: &App, mount: &Mount, verdict: Verdict, sent: Sent) -> Result<Answer, Error> {
    let event = match verdict {
        Ok(event) => event,
        Err(refusal) => {
            let Refusal { errors, kept } = *refusal;
            app.refuse(vec![kept]);
            return Err(Error::InvalidEvents(errors));
        }
    };
    let id = event.event().id;
    let mut json = Vec::with_capacity(event.event().size() + 128);
    event.event().write_json(&mut json, app.settings.timestamp_format);
    let queued = enqueue(app, vec![event], sent).await?;
    let answer = Answer::new(queued.status(), json).location(mount.path(&format!("/events/{id}")));
    Ok(answer.applied(if queued.stored { &["wait"] } else { &[] }))
}

async fn many(app: &App, verdicts: Vec<Verdict>, sent: Sent) -> Result<Answer, Error> {
    let preferences = sent.preferences;
    let mut batch = Batch::default();
    for (index, verdict) in verdicts.into_iter().enumerate() {
        batch.add(index, verdict, preferences.representation);
    }
    let (accepted, rejected) = (batch.valid.len(), batch.refused.len());
    let queued = match accepted {
        0 => Queued { stored: false, durable: true },
        // Refusals are kept only once the rest is in: a 503 makes the client send all of it again.
        _ => enqueue(app, batch.valid, sent).await?,
    };
    app.refuse(batch.refused);
    let json = BatchJson { accepted, rejected, results: batch.results, durable: queued.durable };
    let json = serde_json::to_string(&json).expect("texts and numbers are JSON");
    let status = match (accepted, rejected) {
        (0, _) => return Err(Error::InvalidEvents(json)),
        (_, 0) => queued.status(),
        _ => StatusCode::MULTI_STATUS,
    };
    let mut applied = Vec::new();
    applied.extend(queued.stored.then_some("wait"));
    applied.extend(preferences.representation.then_some("return=representation"));
    Ok(Answer::new(status, json).applied(&applied))
}

/// What became of valid events.
#[derive(Debug, Clone, Copy)]
struct Queued {
    /// They are in the store, and the client wished to wait for that.
    stored: bool,
    /// They were flushed to a disk.
    durable: bool,
}

impl Queued {
    /// The status of an answer that is about these events alone.
    fn status(self) -> StatusCode {
        match self.durable {
            true => StatusCode::CREATED,
            false => StatusCode::ACCEPTED,
        }
    }
}

/// Makes events durable, and waits for the store where the client wishes it.
async fn enqueue(app: &App, events: Vec<NewEvent>, sent: Sent) -> Result<Queued, Error> {
    let Sent { preferences, share } = sent;
    let count = events.len();
    let keys: Vec<Position> = match preferences.wait {
        Some(_) => events.iter().map(|event| event.event().into()).collect(),
        None => Vec::new(),
    };
    let receipt = app.queue.enqueue(events).await?;
    drop(share);
    app.metrics.accepted.inc_by(count as u64);
    let durable = receipt.durable;
    let Some(longest) = preferences.wait else { return Ok(Queued { stored: false, durable }) };
    let stored = async {
        app.queue.settled(&receipt).await;
        // What left the queue may have been buried instead of stored.
        app.store.count_stored(keys).await == Ok(count)
    };
    // Who has asked to wait gets an answer before a stop, not a broken connection.
    let stored = tokio::select! {
        stored = tokio::time::timeout(longest, stored) => stored.unwrap_or(false),
        () = app.live.ended() => false,
    };
    // The store has flushed what it has.
    Ok(Queued { stored, durable: durable || stored })
}

/// A batch, sorted into what is valid and what is not.
#[derive(Debug, Default)]
struct Batch {
    valid: Vec<NewEvent>,
    refused: Vec<Rejected>,
    results: Vec<Row>,
}

/// The answer to a batch.
#[derive(Serialize)]
struct BatchJson {
    accepted: usize,
    rejected: usize,
    results: Vec<Row>,
    /// Said only where it is not so: a 207 has no other way to.
    #[serde(skip_serializing_if = "Clone::clone")]
    durable: bool,
}

/// What became of one event of a batch.
#[derive(Debug, Serialize)]
struct Row {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Box<RawValue>>,
}

impl Batch {
    fn add(&mut self, index: usize, verdict: Verdict, representation: bool) {
        match verdict {
            Ok(event) => {
                if representation {
                    self.results.push(Row { index, id: Some(event.event().id), errors: None });
                }
                self.valid.push(event);
            }
            Err(refusal) => {
                let Refusal { errors, kept } = *refusal;
                let errors = RawValue::from_string(errors).expect("errors are JSON");
                self.results.push(Row { index, id: None, errors: Some(errors) });
                self.refused.push(kept);
            }
        }
    }
}
