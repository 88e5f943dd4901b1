//! Events as they stand in a body: which keys there are, and the text of each value.
//!
//! A [`RawEvent`] is strict JSON, or a form's fields; whether it is an event is for
//! [`NewEvent::parse`](super::NewEvent::parse) to say.

use std::borrow::Cow;

use super::json::{self, JsonError, JsonType, Scanner};

/// One event as it was sent.
#[derive(Debug, Clone)]
pub struct RawEvent<'a> {
    /// The event's own text; for a form, its body.
    pub text: &'a [u8],
    /// Its keys, or what stood there instead of an object.
    pub fields: Result<Fields<'a>, JsonType>,
}

/// The values of an event's keys.
#[derive(Debug, Clone, Default)]
pub struct Fields<'a> {
    /// `id`
    pub id: Option<Field<'a>>,
    /// `session_id`
    pub session_id: Option<Field<'a>>,
    /// `category`
    pub category: Option<Field<'a>>,
    /// `name`
    pub name: Option<Field<'a>>,
    /// `data`
    pub data: Option<Field<'a>>,
    /// `timestamp`
    pub timestamp: Option<Field<'a>>,
    /// All other keys.
    pub unknown: Vec<Cow<'a, str>>,
}

/// The value of one key.
#[derive(Debug, Clone)]
pub enum Field<'a> {
    /// A string, with its escapes resolved.
    Text(Cow<'a, str>),
    /// Anything else, as it stands in the JSON.
    Json(&'a str),
    /// A form's JSON text that is none.
    NotJson,
}

/// What a JSON body holds.
#[derive(Debug)]
pub enum Body<'a> {
    /// One event.
    One(RawEvent<'a>),
    /// A batch.
    Many(Vec<RawEvent<'a>>),
}

/// Reads a JSON body: an array is a batch, anything else one event.
///
/// Reading stops after `most` events and one more, which is enough to see that there are too many.
pub fn read_body(text: &str, most: usize) -> Result<Body<'_>, JsonError> {
    let mut scanner = Scanner::new(text);
    if scanner.peek() != Some(b'[') {
        let event = read_event(&mut scanner)?;
        scanner.end()?;
        return Ok(Body::One(event));
    }
    let mut events = Vec::new();
    // The array is around the events, and an event is level 1.
    scanner.items(0, |scanner| {
        let event = read_event(scanner)?;
        if events.len() <= most {
            events.push(event);
        }
        Ok(())
    })?;
    scanner.end()?;
    Ok(Body::Many(events))
}

/// Reads one line of an NDJSON body.
pub fn read_line(text: &str) -> Result<RawEvent<'_>, JsonError> {
    let mut scanner = Scanner::new(text);
    let event = read_event(&mut scanner)?;
    scanner.end()?;
    Ok(event)
}

/// Reads an NDJSON body: an event on each line that is not blank, or what is wrong with that line, and the line.
///
/// Reading stops after `most` events and one more.
pub fn read_lines(body: &[u8], most: usize) -> Vec<Result<RawEvent<'_>, (JsonError, &[u8])>> {
    let lines = body.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    // The line is the body's, not the event's.
    let in_body = |error: JsonError, line: usize| JsonError { line, ..error };
    let read = |(line, number)| json::utf8(line).and_then(read_line).map_err(|error| (in_body(error, number), line));
    lines.take(most.saturating_add(1)).map(read).collect()
}

fn read_event<'a>(scanner: &mut Scanner<'a>) -> Result<RawEvent<'a>, JsonError> {
    if scanner.peek() != Some(b'{') {
        let text = scanner.value(1)?;
        return Ok(RawEvent { text: text.as_bytes(), fields: Err(JsonType::of(text)) });
    }
    let mut fields = Fields::default();
    let text = scanner.members(1, |key, value| fields.set(key, Field::of(value)))?;
    Ok(RawEvent { text: text.as_bytes(), fields: Ok(fields) })
}

impl<'a> Fields<'a> {
    /// The place of a known key.
    pub fn slot(&mut self, key: &str) -> Option<&mut Option<Field<'a>>> {
        match key {
            "id" => Some(&mut self.id),
            "session_id" => Some(&mut self.session_id),
            "category" => Some(&mut self.category),
            "name" => Some(&mut self.name),
            "data" => Some(&mut self.data),
            "timestamp" => Some(&mut self.timestamp),
            _ => None,
        }
    }

    fn set(&mut self, key: Cow<'a, str>, value: Field<'a>) {
        match self.slot(&key) {
            Some(slot) => *slot = Some(value),
            None => self.unknown.push(key),
        }
    }
}

impl<'a> Field<'a> {
    /// The field that a checked JSON value makes.
    fn of(value: &'a str) -> Self {
        let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return Self::Json(value);
        };
        if !inner.as_bytes().contains(&b'\\') {
            return Self::Text(Cow::Borrowed(inner));
        }
        Self::Text(serde_json::from_str::<String>(value).expect("the scanner checked it").into())
    }

    /// The field that a form's JSON text makes; it stands one level below the event.
    pub fn from_form_json(text: &'a str) -> Self {
        match json::check(text, 2) {
            Ok(()) => Self::of(text.trim_matches([' ', '\t', '\n', '\r'])),
            Err(_) => Self::NotJson,
        }
    }
}
