//! What has to hold of events, timestamps, event types and NDJSON, whatever is sent. It knows nothing of HTTP.

use std::sync::LazyLock;
use std::time::Duration;

use uuid::Uuid;

use super::catalog::Catalog;
use super::json::{self, JsonError};
use super::{
    Body, Errors, Event, JsonType, NewEvent, RawEvent, Rules, Timestamp, TimestampFormat, read_body, read_line,
    read_lines, utf8,
};

/// Events of a batch that are looked at.
const MOST: usize = 100;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

pub(crate) fn event(bytes: &[u8]) {
    let Ok(text) = utf8(bytes) else {
        assert!(std::str::from_utf8(bytes).is_err(), "UTF-8 was refused");
        return;
    };
    let is_batch = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('[');
    let checked = json::check(text, if is_batch { 0 } else { 1 });
    let body = match (read_body(text, MOST), checked) {
        (Ok(body), Ok(())) => body,
        (Err(error), Err(other)) => {
            assert_eq!(error, other, "two walks over one text differ");
            return;
        }
        (read, checked) => panic!("{read:?} and {checked:?} differ"),
    };
    serde_json::from_str::<serde_json::Value>(text).expect("what is accepted here is JSON to everybody");
    let events = match body {
        Body::One(event) => vec![event],
        Body::Many(events) => events,
    };
    let whole: Vec<_> = events.iter().map(verdict).collect();
    for (raw, found) in events.iter().zip(&whole) {
        let alone = read_line(text_of(raw)).expect("an event of a batch is one alone");
        assert_eq!(&verdict(&alone), found, "the verdict on an event alone differs");
        judged(raw, found);
    }
}

pub(crate) fn timestamp(bytes: &[u8]) {
    if let Some(micros) = bytes.first_chunk().map(|bytes| i64::from_be_bytes(*bytes)) {
        let bounds = Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros();
        assert_eq!(Timestamp::from_micros(micros).is_some(), bounds.contains(&micros));
        if let Some(timestamp) = Timestamp::from_micros(micros) {
            printed(timestamp);
        }
    }
    let Ok(text) = utf8(bytes) else { return };
    let Some(timestamp) = Timestamp::parse(text) else { return };
    assert!(text.is_ascii(), "only ASCII has digits");
    printed(timestamp);
    // Where somebody else reads it too, it is the same instant.
    if let Ok(other) = text.parse::<jiff::Timestamp>() {
        let micros = other.as_nanosecond().div_euclid(1000);
        assert_eq!(i128::from(timestamp.as_micros()), micros, "{text} is another instant to others");
    }
}

pub(crate) fn catalog(bytes: &[u8]) {
    let Ok(text) = utf8(bytes) else { return };
    let Ok((catalog, category, name, example)) = Catalog::with_one(text) else { return };
    let event = serde_json::json!({ "session_id": "a", "category": category, "name": name, "timestamp": "2026-01-01" });
    let event = event.to_string();
    let (head, tail) = event.split_at(event.len() - 1);
    let event = format!("{head},\"data\":{example}{tail}");
    let raw = read_line(&event).expect("a file's texts and its example are strict JSON");
    let found = NewEvent::parse(&raw, &Rules { catalog: &catalog, ..rules() });
    match found {
        Ok(found) => assert_eq!(found.event().data, example, "the example was altered"),
        Err(errors) => panic!("the example is no event of its type: {}", errors.to_json()),
    }
    // What does not fit is said in JSON, however odd the schema is.
    for data in ["{}", r#"{"host":null,"":[{}],"é":"\u0001"}"#] {
        let event = format!("{head},\"data\":{data}{tail}");
        let raw = read_line(&event).expect("it is JSON");
        if let Err(errors) = NewEvent::parse(&raw, &Rules { catalog: &catalog, ..rules() }) {
            is_object(&errors);
        }
    }
}

