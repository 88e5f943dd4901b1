//! `GET /stats`: what a stretch of time adds up to.
//!
//! Counts by kind and interval are sums of the store's counters, and exact. What nobody counts (sessions, hosts,
//! paths, elements) is estimated from a sample, and said to be. So the answer hardly costs more where there are many
//! events.

mod json;
mod range;
mod top;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;

use super::App;
use super::answer::Answer;
use super::error::Error;
use super::gate::Caller;
use super::list::{check_format, filter};
use super::params::Params;
use crate::event::{Errors, EventKind, Timestamp};
use crate::queue::Depth;
use crate::store::{Counts, Filter, Intervals, ReasonCount};
pub(super) use range::Interval;
use range::{Range, before};
pub(super) use top::Ranked;
use top::{Field, Tops};

/// What `/stats` may be asked for.
pub(super) const KNOWN: [&str; 10] = [
    "start_time",
    "end_time",
    "last",
    "interval",
    "group_by",
    "session_id",
    "category",
    "name",
    "application",
    "format",
];

/// How long a stretch is that nobody says the beginning of.
const BY_DEFAULT: &str = "24h";

/// Events of a sample, values of a top list, and groups.
const SAMPLE: u32 = 5000;
const TOP: usize = 10;
const GROUPS: usize = 100;

/// A request for figures.
#[derive(Debug)]
pub(super) struct StatsRequest {
    range: Range,
    group_by: GroupBy,
    pub(super) filter: Filter,
    /// The length that was asked for, if it was by that.
    pub(super) last: Option<String>,
}

/// What groups tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GroupBy {
    Type,
    Category,
    Name,
    Sampled(Field),
}

/// The figures of a stretch of time.
#[derive(Debug)]
pub(super) struct Stats {
    range: Range,
    group_by: GroupBy,
    /// Events, exactly.
    pub(super) count: u64,
    pub(super) sessions: u64,
    /// Whether what follows from the sample is exact.
    pub(super) is_exact: bool,
    pub(super) intervals: Vec<IntervalStats>,
    groups: Vec<(String, u64)>,
    pub(super) hosts: Vec<Ranked>,
    pub(super) paths: Vec<Ranked>,
    pub(super) elements: Vec<Ranked>,
    pub(super) rejected: Vec<ReasonCount>,
    /// What waits; nothing if the queue cannot be asked.
    pub(super) queue: Option<Depth>,
    /// How long the oldest event has waited.
    pub(super) lag_micros: i64,
    pub(super) store_bytes: u64,
}

/// The events of one interval.
#[derive(Debug)]
pub(super) struct IntervalStats {
    pub(super) start: Timestamp,
    /// The last microsecond of it.
    pub(super) last: Timestamp,
    pub(super) count: u64,
    /// By kind, the most first.
    pub(super) kinds: Vec<(EventKind, u64)>,
}

/// The figures as JSON.
pub(super) async fn get(State(app): State<App>, caller: Caller, RawQuery(query): RawQuery) -> Result<Answer, Error> {
    let request = StatsRequest::parse(&app, &caller, query.as_deref())?;
    let stats = Stats::of(&app, request).await?;
    Ok(Answer::new(StatusCode::OK, stats.to_json(app.settings.timestamp_format)))
}

impl StatsRequest {
    /// Reads the parameters of a request, and leaves no more of it than its caller sees.
    pub(super) fn parse(app: &App, caller: &Caller, query: Option<&str>) -> Result<Self, Error> {
        let params = Params::parse(query, &KNOWN)?;
        let mut errors = Errors::default();
        check_format(&params, &mut errors);
        let group_by = group_by(&params, &mut errors);
        let range = Range::of(&params, app.clock.now(), &mut errors);
        let Some(range) = range else { return Err(Error::Invalid(errors)) };
        // Times are what it might find fault with, and those are sound.
        let mut none = Errors::default();
        let mut filter = Filter {
            start_time: Some(range.start),
            end_time: Some(range.last_time()),
            ..filter(&params, &app.catalog, &mut none)
        };
        caller.narrow(&mut filter)?;
        let last = match (params.get("last"), params.get("start_time")) {
            (None, None) => Some(BY_DEFAULT),
            (last, _) => last,
        };
        Ok(Self { range, group_by, filter, last: last.map(str::to_owned) })
    }
}

