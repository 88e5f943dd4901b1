//! Sessions as pages: a table of them, and one of them as a time line.

use askama::Template;

use super::super::browse::{Frame, View};
use super::super::numbers::{duration, grouped};
use super::of_application;
use crate::event::{Event, Timestamp};
use crate::store::Session;

/// A gap is shown as a line of its own from so many microseconds on.
const LONG: i64 = 30 * 60 * 1_000_000;

/// A list of sessions.
#[derive(Debug)]
pub(super) struct SessionsView {
    pub(super) sessions: Vec<Session>,
    /// Whose events they are shown by, if by one's.
    pub(super) application: Option<String>,
}

/// One session.
#[derive(Debug)]
pub(super) struct SessionView {
    pub(super) session: Session,
    /// This page's events, in its order.
    pub(super) events: Vec<Event>,
    pub(super) newer: Option<Session>,
    pub(super) older: Option<Session>,
    /// Whose events are shown, if one's are.
    pub(super) application: Option<String>,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage<'a> {
    frame: &'a Frame<'a>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    session_id: &'a str,
    path: String,
    events: String,
    first: Timestamp,
    last: Timestamp,
    length: String,
}

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage<'a> {
    frame: &'a Frame<'a>,
    row: Row<'a>,
    steps: Vec<Step<'a>>,
    newer: Option<Row<'a>>,
    older: Option<Row<'a>>,
    all: String,
}

/// One event of the time line.
struct Step<'a> {
    event: &'a Event,
    path: String,
    /// The time since the event before, on this page.
    gap: Option<String>,
    is_long: bool,
}

impl View for SessionsView {
    fn title(&self) -> String {
        "Sessions".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let application = self.application.as_deref();
        let rows = self.sessions.iter().map(|session| row(session, application, frame)).collect();
        SessionsPage { frame, rows }.render()
    }
}

impl View for SessionView {
    fn title(&self) -> String {
        "Session".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let mut before: Option<Timestamp> = None;
        let mut steps = Vec::with_capacity(self.events.len());
        for event in &self.events {
            let gap = before.map(|before| (event.timestamp.as_micros() - before.as_micros()).abs());
            before = Some(event.timestamp);
            steps.push(Step {
                event,
                path: frame.path(&format!("/events/{}", event.id)),
                gap: gap.map(duration),
                is_long: gap.is_some_and(|gap| gap >= LONG),
            });
        }
        let row = |session| row(session, self.application.as_deref(), frame);
        SessionPage {
            frame,
            row: row(&self.session),
            steps,
            newer: self.newer.as_ref().map(row),
            older: self.older.as_ref().map(row),
            all: frame.list_of_session(&self.session.session_id, self.application.as_deref()),
        }
        .render()
    }
}

fn row<'a>(session: &'a Session, application: Option<&str>, frame: &Frame<'_>) -> Row<'a> {
    let (first, last) = (session.first.time, session.last.time);
    Row {
        session_id: &session.session_id,
        path: frame.session_path(&session.session_id) + &of_application(application),
        events: grouped(session.events),
        first,
        last,
        length: duration(last.as_micros() - first.as_micros()),
    }
}
