//! Where requests come from. A single event gets its own session, path and time by overwriting digits
//! of a request that stands ready; batches are ready as a whole.

use std::sync::Arc;

use the_eye::clock::Clock;

use crate::http;
use crate::mix::{self, Mix, SESSION};
use crate::scale::LINES;

/// What a load sends.
#[derive(Debug)]
pub(crate) enum Source {
    /// Single events without end.
    Singles(Box<Singles>),
    /// These requests in turn, again and again.
    Again { requests: Vec<Arc<[u8]>>, next: usize },
    /// These requests, each once.
    Once(std::vec::IntoIter<Arc<[u8]>>),
}

/// A request that is being sent.
#[derive(Debug, Default)]
pub(super) struct Request {
    own: Vec<u8>,
    shared: Option<Arc<[u8]>>,
    /// Requests of one kind have answers of one length.
    pub(super) kind: usize,
}

/// Single events, one after the other.
#[derive(Debug)]
pub(crate) struct Singles {
    number: u64,
    templates: [Template; 3],
    /// The text of the second that is now.
    second: i64,
    time: String,
}

/// A request and the places in it that change.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    session: usize,
    path: usize,
    timestamp: usize,
}

impl Source {
    pub(crate) fn singles() -> Self {
        let now = Clock::System.now().to_string();
        let templates = [0, 1, 2].map(|number| Template::new(number, &now));
        Self::Singles(Box::new(Singles { number: 0, templates, second: 0, time: now }))
    }

    /// A POST of as many lines as one body has, beginning with that event.
    pub(crate) fn batch(mix: &Mix, first: u64) -> Arc<[u8]> {
        http::post("application/x-ndjson", &mix.lines(first..first + LINES)).into()
    }

    pub(crate) fn again(requests: Vec<Arc<[u8]>>) -> Self {
        Self::Again { requests, next: 0 }
    }

    pub(crate) fn once(requests: Vec<Arc<[u8]>>) -> Self {
        Self::Once(requests.into_iter())
    }

    /// Prepares the next request; false if there is none.
    pub(super) fn next(&mut self, request: &mut Request) -> bool {
        match self {
            Self::Singles(singles) => singles.next(request),
            Self::Again { requests, next } => {
                request.shared = Some(requests[*next].clone());
                *next = (*next + 1) % requests.len();
            }
            Self::Once(requests) => {
                request.shared = requests.next();
                return request.shared.is_some();
            }
        }
        true
    }

    /// Whether an answer says what it should about its request.
    pub(super) fn verify(&self, request: &[u8], answer: &[u8]) {
        let (sent, got) = (http::body(request), http::body(answer));
        let right = match self {
            // The same object, to the letter, behind the id that it was given; or as it was.
            Self::Singles(_) => got.ends_with(&sent[1..]) && (got.starts_with(b"{\"id\":\"") || got == sent),
            _ => got == format!("{{\"accepted\":{LINES},\"rejected\":0,\"results\":[]}}").as_bytes(),
        };
        assert!(right, "a wrong answer: {}", String::from_utf8_lossy(answer));
    }
}

impl Request {
    pub(super) fn bytes(&self) -> &[u8] {
        self.shared.as_deref().unwrap_or(&self.own)
    }
}

impl Singles {
    fn next(&mut self, request: &mut Request) {
        let (number, now) = (self.number, Clock::System.now());
        self.number += 1;
        let (second, micros) = (now.as_micros() / 1_000_000, now.as_micros() % 1_000_000);
        if second != self.second {
            (self.second, self.time) = (second, now.to_string());
        }
        request.kind = mix::kind(number);
        let template = &self.templates[request.kind];
        let bytes = &mut request.own;
        bytes.clear();
        bytes.extend_from_slice(&template.bytes);
        write_digits(&mut bytes[template.session..template.session + 12], mix::session_digits(number));
        write_digits(&mut bytes[template.path..template.path + 8], number);
        let timestamp = &mut bytes[template.timestamp..template.timestamp + 26];
        timestamp[..20].copy_from_slice(&self.time.as_bytes()[..20]);
        write_digits(&mut timestamp[20..], micros.unsigned_abs());
    }
}

impl Template {
    fn new(number: u64, now: &str) -> Self {
        let mut event = Vec::new();
        mix::write_json(number, now, &mut event);
        let bytes = http::post("application/json", &event);
        let text = std::str::from_utf8(&bytes).unwrap();
        let behind = |mark: &str| text.find(mark).unwrap() + mark.len();
        let (session, path, timestamp) = (behind(SESSION), behind("/products/"), behind("\"timestamp\":\""));
        Self { session, path, timestamp, bytes }
    }
}

/// Fills a place with a number, from its last digit.
fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
