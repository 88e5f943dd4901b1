//! Refused events: counted, logged within a rate, and handed to the queue, without anybody waiting.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::App;
use super::error::Error;
use super::pretty::escape;
use crate::clock::Stopwatch;
use crate::event::{RawEvent, Reason, Rejected};

/// Lines that refused events may put into the log in one second.
const LINES: u32 = 50;

/// Bytes of a refused body that a log line shows.
const SHOWN: usize = 4096;

/// Keeps refused events from flooding the log.
#[derive(Debug)]
pub(crate) struct RefusalLog(Mutex<Window>);

#[derive(Debug)]
struct Window {
    since: Stopwatch,
    lines: u32,
    left_out: u64,
}

impl RefusalLog {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Window { since: Stopwatch::start(), lines: 0, left_out: 0 }))
    }

    /// How many lines were left out since this was last asked, or since a line last said it.
    pub(crate) fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).left_out)
    }

    fn log(&self, refused: &Rejected) {
        let left_out = {
            let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if window.since.elapsed() > Duration::from_secs(1) {
                window.since = Stopwatch::start();
                window.lines = 0;
            }
            if window.lines == LINES {
                window.left_out += 1;
                return;
            }
            window.lines += 1;
            std::mem::take(&mut window.left_out)
        };
        let body = escape(&String::from_utf8_lossy(&refused.body[..refused.body.len().min(SHOWN)]));
        let truncated = refused.truncated || refused.body.len() > SHOWN || body.len() > SHOWN;
        let (body, errors) = (cut(body), cut(escape(&refused.errors)));
        let application = refused.application.as_ref().map(|application| application.name.as_str());
        tracing::error!(
            rejected.id = %refused.id, application, reason = refused.reason, errors, body, truncated, left_out,
            "an event was refused"
        );
    }
}

/// At most so much as a log line shows, after every escape.
fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(SHOWN));
    text
}

impl App {
    /// Keeps what was refused.
    pub(super) fn refuse(&self, refused: Vec<Rejected>) {
        if refused.is_empty() {
            return;
        }
        for refused in &refused {
            self.metrics.refusal(Reason::parse(&refused.reason).map_or("other", Reason::as_str));
            self.refusals.log(refused);
        }
        self.queue.refuse(refused);
    }

    /// Makes a refused event of what could not be read as one. Where fields are marked, nobody knows which parts of it
    /// they are.
    pub(super) fn unread(&self, reason: Reason, errors: String, body: &[u8]) -> Rejected {
        let (id, now) = (self.clock.new_id(), self.clock.now());
        match self.catalog.is_marked() {
            false => Rejected::refused(id, reason, errors, now, body),
            true => Rejected::withheld((id, now), reason, body.len() as u64),
        }
    }

    /// Makes a refused event of one that is not valid, with the errors that its sender gets.
    pub(super) fn invalid(&self, reason: Reason, errors: &str, raw: &RawEvent<'_>) -> Rejected {
        let (id, now) = (self.clock.new_id(), self.clock.now());
        match self.catalog.is_marked() {
            false => Rejected::refused(id, reason, errors.to_owned(), now, raw.text).describing(raw, &self.catalog),
            true => Rejected::discreet((id, now), reason, errors, raw, &self.catalog),
        }
    }
}

/// Why a body was refused that could not be read, or `None` if that was not the sender's fault.
pub(super) fn reason(error: &Error) -> Option<Reason> {
    match error {
        Error::Invalid(_) => Some(Reason::Invalid),
        Error::Unreadable(_) => Some(Reason::ParseError),
        Error::TooLarge(_) => Some(Reason::TooLarge),
        Error::UnsupportedMediaType(_) => Some(Reason::UnsupportedMediaType),
        _ => None,
    }
}
