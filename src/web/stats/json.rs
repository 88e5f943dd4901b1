//! The figures as `GET /stats` shows them.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{GroupBy, IntervalStats, Ranked, Stats, add_up};
use crate::event::TimestampFormat;
use crate::store::ReasonCount;

#[derive(Serialize)]
struct StatsJson<'a> {
    start_time: String,
    end_time: String,
    interval: &'static str,
    group_by: &'static str,
    count: u64,
    sessions: Estimate,
    groups: Groups<'a>,
    intervals: Vec<IntervalJson>,
    top: Top<'a>,
    rejected: Vec<Rejected<'a>>,
    queue: Option<Queue>,
    store: Store,
}

#[derive(Serialize)]
struct Estimate {
    count: u64,
    approximate: bool,
}

#[derive(Serialize)]
struct Groups<'a> {
    approximate: bool,
    values: Vec<Value<'a>>,
}

#[derive(Serialize)]
struct Value<'a> {
    value: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct IntervalJson {
    start_time: String,
    count: u64,
    #[serde(serialize_with = "in_order")]
    groups: Vec<(String, u64)>,
}

#[derive(Serialize)]
struct Top<'a> {
    approximate: bool,
    hosts: Vec<Value<'a>>,
    paths: Vec<Value<'a>>,
    elements: Vec<Value<'a>>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    kind: &'static str,
    reason: &'a str,
    count: u64,
}

#[derive(Serialize)]
struct Queue {
    events: u64,
    bytes: u64,
    rejected: u64,
    oldest: Option<String>,
    lag_seconds: f64,
}

#[derive(Serialize)]
struct Store {
    bytes: u64,
}

impl Stats {
    /// The answer's body.
    pub(super) fn to_json(&self, format: TimestampFormat) -> String {
        let approximate = !self.is_exact;
        let is_sampled = matches!(self.group_by, GroupBy::Sampled(_));
        let json = StatsJson {
            start_time: self.range.start.format(format),
            end_time: self.range.end.format(format),
            interval: self.range.interval.as_str(),
            group_by: self.group_by.as_str(),
            count: self.count,
            sessions: Estimate { count: self.sessions, approximate },
            groups: Groups {
                approximate: is_sampled && approximate,
                values: self.groups.iter().map(|(value, count)| Value { value, count: *count }).collect(),
            },
            intervals: self.intervals.iter().map(|interval| self.interval_json(interval, format)).collect(),
            top: Top {
                approximate,
                hosts: values(&self.hosts),
                paths: values(&self.paths),
                elements: values(&self.elements),
            },
            rejected: self.rejected.iter().map(rejected).collect(),
            queue: self.queue.map(|depth| Queue {
                events: depth.events,
                bytes: depth.bytes,
                rejected: depth.rejected,
                oldest: depth.oldest.map(|oldest| oldest.format(format)),
                lag_seconds: self.lag_micros as f64 / 1e6,
            }),
            store: Store { bytes: self.store_bytes },
        };
        serde_json::to_string(&json).expect("texts and numbers are JSON")
    }

    fn interval_json(&self, interval: &IntervalStats, format: TimestampFormat) -> IntervalJson {
        let groups = interval.kinds.iter().filter_map(|(kind, events)| Some((self.group_by.name(kind)?, events)));
        IntervalJson { start_time: interval.start.format(format), count: interval.count, groups: add_up(groups) }
    }
}

fn values(ranked: &[Ranked]) -> Vec<Value<'_>> {
    ranked.iter().map(|Ranked { value, count, .. }| Value { value, count: *count }).collect()
}

fn rejected(rows: &ReasonCount) -> Rejected<'_> {
    Rejected { kind: rows.kind.as_str(), reason: &rows.reason, count: rows.count }
}

/// Pairs as an object that keeps their order.
fn in_order<S: Serializer>(pairs: &[(String, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (key, value) in pairs {
        map.serialize_entry(key, value)?;
    }
    map.end()
}
