//! The chart of events over time: a drawing of stacked bars, each a link to its events, made here so that it needs no
//! script. What a bar stands for is its name, so that it can be heard, and a line of text that is shown where a pointer
//! or the keyboard is.

use askama::Template;

use super::super::numbers::grouped;
use super::super::pretty::escape;
use super::super::stats::{Interval, IntervalStats, add_up};
use crate::event::{EventKind, Timestamp};

/// The drawing's size and where the bars are in it, in its own units.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 244.0;

/// Series that have a colour of their own; the last one is for all others.
const SERIES: usize = 8;

/// Room for a label at the end of the time.
const LABEL: f64 = 72.0;

/// Labels along the time, at most.
const LABELS: usize = 8;

/// The chart, as a page shows it.
#[derive(Debug, Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    bars: Vec<Bar>,
    /// Heights of lines, with what they stand for.
    lines: Vec<(f64, String)>,
    /// Places along the time, with what they are.
    times: Vec<(f64, String)>,
    legend: Vec<Series>,
    label: String,
}

#[derive(Debug)]
struct Bar {
    x: f64,
    /// To the next one.
    room: f64,
    width: f64,
    parts: Vec<Part>,
    /// What it stands for, in two lines.
    label: [String; 2],
    query: String,
}

/// The events of one series in a bar.
#[derive(Debug)]
struct Part {
    y: f64,
    height: f64,
    series: usize,
}

/// One type of events, or all that have no colour of their own.
#[derive(Debug)]
struct Series {
    name: String,
    events: String,
    /// The filter that leaves them; nothing for the rest.
    query: Option<String>,
}

impl Chart {
    /// Draws intervals. `query` makes the filter of a list from two times and a kind.
    pub(super) fn new(
        intervals: &[IntervalStats],
        interval: Interval,
        query: impl Fn(Timestamp, Timestamp, Option<&EventKind>) -> String,
    ) -> Self {
        let totals = add_up(intervals.iter().flat_map(|interval| &interval.kinds).map(|(kind, events)| (kind, events)));
        let series = |kind: &EventKind| {
            let place = totals.iter().position(|(other, _)| *other == kind).unwrap_or(SERIES);
            if totals.len() > SERIES { place.min(SERIES - 1) } else { place }
        };
        let top = scale(intervals.iter().map(|interval| interval.count).max().unwrap_or_default());
        let height = |events: u64| (BOTTOM - TOP) * events as f64 / top as f64;
        let width = (WIDTH - LEFT) / intervals.len().max(1) as f64;
        let bar = |(index, interval): (usize, &IntervalStats)| {
            let mut y = BOTTOM;
            let mut by_series = [0; SERIES];
            interval.kinds.iter().for_each(|(kind, events)| by_series[series(kind)] += events);
            let parts = by_series.into_iter().enumerate().filter(|(_, events)| *events > 0).map(|(series, events)| {
                y -= height(events);
                Part { y: round(y), height: round(height(events)), series }
            });
            Bar {
                x: round(LEFT + width * index as f64),
                room: round(width),
                width: round(width * 0.86),
                parts: parts.collect(),
                label: label(interval),
                query: query(interval.start, interval.last, None),
            }
        };
        let (first, last) = (intervals.first(), intervals.last());
        let ends = first.zip(last).map(|(first, last)| (first.start, last.last));
        let legend = |(index, (kind, events)): (usize, &(&EventKind, u64))| Series {
            name: match index + 1 == SERIES && totals.len() > SERIES {
                true => format!("{} other types", totals.len() - index),
                false => name(kind),
            },
            events: grouped(match index + 1 == SERIES {
                true => totals[index..].iter().map(|(_, events)| events).sum(),
                false => *events,
            }),
            query: ends
                .filter(|_| index + 1 < SERIES || totals.len() == SERIES)
                .map(|(from, to)| query(from, to, Some(kind))),
        };
        let step = intervals.len().div_ceil(LABELS).max(1);
        let time = |(index, interval_stats): (usize, &IntervalStats)| {
            (round(LEFT + width * index as f64), short(interval_stats.start, interval))
        };
        let count: u64 = intervals.iter().map(|interval| interval.count).sum();
        Self {
            bars: intervals.iter().enumerate().map(bar).collect(),
            lines: (0..=4)
                .map(|quarter| top / 4 * quarter)
                .map(|events| (BOTTOM - height(events), grouped(events)))
                .collect(),
            times: intervals.iter().enumerate().step_by(step).map(time).filter(|(x, _)| *x < WIDTH - LABEL).collect(),
            legend: totals.iter().take(SERIES).enumerate().map(legend).collect(),
            label: format!("{} events, by type and {}", grouped(count), interval.as_str()),
        }
    }
}

/// What a bar stands for, to be heard and read.
fn label(interval: &IntervalStats) -> [String; 2] {
    let kinds = interval.kinds.iter().map(|(kind, events)| format!("{} {}", name(kind), grouped(*events)));
    let events = match interval.count {
        1 => "1 event".to_owned(),
        count => format!("{} events", grouped(count)),
    };
    let times = format!("{} to {} UTC: {events}", minute(interval.start), minute(interval.last));
    [times, kinds.collect::<Vec<_>>().join(", ")]
}

/// To what can be seen of it.
fn round(place: f64) -> f64 {
    (place * 100.0).round() / 100.0
}

fn name(kind: &EventKind) -> String {
    escape(&format!("{} {}", kind.category, kind.name))
}

fn minute(time: Timestamp) -> String {
    time.to_string()[..16].replace('T', " ")
}

/// A time as the axis shows it.
fn short(time: Timestamp, interval: Interval) -> String {
    let text = time.to_string();
    let (date, hour) = (&text[5..10], &text[11..16]);
    match interval {
        Interval::Day => text[..10].to_owned(),
        Interval::Hour => format!("{date} {hour}"),
        Interval::Minute => hour.to_owned(),
    }
}

/// The number at the top of the scale: 4, 8, 12 or 20 and noughts, so that quarters are whole.
fn scale(most: u64) -> u64 {
    let mut ten = 1;
    loop {
        if let Some(top) = [4, 8, 12, 20].map(|digit| digit * ten).into_iter().find(|&top| top >= most) {
            return top;
        }
        ten *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_holds_the_highest_bar_and_has_whole_quarters() {
        for (most, expected) in [(0, 4), (1, 4), (5, 8), (9, 12), (13, 20), (21, 40), (100, 120), (999, 1200)] {
            assert_eq!(scale(most), expected, "{most}");
        }
        assert!(scale(u64::from(u32::MAX)) >= u64::from(u32::MAX));
    }
}
