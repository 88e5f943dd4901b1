//! How events lie in a row of the queue: one after the other, each behind its length.
//!
//! An entry is the length of what follows (4 bytes, big-endian) and the event ([`packed`]). A length of
//! nought stands for an event that was taken out: its place stays, so that the others keep their numbers.
//!
//! Beside a body stands its sum, so that damage is seen even where the bytes still look like events. What is
//! done about a row that is not as it was written is in `damaged`.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::super::Entry;
use super::super::packed::{self, FIXED, Last};
use crate::event::Event;

/// The rows that have one of the events `?1` to `?2`. The one that `?1` lies in may begin before it.
pub(super) const OVERLAPS: &str =
    "first >= coalesce((SELECT max(first) FROM segment WHERE first <= ?1), 0) AND first <= ?2 AND last >= ?1";

/// An entry that cannot be read. Only a damaged file has one.
#[derive(Debug)]
pub(super) struct Damaged;

/// Appends an entry.
pub(super) fn write(event: &Event, body: &mut Vec<u8>) {
    let length = packed::length(event);
    body.extend_from_slice(&u32::try_from(length).expect("a body is smaller").to_be_bytes());
    packed::write(event, body);
}

/// Bytes that an event takes in a body.
pub(super) fn length(event: &Event) -> usize {
    4 + packed::length(event)
}

/// A part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) body: &'a [u8],
    pub(super) events: u64,
    /// The size of its events, as the queue's bound counts it.
    pub(super) bytes: u64,
}

/// Cuts a body between events, so that no piece is larger than that if it has more than one.
pub(super) fn pieces(body: &[u8], most_events: u64, most_bytes: usize) -> Vec<Piece<'_>> {
    let mut pieces = Vec::with_capacity(1);
    let (mut from, mut at, mut events, mut bytes) = (0, 0, 0, 0);
    for (_, entry) in entries(0, body) {
        let entry = entry.unwrap_or_default();
        let next = at + 4 + entry.len();
        if events > 0 && (events == most_events || next - from > most_bytes) {
            pieces.push(Piece { body: &body[from..at], events, bytes });
            (from, events, bytes) = (at, 0, 0);
        }
        at = next;
        events += 1;
        bytes += (entry.len().saturating_sub(FIXED) + Event::OVERHEAD) as u64;
    }
    if events > 0 {
        pieces.push(Piece { body: &body[from..at], events, bytes });
    }
    pieces
}

/// Reads the events of a body whose first entry has that number. One that was taken out is none.
pub(super) fn read<'a>(
    first: u64,
    body: &'a [u8],
    last: &'a mut Last,
) -> impl Iterator<Item = Result<Entry<Event>, Damaged>> + 'a {
    entries(first, body).filter_map(move |(seq, entry)| match entry {
        Some([]) => None,
        Some(entry) => Some(packed::read(entry, last).map(|item| Entry { seq, item }).ok_or(Damaged)),
        None => Some(Err(Damaged)),
    })
}

