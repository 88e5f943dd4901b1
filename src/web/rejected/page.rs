//! Rejected events as pages: by reason, each with what was sent, and buttons that try them again.

use askama::Template;

use super::super::browse::{Frame, View};
use super::super::numbers::grouped;
use super::super::site::query;
use super::replay::Replayed;
use crate::event::{Rejected, RejectedKind, Timestamp};
use crate::store::{Filter, ReasonCount};

/// A list of rejected events.
#[derive(Debug)]
pub(super) struct RejectedView {
    pub(super) filter: Filter,
    pub(super) reasons: Vec<ReasonCount>,
    pub(super) rows: Vec<Rejected>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct RowView(pub(super) Rejected);

/// What became of those that were tried again.
#[derive(Debug)]
pub(super) struct ReplayView {
    pub(super) replayed: Replayed,
    /// The reason that was asked for.
    pub(super) reason: Option<String>,
}

#[derive(Template)]
#[template(path = "rejected.html")]
struct RejectedPage<'a> {
    frame: &'a Frame<'a>,
    groups: Vec<Group<'a>>,
    rows: Vec<Row<'a>>,
    /// The times that the groups are of.
    times: Vec<(&'static str, String)>,
}

/// All of one reason.
struct Group<'a> {
    reason: &'a str,
    is_dead_letter: bool,
    count: u64,
    shown: String,
    path: String,
}

#[derive(Template)]
#[template(path = "rejected_row.html")]
struct RowPage<'a> {
    frame: &'a Frame<'a>,
    row: Row<'a>,
}

/// One row.
struct Row<'a> {
    id: String,
    path: String,
    reason: &'a str,
    is_dead_letter: bool,
    errors: &'a str,
    received_at: Timestamp,
    body: std::borrow::Cow<'a, str>,
    truncated: bool,
}

#[derive(Template)]
#[template(path = "replayed.html")]
struct ReplayPage<'a> {
    frame: &'a Frame<'a>,
    replayed: &'a Replayed,
    reason: Option<&'a str>,
    rows: Vec<(String, String)>,
}

impl View for RejectedView {
    fn title(&self) -> String {
        "Rejected".to_owned()
    }

    fn script(&self) -> Option<&'static str> {
        Some("replay.js")
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let filter = &self.filter;
        let time = |name, time: Option<Timestamp>| time.map(|time| (name, time.to_string()));
        let times = [time("start_time", filter.start_time), time("end_time", filter.end_time)];
        let times: Vec<_> = times.into_iter().flatten().collect();
        let group = |rows: &'_ ReasonCount| {
            let mut pairs = vec![("reason", rows.reason.as_str())];
            pairs.extend(times.iter().map(|(name, time)| (*name, time.as_str())));
            frame.path("/rejected") + &query(&pairs)
        };
        // A group is tried again as a whole: by reason and time, whatever else the list is filtered by.
        let others = [&filter.session_id, &filter.category, &filter.name, &filter.application];
        let is_whole = others.iter().all(|other| other.is_none());
        let reasons = self.reasons.iter().filter(|_| is_whole);
        let groups = reasons.map(|rows| Group {
            reason: &rows.reason,
            is_dead_letter: rows.kind == RejectedKind::DeadLetter,
            count: rows.count,
            shown: grouped(rows.count),
            path: group(rows),
        });
        let groups = groups.collect();
        RejectedPage { frame, groups, rows: self.rows.iter().map(|rejected| row(rejected, frame)).collect(), times }
            .render()
    }
}

impl View for RowView {
    fn title(&self) -> String {
        "Rejected event".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        RowPage { frame, row: row(&self.0, frame) }.render()
    }
}

impl View for ReplayView {
    fn title(&self) -> String {
        "Tried again".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let rows = self.replayed.results.iter().map(|row| (row.id.to_string(), row.errors.get().to_owned()));
        ReplayPage { frame, replayed: &self.replayed, reason: self.reason.as_deref(), rows: rows.collect() }.render()
    }
}

fn row<'a>(rejected: &'a Rejected, frame: &Frame<'_>) -> Row<'a> {
    Row {
        id: rejected.id.to_string(),
        path: frame.path(&format!("/rejected/{}", rejected.id)),
        reason: &rejected.reason,
        is_dead_letter: rejected.kind == RejectedKind::DeadLetter,
        errors: &rejected.errors,
        received_at: rejected.received_at,
        body: String::from_utf8_lossy(&rejected.body),
        truncated: rejected.truncated,
    }
}