fn group_by(params: &Params, errors: &mut Errors) -> GroupBy {
    match params.get("group_by") {
        None => GroupBy::Type,
        Some(word) => GroupBy::ALL.into_iter().find(|by| by.as_str() == word).unwrap_or_else(|| {
            errors.add(["group_by"], "Expected one of: type, category, name, host, path, element.");
            GroupBy::Type
        }),
    }
}

impl Stats {
    /// Asks the store and the queue.
    pub(super) async fn of(app: &App, request: StatsRequest) -> Result<Self, Error> {
        let StatsRequest { range, group_by, filter, .. } = request;
        let edges = range.edges();
        let (counts, sample, rejected, store_bytes) = tokio::try_join!(
            app.store.counts(Intervals { filter: filter.clone(), edges: edges.clone() }),
            app.store.sample(filter.clone(), SAMPLE),
            app.store.rejected_by_reason(filter),
            app.store.size(),
        )?;
        let queue = app.queue.depth().await.ok();
        let oldest = queue.and_then(|depth| depth.oldest);
        let waited = oldest.map_or(0, |oldest| (app.clock.now().as_micros() - oldest.as_micros()).max(0));
        let intervals: Vec<_> = edges.windows(2).zip(counts).map(|(ends, counts)| interval(ends, &counts)).collect();
        let tops = Tops::of(&sample);
        Ok(Self {
            range,
            group_by,
            count: intervals.iter().map(|interval| interval.count).sum(),
            sessions: sample.sessions(),
            is_exact: sample.is_whole(),
            groups: groups(&intervals, group_by, &tops),
            hosts: tops.first(Field::Host, TOP),
            paths: tops.first(Field::Path, TOP),
            elements: tops.first(Field::Element, TOP),
            intervals,
            rejected,
            queue,
            lag_micros: waited,
            store_bytes,
        })
    }

    /// The first microsecond of the stretch, and the last one.
    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        (self.range.start, self.range.last_time())
    }

    /// Where the stretch begins, and where it ends: that is not included.
    pub(super) fn ends(&self) -> (Timestamp, Timestamp) {
        (self.range.start, self.range.end)
    }

    /// What an interval is called.
    pub(super) fn interval(&self) -> Interval {
        self.range.interval
    }
}

fn interval(ends: &[Timestamp], counts: &Counts) -> IntervalStats {
    let mut kinds: Vec<(EventKind, u64)> = counts.iter().map(|(kind, events)| ((**kind).clone(), *events)).collect();
    kinds.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
    IntervalStats { start: ends[0], last: before(ends[1]), count: kinds.iter().map(|(_, events)| events).sum(), kinds }
}

/// Adds up to pairs of a name and events, the most first.
pub(super) fn add_up<'a, K: Ord>(counts: impl Iterator<Item = (K, &'a u64)>) -> Vec<(K, u64)> {
    let mut sums = BTreeMap::new();
    for (key, events) in counts {
        *sums.entry(key).or_insert(0) += events;
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    // Stable: of as many, by name.
    sums.sort_by_key(|(_, events)| Reverse(*events));
    sums
}

impl GroupBy {
    const ALL: [Self; 6] = [
        Self::Type,
        Self::Category,
        Self::Name,
        Self::Sampled(Field::Host),
        Self::Sampled(Field::Path),
        Self::Sampled(Field::Element),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Category => "category",
            Self::Name => "name",
            Self::Sampled(Field::Host) => "host",
            Self::Sampled(Field::Path) => "path",
            Self::Sampled(Field::Element) => "element",
        }
    }

    /// The group of a kind, if kinds are what it tells apart.
    fn name(self, kind: &EventKind) -> Option<String> {
        match self {
            Self::Type => Some(format!("{} - {}", kind.category, kind.name)),
            Self::Category => Some(kind.category.clone()),
            Self::Name => Some(kind.name.clone()),
            Self::Sampled(_) => None,
        }
    }
}

fn groups(intervals: &[IntervalStats], by: GroupBy, tops: &Tops) -> Vec<(String, u64)> {
    if let GroupBy::Sampled(field) = by {
        return tops.first(field, GROUPS).into_iter().map(|Ranked { value, count, .. }| (value, count)).collect();
    }
    let kinds = intervals.iter().flat_map(|interval| &interval.kinds);
    let mut groups = add_up(kinds.filter_map(|(kind, events)| Some((by.name(kind)?, events))));
    groups.truncate(GROUPS);
    groups
}
