//! An event as bytes, as both queues keep it.
//!
//! With numbers in big-endian order: the id (16 bytes), the timestamp and the time it was received (8 each,
//! microseconds since 1970), the lengths of session id, category and name (2 each), and the four texts,
//! `data` last, to the end.

use std::sync::Arc;

use uuid::Uuid;

use crate::event::{Event, EventKind, Timestamp};

/// Bytes beside the texts.
pub(super) const FIXED: usize = 16 + 8 + 8 + 3 * 2;

/// Appends an event.
pub(super) fn write(event: &Event, out: &mut Vec<u8>) {
    let Event { id, timestamp, received_at, session_id, kind, data } = event;
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(&timestamp.as_micros().to_be_bytes());
    out.extend_from_slice(&received_at.as_micros().to_be_bytes());
    let names = [session_id, &kind.category, &kind.name];
    for name in names {
        out.extend_from_slice(&u16::try_from(name.len()).expect("names have 255 characters").to_be_bytes());
    }
    for text in [names[0], names[1], names[2], data] {
        out.extend_from_slice(text.as_bytes());
    }
}

/// Bytes that an event takes.
pub(super) fn length(event: &Event) -> usize {
    FIXED + event.session_id.len() + event.kind.category.len() + event.kind.name.len() + event.data.len()
}

/// The event of all these bytes. Its kind is the last one's, where it is the same.
pub(super) fn read(bytes: &[u8], kind: &mut Arc<EventKind>) -> Option<Event> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (timestamp, rest) = rest.split_first_chunk()?;
    let (received_at, rest) = rest.split_first_chunk()?;
    let (lengths, mut rest) = rest.split_first_chunk::<6>()?;
    let mut text = |at: usize| {
        let length = u16::from_be_bytes([lengths[at], lengths[at + 1]]);
        let (text, after) = rest.split_at_checked(length.into())?;
        rest = after;
        std::str::from_utf8(text).ok()
    };
    let (session_id, category, name) = (text(0)?, text(2)?, text(4)?);
    if (kind.category.as_str(), kind.name.as_str()) != (category, name) {
        *kind = Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() });
    }
    Some(Event {
        id: Uuid::from_bytes(*id),
        timestamp: Timestamp::from_micros(i64::from_be_bytes(*timestamp))?,
        received_at: Timestamp::from_micros(i64::from_be_bytes(*received_at))?,
        session_id: session_id.to_owned(),
        kind: kind.clone(),
        data: std::str::from_utf8(rest).ok()?.to_owned(),
    })
}
