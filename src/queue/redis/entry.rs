//! What an event and a rejected event look like in a stream. A rejected event is names and texts; an event is
//! one text: of seven, Redis would spend more on their number than on their bytes.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use redis::{Cmd, Value};

use crate::event::{Application, Event, EventKind, Rejected, RejectedKind, Timestamp};
use crate::queue::packed::{self, Last};

/// The name of an event's text.
const EVENT: &str = "event";

/// What can stand in a stream.
pub(super) trait Item: Sized + Send + 'static {
    /// Reads it from its texts. An event shares with the last one what is the same.
    fn read(texts: &Texts<'_>, last: &mut Last) -> Option<Self>;

    /// Bytes it takes.
    fn bytes(&self) -> usize;

    /// Bytes of it that are part of the queue's sum, which is of events alone.
    fn counted(&self) -> u64;
}

/// The texts of one entry, by name.
pub(super) struct Texts<'a>(HashMap<&'a [u8], &'a [u8]>);

/// The number of an entry, and what it is; or its id and its texts as they are, if it is none of ours.
pub(super) type Read<T> = Result<(u64, T), (String, Vec<u8>)>;

/// Reads the entries of a stream.
pub(super) fn read_all<T: Item>(entries: &Value) -> Vec<Read<T>> {
    let Value::Array(entries) = entries else { return Vec::new() };
    let mut last = Last::default();
    entries.iter().filter_map(|entry| read(entry, &mut last)).collect()
}

fn read<T: Item>(entry: &Value, last: &mut Last) -> Option<Read<T>> {
    let Value::Array(parts) = entry else { return None };
    let [Value::BulkString(id), Value::Array(texts)] = parts.as_slice() else { return None };
    let id = std::str::from_utf8(id).ok()?;
    let texts = texts.chunks_exact(2).filter_map(|pair| match pair {
        [Value::BulkString(name), Value::BulkString(text)] => Some((name.as_slice(), text.as_slice())),
        _ => None,
    });
    let texts = Texts(texts.collect());
    Some(match (seq(id), T::read(&texts, last)) {
        (Some(seq), Some(item)) => Ok((seq, item)),
        _ => Err((id.to_owned(), texts.as_they_are())),
    })
}

/// The number that an id of ours stands for.
pub(super) fn seq(id: &str) -> Option<u64> {
    id.strip_suffix("-0")?.parse().ok()
}

/// The id that a number stands for.
pub(super) fn id(seq: u64) -> String {
    format!("{seq}-0")
}

impl Texts<'_> {
    /// A line for each text.
    fn as_they_are(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(name, text)| [name, &b": "[..], text, b"\n"].concat()).collect()
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name.as_bytes()).map(|bytes| bytes.to_vec())
    }

    fn text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.bytes(name)?).ok()
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        std::str::from_utf8(self.0.get(name.as_bytes())?).ok()?.parse().ok()
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        Timestamp::parse(std::str::from_utf8(self.0.get(name.as_bytes())?).ok()?)
    }
}

impl Item for Event {
    fn read(texts: &Texts<'_>, last: &mut Last) -> Option<Self> {
        if let Some(packed) = texts.0.get(EVENT.as_bytes()) {
            return packed::read(packed, last);
        }
        // As the first version wrote it.
        Some(Self {
            id: texts.parsed("id")?,
            timestamp: texts.time("timestamp")?,
            received_at: texts.time("received_at")?,
            session_id: texts.text("session_id")?,
            kind: Arc::new(EventKind { category: texts.text("category")?, name: texts.text("name")? }),
            data: texts.text("data")?,
            application: None,
            address: None,
        })
    }

    fn bytes(&self) -> usize {
        self.size()
    }

    fn counted(&self) -> u64 {
        self.size() as u64
    }
}

impl Item for Rejected {
    fn read(texts: &Texts<'_>, _: &mut Last) -> Option<Self> {
        Some(Self {
            id: texts.parsed("id")?,
            kind: RejectedKind::parse(&texts.text("kind")?)?,
            reason: texts.text("reason")?,
            errors: texts.text("errors")?,
            received_at: texts.time("received_at")?,
            body: texts.bytes("body")?,
            truncated: texts.parsed("truncated")?,
            session_id: texts.text("session_id"),
            category: texts.text("category"),
            name: texts.text("name"),
            application: match texts.parsed("application") {
                Some(number) => Some(Arc::new(Application { number, name: texts.text("application_name")? })),
                None => None,
            },
        })
    }

    fn bytes(&self) -> usize {
        self.size()
    }

    fn counted(&self) -> u64 {
        0
    }
}

/// Appends the value of an event, which `write.lua` names.
pub(super) fn write_event(event: &Event, command: &mut Cmd) {
    let mut packed = Vec::with_capacity(packed::length(event));
    packed::write(event, &mut packed);
    command.arg(packed);
}

/// The names and texts of a rejected event.
pub(super) fn rejected_texts(rejected: &Rejected) -> Vec<(&'static str, Vec<u8>)> {
    let text = |text: &str| text.as_bytes().to_vec();
    let mut texts = vec![
        ("id", text(&rejected.id.to_string())),
        ("kind", text(rejected.kind.as_str())),
        ("reason", text(&rejected.reason)),
        ("errors", text(&rejected.errors)),
        ("received_at", text(&rejected.received_at.to_string())),
        ("truncated", text(&rejected.truncated.to_string())),
    ];
    let described = [("session_id", &rejected.session_id), ("category", &rejected.category), ("name", &rejected.name)];
    texts.extend(described.into_iter().filter_map(|(name, value)| Some((name, text(value.as_ref()?)))));
    if let Some(application) = &rejected.application {
        texts.push(("application", text(&application.number.to_string())));
        texts.push(("application_name", text(&application.name)));
    }
    texts.push(("body", rejected.body.clone()));
    texts
}
