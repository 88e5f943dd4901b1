//! The events that all rows are about: visits of about ten events each, 20,000 of them at a time,
//! pages seen, buttons clicked and forms sent in equal parts, timestamps all but in order.

use std::io::Write;
use std::sync::Arc;

use the_eye::clock::Clock;
use the_eye::event::{Event, EventKind, Timestamp};

/// Sessions that go on at the same time.
const LIVE: u64 = 20_000;

/// Microseconds between two events, and how far behind the clock of the server a client's may be.
const STEP: u64 = 500;
const BEHIND: u64 = 2_000_000;

const CATEGORIES: [&str; 3] = ["page_interaction", "page_interaction", "form_interaction"];
const NAMES: [&str; 3] = ["page_view", "cta_click", "submit"];
const MORE: [&str; 3] = ["", r#","element":"buy now""#, r#","form":{"email":"ada@example.com"}"#];

/// A stretch of events, each known by its number.
#[derive(Debug, Clone)]
pub(crate) struct Mix {
    begin: i64,
    kinds: [Arc<EventKind>; 3],
}

impl Mix {
    /// As many events as end a minute ago.
    pub(crate) fn of(events: u64) -> Self {
        let length = i64::try_from(events * STEP).unwrap() + 60_000_000;
        let kind = |at: usize| Arc::new(EventKind { category: CATEGORIES[at].to_owned(), name: NAMES[at].to_owned() });
        Self { begin: Clock::System.now().as_micros() - length, kinds: [0, 1, 2].map(kind) }
    }

    /// The event as a store is given it.
    pub(crate) fn event(&self, number: u64) -> Event {
        let mut data = Vec::with_capacity(96);
        write_data(number, &mut data);
        Event {
            id: Clock::System.new_id(),
            timestamp: self.timestamp(number),
            received_at: self.received_at(number),
            session_id: session_id(number),
            kind: self.kinds[kind(number)].clone(),
            data: String::from_utf8(data).unwrap(),
            application: None,
            address: None,
        }
    }

    pub(crate) fn events(&self, numbers: std::ops::Range<u64>) -> Arc<[Event]> {
        numbers.map(|number| self.event(number)).collect()
    }

    /// The events as a client sends them, one a line.
    pub(crate) fn lines(&self, numbers: std::ops::Range<u64>) -> Vec<u8> {
        let mut lines = Vec::with_capacity(300 << 10);
        for number in numbers {
            write_json(number, &self.timestamp(number).to_string(), &mut lines);
            lines.push(b'\n');
        }
        lines
    }

    /// When an event happened.
    pub(crate) fn timestamp(&self, number: u64) -> Timestamp {
        let behind = i64::try_from(number * 6007 % BEHIND).unwrap();
        Timestamp::from_micros(self.received_at(number).as_micros() - behind).unwrap()
    }

    fn received_at(&self, number: u64) -> Timestamp {
        Timestamp::from_micros(self.begin + i64::try_from(number * STEP).unwrap()).unwrap()
    }
}

/// What all session ids begin with; twelve digits follow.
pub(crate) const SESSION: &str = "e2085be5-9137-4e4e-80b5-";

/// The number of an event's session: one that ends makes room for a new one, and which one goes on
/// is all but random.
pub(crate) fn session(number: u64) -> u64 {
    let slot = number.wrapping_mul(7919) % LIVE;
    (number + slot * 9) / (LIVE * 10) * LIVE + slot
}

/// Its id, which like a UUID says nothing of when it was made: neighbours in time are far apart.
pub(crate) fn session_id(number: u64) -> String {
    format!("{SESSION}{:012}", session_digits(number))
}

/// The twelve digits at its end. The factor shares none with the modulus, so that no two sessions are one.
pub(crate) fn session_digits(number: u64) -> u64 {
    session(number) * 618_033_988_747 % 1_000_000_000_000
}

/// The number of its kind.
pub(crate) fn kind(number: u64) -> usize {
    (number % 3) as usize
}

/// The event as a client sends it.
pub(crate) fn write_json(number: u64, timestamp: &str, out: &mut Vec<u8>) {
    let (session, kind) = (session_digits(number), kind(number));
    let (category, name) = (CATEGORIES[kind], NAMES[kind]);
    write!(out, r#"{{"session_id":"{SESSION}{session:012}","category":"{category}","name":"{name}","data":"#).unwrap();
    write_data(number, out);
    write!(out, r#","timestamp":"{timestamp}"}}"#).unwrap();
}

/// Its `data`; the path has eight digits.
fn write_data(number: u64, out: &mut Vec<u8>) {
    let more = MORE[kind(number)];
    write!(out, r#"{{"host":"www.example.com","path":"/products/{number:08}"{more}}}"#).unwrap();
}
