//! The overview as a page.

use askama::Template;

use super::super::browse::{Frame, View};
use super::super::numbers::{bytes, duration, grouped};
use super::super::site::query;
use super::super::stats::{IntervalStats, Ranked};
use super::Overview;
use super::chart::Chart;
use crate::event::{EventKind, RejectedKind, Timestamp};
use crate::store::ReasonCount;

/// Stretches of time that are a click away.
const LENGTHS: [(&str, &str); 6] =
    [("1h", "Hour"), ("24h", "24 hours"), ("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "Year")];

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    frame: &'a Frame<'a>,
    /// Labels and paths of other stretches, and whether it is this one.
    lengths: Vec<(&'static str, String, bool)>,
    from: String,
    to: String,
    figures: Vec<Figure>,
    chart: String,
    intervals: Vec<Interval>,
    lists: Vec<List<'a>>,
    /// Whether sessions and lists are more than an estimate.
    is_exact: bool,
    /// How to send the first event, where there is none at all.
    curl: Option<String>,
    /// The day of the newest event and the way there, where there is none in this stretch.
    newest: Option<(String, String)>,
    json: String,
}

struct Figure {
    label: &'static str,
    value: String,
    note: String,
    path: Option<String>,
}

/// One interval, in the table beside the chart.
struct Interval {
    start: String,
    path: String,
    count: String,
    kinds: String,
}

struct List<'a> {
    title: &'static str,
    /// What its rows lead to.
    note: &'static str,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    value: &'a str,
    count: String,
    /// Of the first row, in hundredths.
    share: u64,
    path: String,
}

impl View for Overview {
    fn title(&self) -> String {
        "Overview".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let stats = &self.stats;
        let (start, last) = stats.times();
        let events = |start, last, kind: Option<&EventKind>| frame.path("/events") + &self.query(start, last, kind);
        let chart = Chart::new(&stats.intervals, stats.interval(), events);
        let about = self.about();
        let with_events = stats.intervals.iter().filter(|interval| interval.count > 0);
        let example = |ranked: &Ranked| frame.path(&format!("/events/{}", ranked.example));
        let list = |title, ranked| List { title, note: "the newest one of them", rows: rows(ranked, about, example) };
        OverviewPage {
            frame,
            lengths: self.lengths(frame),
            from: start.to_string(),
            to: last.to_string(),
            figures: self.figures(frame),
            chart: chart.render()?,
            intervals: with_events.map(|interval| interval_row(interval, events)).collect(),
            lists: vec![
                list("Hosts", &stats.hosts),
                list("Paths", &stats.paths),
                list("Elements", &stats.elements),
                List { title: "Not stored, by reason", note: "these", rows: self.reasons(frame) },
            ],
            is_exact: stats.is_exact,
            curl: (self.all == 0).then(|| {
                let url = frame.url("/events");
                format!("curl {url} -H 'Content-Type: application/json' -d '{}'", self.example.replace('\'', r"'\''"))
            }),
            newest: self.newest.filter(|_| stats.count == 0).map(|newest| self.day(newest, frame)),
            json: frame.path("/stats") + &self.same(),
        }
        .render()
    }
}

impl Overview {
    /// The end of a URL that filters a list: these times, and what else the figures are of.
    fn query(&self, start: Timestamp, last: Timestamp, kind: Option<&EventKind>) -> String {
        let (start, last) = (start.to_string(), last.to_string());
        let mut pairs = vec![("start_time", start.as_str()), ("end_time", last.as_str())];
        match kind {
            Some(kind) => {
                pairs.extend(self.others().filter(|(name, _)| !["category", "name"].contains(name)));
                pairs.extend([("category", kind.category.as_str()), ("name", kind.name.as_str())]);
            }
            None => pairs.extend(self.others()),
        }
        query(&pairs)
    }

    /// What the figures are of beside their times.
    fn others(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let filter = &self.filter;
        let others = [
            ("session_id", &filter.session_id),
            ("category", &filter.category),
            ("name", &filter.name),
            ("application", &filter.application),
        ];
        others.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// The end of a URL of the same figures.
    fn same(&self) -> String {
        let (start, end) = self.stats.ends();
        let (start, end) = (start.to_string(), end.to_string());
        let times = match self.last.as_deref() {
            Some(last) => vec![("last", last)],
            None => vec![("start_time", start.as_str()), ("end_time", end.as_str())],
        };
        let interval = [("interval", self.stats.interval().as_str())];
        query(&times.into_iter().chain(interval).chain(self.others()).collect::<Vec<_>>())
    }

    /// What stands before an estimate.
    fn about(&self) -> &'static str {
        if self.stats.is_exact { "" } else { "≈ " }
    }

    fn lengths(&self, frame: &Frame<'_>) -> Vec<(&'static str, String, bool)> {
        let length = |(length, label)| {
            let pairs: Vec<_> = [("last", length)].into_iter().chain(self.others()).collect();
            (label, frame.path("/") + &query(&pairs), self.last.as_deref() == Some(length))
        };
        LENGTHS.into_iter().map(length).collect()
    }

    /// The day of a time, and the way to its figures.
    fn day(&self, time: Timestamp, frame: &Frame<'_>) -> (String, String) {
        let day = time.to_string()[..10].to_owned();
        let end = format!("{day}T23:59:59.999999Z");
        let pairs = [("start_time", day.as_str()), ("end_time", end.as_str())];
        let path = frame.path("/") + &query(&pairs.into_iter().chain(self.others()).collect::<Vec<_>>());
        (day, path)
    }

    fn figures(&self, frame: &Frame<'_>) -> Vec<Figure> {
        let stats = &self.stats;
        let (start, last) = stats.times();
        let here = self.query(start, last, None);
        let rejected = |wanted: RejectedKind| -> u64 {
            stats.rejected.iter().filter(|rows| rows.kind == wanted).map(|rows| rows.count).sum()
        };
        let [refused, buried] = [RejectedKind::Refused, RejectedKind::DeadLetter].map(rejected);
        let not_stored = format!("{} refused, {} dead letters", grouped(refused), grouped(buried));
        let about = self.about();
        let waiting = stats.queue.map_or_else(|| "unknown".to_owned(), |depth| grouped(depth.events));
        let oldest = match stats.queue.and_then(|depth| depth.oldest) {
            Some(_) => format!("the oldest for {}", duration(stats.lag_micros)),
            None => "all is stored".to_owned(),
        };
        let list = |path: &str, query: &str| Some(frame.path(path) + query);
        // Sessions are listed by time and application alone.
        let (first, end) = (start.to_string(), last.to_string());
        let times = [("start_time", first.as_str()), ("end_time", end.as_str())];
        let listed: Vec<_> = times.into_iter().chain(self.others()).collect();
        let sessions =
            list("/sessions", &query(&listed)).filter(|_| self.others().all(|(name, _)| name == "application"));
        let figure = |label, value, note: &str, path| Figure { label, value, note: note.to_owned(), path };
        vec![
            figure("Events", grouped(stats.count), &format!("of {}", grouped(self.all)), list("/events", &here)),
            figure("Sessions", format!("{about}{}", grouped(stats.sessions)), "with these events", sessions),
            figure("Not stored", grouped(refused + buried), &not_stored, list("/rejected", &here)),
            figure("Waiting", waiting, &oldest, None),
            figure("Store", bytes(stats.store_bytes), "on disk", None),
        ]
    }

    fn reasons(&self, frame: &Frame<'_>) -> Vec<Row<'_>> {
        let (start, last) = self.stats.times();
        let (start, last) = (start.to_string(), last.to_string());
        let most = self.stats.rejected.first().map_or(1, |rows| rows.count);
        let mut rows = Vec::new();
        for ReasonCount { reason, count, .. } in self.stats.rejected.iter().take(10) {
            let pairs = [("reason", reason.as_str()), ("start_time", start.as_str()), ("end_time", last.as_str())];
            let path = frame.path("/rejected") + &query(&pairs.into_iter().chain(self.others()).collect::<Vec<_>>());
            rows.push(Row { value: reason, count: grouped(*count), share: share(*count, most), path });
        }
        rows
    }
}

fn rows<'a>(ranked: &'a [Ranked], about: &str, path: impl Fn(&Ranked) -> String) -> Vec<Row<'a>> {
    let most = ranked.first().map_or(1, |first| first.count);
    let mut rows = Vec::with_capacity(ranked.len());
    for ranked in ranked {
        let (count, share) = (format!("{about}{}", grouped(ranked.count)), share(ranked.count, most));
        rows.push(Row { value: &ranked.value, count, share, path: path(ranked) });
    }
    rows
}

/// A part of the whole, in hundredths.
fn share(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100) / whole.max(1)
}

fn interval_row(
    interval: &IntervalStats,
    path: impl Fn(Timestamp, Timestamp, Option<&EventKind>) -> String,
) -> Interval {
    let kind = |(kind, events): &(EventKind, u64)| format!("{} {}: {}", kind.category, kind.name, grouped(*events));
    Interval {
        start: interval.start.to_string()[..16].replace('T', " "),
        path: path(interval.start, interval.last, None),
        count: grouped(interval.count),
        kinds: interval.kinds.iter().map(kind).collect::<Vec<_>>().join(", "),
    }
}
