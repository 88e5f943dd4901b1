//! What a path stands for, as far as its page depends on it.

use super::super::options::{self, Metadata};

/// A resource, as its page shows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource {
    pub(super) title: &'static str,
    /// The parameters of its filter form.
    pub(super) filters: &'static [&'static str],
    /// The resource that the ids in its answers belong to.
    pub(super) rows: Option<&'static str>,
    /// What `OPTIONS` says of it.
    pub(super) options: Option<&'static Metadata>,
    /// Whether events can be sent to it.
    pub(super) takes_events: bool,
}

/// The filters of lists of events.
const FILTERS: &[&str] =
    &["session_id", "category", "name", "application", "start_time", "end_time", "order", "page_size"];

/// The filters of figures.
const FIGURES: &[&str] = &["start_time", "end_time", "interval", "session_id", "category", "name", "application"];
const STATS: &[&str] =
    &["start_time", "end_time", "last", "interval", "group_by", "session_id", "category", "name", "application"];

const SESSIONS: &[&str] = &["application", "start_time", "end_time", "order", "page_size"];

const REJECTED: &[&str] =
    &["session_id", "category", "name", "application", "reason", "start_time", "end_time", "order", "page_size"];

const LIVE: &[&str] = &["session_id", "category", "name", "application", "start_time", "end_time", "only"];

const PLAIN: Resource = Resource { title: "", filters: &[], rows: None, options: None, takes_events: false };

impl Resource {
    /// The resource at a path; what is not there has a page too.
    pub(super) fn at(path: &str) -> Self {
        let mut parts = path.trim_matches('/').splitn(2, '/');
        let first = parts.next().unwrap_or_default();
        let is_list = parts.next().is_none();
        let events = Some("/events");
        let rejected = Some("/rejected");
        match (first.split('.').next().unwrap_or_default(), is_list) {
            ("", true) => Self { title: "Overview", filters: FIGURES, ..PLAIN },
            ("events", true) => Self {
                title: "Events",
                filters: FILTERS,
                rows: events,
                options: Some(&options::EVENTS),
                takes_events: true,
            },
            ("events", false) => Self { title: "Event", rows: events, options: Some(&options::EVENT), ..PLAIN },
            ("sessions", true) => Self { title: "Sessions", filters: SESSIONS, ..PLAIN },
            ("sessions", false) => Self { title: "Session", rows: events, ..PLAIN },
            ("rejected", true) => Self {
                title: "Rejected",
                filters: REJECTED,
                rows: rejected,
                options: Some(&options::REJECTED),
                ..PLAIN
            },
            ("rejected", false) => {
                Self { title: "Rejected event", rows: rejected, options: Some(&options::REJECTED), ..PLAIN }
            }
            ("healthz", true) => Self { title: "Health", ..PLAIN },
            ("readyz", true) => Self { title: "Readiness", ..PLAIN },
            ("stats", true) => Self { title: "Figures", filters: STATS, ..PLAIN },
            ("live", true) => Self { title: "Live", filters: LIVE, ..PLAIN },
            ("docs", true) => Self { title: "API", ..PLAIN },
            _ => Self { title: "Not found", ..PLAIN },
        }
    }
}
