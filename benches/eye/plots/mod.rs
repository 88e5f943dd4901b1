//! The plots of the page, as SVG that follows the reader's light or dark background.

mod axis;
mod dumbbells;
mod lines;
mod svg;
mod targets;

use std::path::Path;

use crate::load::Latencies;
use crate::report::{Figure, Report, Rule};
use crate::rows::Slices;
use crate::scale::Scale;
use axis::Axis;
use dumbbells::Dumbbells;
use lines::{Curve, Lines};
use svg::Colour;
use targets::Bar;

/// What rows leave for the plots; a row that did not run has none.
#[derive(Debug, Default)]
pub(crate) struct Plots {
    pub(crate) sqlite_store: Option<Slices>,
    pub(crate) sqlite_http: Option<Slices>,
    pub(crate) postgres_store: Option<Slices>,
    pub(crate) postgres_http: Option<Slices>,
    /// Of POST in the open loop, and of a write and fdatasync.
    pub(crate) latencies: Option<(Latencies, Latencies)>,
    /// p99 of each filter, at the small and at the large size.
    pub(crate) lists: Option<Vec<(&'static str, [f64; 2])>>,
}

impl Plots {
    /// Writes each plot there is something for, and says the names of the files and what they show.
    pub(crate) fn write(&self, folder: &Path, report: &Report, scale: &Scale) -> Vec<(&'static str, &'static str)> {
        let bars = report.lines().filter_map(|line| {
            let best = |one: &f64, other: &f64| one.total_cmp(other);
            let reached = line.figures.iter().filter_map(Figure::reached);
            let reached = if line.rule == Rule::Any { reached.max_by(best) } else { reached.min_by(best) };
            let label = format!("{} (target {})", line.medians(), line.target());
            Some(Bar { name: line.work.clone(), reached: reached?, label })
        });
        let latencies = self.latencies.as_ref().map(|(posts, flushes)| percentiles(posts, flushes));
        let plots = [
            ("targets", "Each figure against its target", Some(targets::draw(&bars.collect::<Vec<_>>()))),
            (
                "sustained-sqlite",
                "Rate by events stored, SQLite",
                sustained("SQLite", "insert without an index", [&self.sqlite_store, &self.sqlite_http], scale),
            ),
            (
                "sustained-postgres",
                "Rate by events stored, PostgreSQL",
                sustained("PostgreSQL", "\\copy without an index", [&self.postgres_store, &self.postgres_http], scale),
            ),
            ("latency", "Latency of POST at half the peak rate, open loop", latencies),
            ("lists", "p99 of GET /events by filter", self.lists.as_ref().map(|lists| by_filter(lists, scale))),
        ];
        let mut written = Vec::new();
        for (name, title, drawn) in plots {
            if let Some(drawn) = drawn {
                std::fs::write(folder.join(format!("{name}.svg")), drawn).unwrap();
                written.push((name, title));
            }
        }
        written
    }
}

/// Rates slice by slice.
fn sustained(store: &str, bare: &str, [alone, http]: [&Option<Slices>; 2], scale: &Scale) -> Option<String> {
    let millions = |slices: &crate::report::Series| {
        let stored = |at: usize| (at + 1) as f64 * scale.slice as f64 / 1e6;
        slices.values().iter().enumerate().map(|(at, rate)| (stored(at), rate / 1e3)).collect::<Vec<_>>()
    };
    let any = alone.as_ref().or(http.as_ref())?;
    let mut curves = vec![Curve { name: bare.to_owned(), colour: Colour::Grey, points: millions(&any.bare) }];
    for (slices, name, colour) in
        [(alone, "the store alone", Colour::Blue), (http, "over HTTP until stored", Colour::Orange)]
    {
        if let Some(slices) = slices {
            curves.push(Curve { name: name.to_owned(), colour, points: millions(&slices.eye) });
        }
    }
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let last = points().map(|(stored, _)| *stored).fold(0.0, f64::max);
    let lines = Lines {
        title: format!("Sustained rate, {store}"),
        subtitle: "thousand events a second, each slice of the run beside the same rows without an index".to_owned(),
        below: "million events stored".to_owned(),
        x: Axis::linear(0.0, last),
        y: Axis::linear(0.0, most),
        curves,
    };
    Some(lines.draw())
}

/// Percentiles, each nine as far from the next.
fn percentiles(posts: &Latencies, flushes: &Latencies) -> String {
    let quantiles = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999];
    let curve = |name: &str, colour, latencies: &Latencies| {
        // A percentile of fewer than ten requests says nothing.
        let known = quantiles.iter().filter(|quantile| (1.0 - *quantile) * latencies.count() as f64 >= 10.0);
        let points = known.map(|quantile| (1.0 / (1.0 - quantile), latencies.at(*quantile))).collect();
        Curve { name: name.to_owned(), colour, points }
    };
    let curves = vec![curve("POST", Colour::Blue, posts), curve("write and fdatasync", Colour::Grey, flushes)];
    let all = || curves.iter().flat_map(|curve| &curve.points).map(|(_, latency)| *latency);
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    let nines = [(1.0, "0"), (2.0, "50%"), (10.0, "90%"), (100.0, "99%"), (1000.0, "99.9%"), (10_000.0, "99.99%")];
    let lines = Lines {
        title: "Latency of a POST at half the peak rate".to_owned(),
        subtitle: "milliseconds from when the request was due, open loop".to_owned(),
        below: "share of the requests that were faster".to_owned(),
        x: Axis::logarithmic(1.0, 10_000.0).marks(nines.map(|(at, text)| (at, text.to_owned()))),
        y: Axis::logarithmic(least, most),
        curves,
    };
    lines.draw()
}

fn by_filter(lists: &[(&'static str, [f64; 2])], scale: &Scale) -> String {
    let size = |events: u64| match events {
        1_000_000.. => format!("{} million", events / 1_000_000),
        _ => format!("{} thousand", events / 1000),
    };
    let dumbbells = Dumbbells {
        title: "GET /events by filter".to_owned(),
        subtitle: "p99 in milliseconds, count and first page".to_owned(),
        sides: [scale.small, scale.sqlite].map(|events| format!("{} events", size(events))),
        limit: (10.0, "target: 10 ms".to_owned()),
        rows: lists.iter().map(|(name, p99)| ((*name).to_owned(), *p99)).collect(),
    };
    dumbbells.draw()
}
