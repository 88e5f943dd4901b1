//! What was not stored, and why: events refused at the door, and dead letters.
//!
//! The fields one can filter by are read from the body as far as it can be read. Bounds on how
//! many are kept belong to the queue and the store.

use std::sync::Arc;

use uuid::Uuid;

use super::catalog::normalize;
use super::new_event::char_field;
use super::raw::{Field, Fields};
use super::{Application, Catalog, Event, RawEvent, Timestamp, TimestampFormat};

/// Bytes of a refused body that are kept (the contract's figure).
const MAX_REFUSED_BODY: usize = 64 * 1024;

/// One event that is not in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// A UUIDv7 of ours: the row's own, not the event's.
    pub id: Uuid,
    /// Refused at the door, or buried by the worker.
    pub kind: RejectedKind,
    /// Why: one of [`Reason`]'s words, or the store's own for a dead letter.
    pub reason: String,
    /// The answer the sender got, as JSON; for a dead letter, the store's message.
    pub errors: String,
    /// When it was taken in, by our clock.
    pub received_at: Timestamp,
    /// What was sent; at most 64 KiB of it where it was refused.
    pub body: Vec<u8>,
    /// Whether `body` was cut.
    pub truncated: bool,
    /// The body's `session_id`, if it could be read.
    pub session_id: Option<String>,
    /// The body's `category`, if it could be read.
    pub category: Option<String>,
    /// The body's `name`, if it could be read.
    pub name: Option<String>,
    /// Who sent it; nobody is known where it came without a key.
    pub application: Option<Arc<Application>>,
}

/// Who rejected it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectedKind {
    /// The API refused it, and said so to its sender.
    Refused,
    /// It was acknowledged, but the store would not take it.
    DeadLetter,
}

/// Why an event was refused, in the words of metrics and of `GET /rejected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A field is missing or wrong.
    Invalid,
    /// No type of that category and name.
    UnknownEventType,
    /// The body is not strict JSON, or not the form it says it is.
    ParseError,
    /// The body, the event or the batch is over its limit.
    TooLarge,
    /// A content type or encoding that is not read here.
    UnsupportedMediaType,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 5] =
        [Self::Invalid, Self::UnknownEventType, Self::ParseError, Self::TooLarge, Self::UnsupportedMediaType];

    /// The reason that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// The reason's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::UnknownEventType => "unknown_event_type",
            Self::ParseError => "parse_error",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
        }
    }
}

impl RejectedKind {
    /// The kind's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::DeadLetter => "dead_letter",
        }
    }

    /// The kind that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Refused, Self::DeadLetter].into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Rejected {
    /// A refused body, of which nothing could be read as an event.
    pub fn refused(id: Uuid, reason: Reason, errors: String, received_at: Timestamp, body: &[u8]) -> Self {
        Self {
            id,
            kind: RejectedKind::Refused,
            reason: reason.as_str().to_owned(),
            errors,
            received_at,
            body: body[..body.len().min(MAX_REFUSED_BODY)].to_vec(),
            truncated: body.len() > MAX_REFUSED_BODY,
            session_id: None,
            category: None,
            name: None,
            application: None,
        }
    }

    /// The same, with what the event says of itself.
    #[must_use]
    pub fn describing(mut self, raw: &RawEvent<'_>, catalog: &Catalog) -> Self {
        if let Ok(fields) = &raw.fields {
            let Fields { session_id, category, name, .. } = fields;
            self.session_id = readable(session_id.as_ref(), 255);
            self.category = readable(category.as_ref(), 100).map(|category| normalize(&category).into_owned());
            self.name = readable(name.as_ref(), 100).map(|name| catalog.name(&name));
        }
        self
    }

    /// An acknowledged event that the store would not take, kept whole but for the client's address: its body is
    /// what could be sent again.
    pub fn dead_letter(id: Uuid, event: &Event, reason: &str) -> Self {
        let mut body = Vec::with_capacity(event.size() + 96);
        event.write_as_sent(&mut body);
        Self {
            id,
            kind: RejectedKind::DeadLetter,
            reason: reason.to_owned(),
            errors: serde_json::json!({ "detail": reason }).to_string(),
            received_at: event.received_at,
            body,
            truncated: false,
            session_id: Some(event.session_id.clone()),
            category: Some(event.kind.category.clone()),
            name: Some(event.kind.name.clone()),
            application: event.application.clone(),
        }
    }

    /// Bytes the row takes in memory and, roughly, on disk.
    pub fn size(&self) -> usize {
        let texts = [&self.session_id, &self.category, &self.name].into_iter().flatten();
        let application = self.application.as_ref().map(|application| &application.name);
        let texts: usize = texts.chain(application).map(String::len).sum();
        self.body.len() + self.errors.len() + self.reason.len() + texts + 48
    }

    /// Appends the row as answers show it.
    pub fn write_json(&self, out: &mut Vec<u8>, format: TimestampFormat) {
        let body = String::from_utf8_lossy(&self.body);
        let row = RejectedJson {
            id: self.id,
            kind: self.kind.as_str(),
            reason: &self.reason,
            errors: serde_json::from_str(&self.errors).unwrap_or_default(),
            received_at: self.received_at.format(format),
            body: &body,
            truncated: self.truncated,
            application: self.application.as_ref().map(|application| application.name.as_str()),
        };
        serde_json::to_writer(out, &row).expect("texts are JSON, and a Vec takes them all");
    }
}

#[derive(serde::Serialize)]
struct RejectedJson<'a> {
    id: Uuid,
    kind: &'static str,
    reason: &'a str,
    errors: Option<&'a serde_json::value::RawValue>,
    received_at: String,
    body: &'a str,
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'a str>,
}

fn readable(field: Option<&Field<'_>>, most: usize) -> Option<String> {
    char_field(field?, most).ok().map(std::borrow::Cow::into_owned)
}