pub(crate) fn lines(bytes: &[u8]) {
    let read = read_lines(bytes, usize::MAX);
    let mut found = read.iter();
    // Another way to cut: by the places of line feeds, from the end.
    let mut ends: Vec<usize> = (0..bytes.len()).rev().filter(|&at| bytes[at] == b'\n').collect();
    ends.insert(0, bytes.len());
    let mut start = 0;
    for (number, end) in (1..).zip(ends.into_iter().rev()) {
        let line = &bytes[start..end];
        start = end + 1;
        if line.iter().all(|byte| b" \t\r\x0c".contains(byte)) {
            continue;
        }
        match (found.next(), utf8(line).and_then(read_line)) {
            (Some(Ok(raw)), Ok(alone)) => assert_eq!(verdict(raw), verdict(&alone), "line {number} alone differs"),
            (Some(Err((error, text))), Err(alone)) => {
                assert_eq!(*text, line, "what is kept of line {number} is not that line");
                assert_eq!(*error, JsonError { line: number, ..alone });
            }
            (found, alone) => panic!("line {number}: {found:?} and {alone:?} differ"),
        }
    }
    assert!(found.next().is_none(), "there are more events than lines");
    // As a JSON array, the same events get the same verdicts.
    let Ok(events) = read.iter().map(Result::as_ref).collect::<Result<Vec<_>, _>>() else { return };
    let array = format!("[{}]", events.iter().map(|raw| text_of(raw)).collect::<Vec<_>>().join(","));
    let Ok(Body::Many(batch)) = read_body(&array, events.len()) else { panic!("lines are no array") };
    assert_eq!(batch.len(), events.len());
    for (one, other) in batch.iter().zip(events) {
        assert_eq!(verdict(one), verdict(other), "the verdict in a batch differs");
    }
}

fn rules() -> Rules<'static> {
    let now = Timestamp::from_micros(1_800_000_000_000_000).expect("it is a day of 2027");
    let new_id = Uuid::from_u128(7);
    Rules { catalog: &CATALOG, now, tolerance: Duration::from_secs(5), new_id, application: None, address: None }
}

fn verdict(raw: &RawEvent<'_>) -> Result<NewEvent, Errors> {
    NewEvent::parse(raw, &rules())
}

fn text_of<'a>(raw: &RawEvent<'a>) -> &'a str {
    std::str::from_utf8(raw.text).expect("it is a part of a text")
}

/// What holds of any verdict.
fn judged(raw: &RawEvent<'_>, found: &Result<NewEvent, Errors>) {
    assert_eq!(&verdict(raw), found, "the second verdict differs");
    let event = match found {
        Ok(event) => event.event(),
        Err(errors) => return is_object(errors),
    };
    assert!(text_of(raw).contains(&event.data), "data was altered");
    assert_eq!(JsonType::of(&event.data), JsonType::Dict);
    let again = again(event);
    assert_eq!(&again, event, "an answer read again is another event");
}

/// The event that its own answer makes.
fn again(event: &Event) -> Event {
    let mut json = Vec::new();
    event.write_json(&mut json, TimestampFormat::Rfc3339);
    let json = utf8(&json).expect("answers are UTF-8");
    let raw = read_line(json).expect("answers are strict JSON");
    verdict(&raw).unwrap_or_else(|errors| panic!("{json} is refused: {}", errors.to_json())).into_event()
}

fn is_object(errors: &Errors) {
    let json = errors.to_json();
    json::check(&json, 1).unwrap_or_else(|error| panic!("{json}: {error}"));
    assert!(json.starts_with("{\"") && json.len() < 1 << 20, "{json:.200}");
}

fn printed(timestamp: Timestamp) {
    for (format, length) in [(TimestampFormat::Rfc3339, 27), (TimestampFormat::Space, 26)] {
        let text = timestamp.format(format);
        assert_eq!(text.len(), length, "{text}");
        assert_eq!(Timestamp::parse(&text), Some(timestamp), "{text}");
    }
}