/// The same, with the bytes of those that cannot be read.
pub(super) fn read_or_bytes<'a>(
    first: u64,
    body: &'a [u8],
    last: &'a mut Last,
) -> impl Iterator<Item = (u64, Result<Event, &'a [u8]>)> + 'a {
    let mut read = 0;
    entries(first, body).filter_map(move |(seq, entry)| {
        let at = read;
        read += 4 + entry.map_or(0, <[u8]>::len);
        match entry {
            Some([]) => None,
            Some(entry) => Some((seq, packed::read(entry, last).ok_or(entry))),
            None => Some((seq, Err(&body[at..]))),
        }
    })
}

/// What is written beside a body.
pub(super) fn sum(body: &[u8]) -> i64 {
    let mut hasher = SipHasher13::new();
    hasher.write(body);
    hasher.finish().cast_signed()
}

/// Whether a body still has one of the events `from` to `to`.
pub(super) fn holds(first: u64, body: &[u8], from: u64, to: u64) -> bool {
    entries(first, body).any(|(seq, entry)| (from..=to).contains(&seq) && entry.is_some_and(|entry| !entry.is_empty()))
}

/// How many events a body still has, and their size as the queue's bound counts it.
pub(super) fn sizes(first: u64, body: &[u8]) -> (u64, u64) {
    let kept = entries(first, body).filter_map(|(_, entry)| entry).filter(|entry| !entry.is_empty());
    kept.fold((0, 0), |(events, bytes), entry| {
        (events + 1, bytes + (entry.len().saturating_sub(FIXED) + Event::OVERHEAD) as u64)
    })
}

/// The body without the events `from` to `to`.
pub(super) fn without(first: u64, body: &[u8], from: u64, to: u64) -> Vec<u8> {
    let mut left = Vec::with_capacity(body.len());
    for (seq, entry) in entries(first, body) {
        let entry = if (from..=to).contains(&seq) { &[] } else { entry.unwrap_or_default() };
        left.extend_from_slice(&u32::try_from(entry.len()).expect("it was one").to_be_bytes());
        left.extend_from_slice(entry);
    }
    left
}

/// Each entry with its number; `None`, at the end, for one that is cut off.
fn entries(first: u64, body: &[u8]) -> impl Iterator<Item = (u64, Option<&[u8]>)> {
    let (mut seq, mut rest) = (first, body);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let entry = rest
            .split_first_chunk()
            .and_then(|(length, rest)| rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?));
        rest = entry.map_or(&[][..], |(_, rest)| rest);
        seq += 1;
        Some((seq - 1, entry.map(|(entry, _)| entry)))
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::num::NonZeroU32;
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;
    use crate::event::{Application, EventKind, Timestamp};

    fn events() -> Vec<Event> {
        let kind = |name: &str| Arc::new(EventKind { category: "c".to_owned(), name: name.to_owned() });
        let event = |number: i64, name, data: &str| Event {
            id: Uuid::from_u128(7),
            timestamp: Timestamp::from_micros(-number).unwrap(),
            received_at: Timestamp::from_micros(number).unwrap(),
            session_id: "é".repeat(usize::try_from(number).unwrap()),
            kind: kind(name),
            data: data.to_owned(),
            application: None,
            address: None,
        };
        let shop = Arc::new(Application { number: NonZeroU32::MIN, name: "shop".to_owned() });
        let known = Event {
            application: Some(shop),
            address: Some(IpAddr::from([192, 0, 2, 7])),
            ..event(255, "n", "{\"a\":1.10}")
        };
        vec![event(1, "n", "{}"), known, event(3, "other", "")]
    }

    fn body(events: &[Event]) -> Vec<u8> {
        let mut body = Vec::new();
        events.iter().for_each(|event| write(event, &mut body));
        body
    }

    fn read_all(first: u64, body: &[u8]) -> Vec<(u64, Event)> {
        let mut last = Last::default();
        read(first, body, &mut last).map(|entry| entry.map(|entry| (entry.seq, entry.item)).unwrap()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let body = body(&events());
        assert_eq!(read_all(5, &body), (5..).zip(events()).collect::<Vec<_>>());
        assert_eq!(body.len(), events().iter().map(length).sum::<usize>());
    }

    #[test]
    fn what_is_taken_out_leaves_its_place() {
        let body = without(5, &body(&events()), 6, 6);
        let kept: Vec<_> = (5..).zip(events()).filter(|(seq, _)| *seq != 6).collect();
        assert_eq!(read_all(5, &body), kept);
        assert!(holds(5, &body, 1, 5) && holds(5, &body, 6, 7) && !holds(5, &body, 6, 6) && !holds(5, &body, 8, 9));
    }

    #[test]
    fn a_body_is_cut_between_events() {
        let (events, whole) = (events(), body(&events()));
        let lengths: Vec<_> = events.iter().map(length).collect();
        let check = |most_events, most_bytes, expected: &[std::ops::Range<usize>]| {
            let piece = |range: &std::ops::Range<usize>| {
                let before = lengths[..range.start].iter().sum::<usize>();
                let own = lengths[range.clone()].iter().sum::<usize>();
                let bytes = events[range.clone()].iter().map(Event::size).sum::<usize>() as u64;
                Piece { body: &whole[before..before + own], events: range.len() as u64, bytes }
            };
            assert_eq!(pieces(&whole, most_events, most_bytes), expected.iter().map(piece).collect::<Vec<_>>());
        };
        check(9, 100_000, std::slice::from_ref(&(0..3)));
        check(2, 100_000, &[0..2, 2..3]);
        check(9, lengths[0] + lengths[1], &[0..2, 2..3]);
        check(9, lengths[0] + lengths[1] - 1, &[0..1, 1..2, 2..3]);
        check(9, 1, &[0..1, 1..2, 2..3]);
        assert_eq!(pieces(&[], 9, 9), []);
    }

    #[test]
    fn a_damaged_body_is_an_error_and_no_panic() {
        let body = body(&events());
        let mut last = Last::default();
        for cut in 1..body.len() {
            let read: Vec<_> = read(1, &body[..cut], &mut last).collect();
            let whole = [length(&events()[0]), length(&events()[0]) + length(&events()[1])];
            assert_eq!(read.last().unwrap().is_err(), !whole.contains(&cut), "{cut}");
        }
    }
}
