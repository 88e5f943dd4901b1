//! Curves over an axis, each with its name at its end.

use super::axis::Axis;
use super::svg::{Anchor, Colour, Svg};

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 74.0;
const BOTTOM: f64 = 56.0;

/// Names of curves are at least so far apart.
const APART: f64 = 17.0;

/// The plot.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) below: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) curves: Vec<Curve>,
}

/// One curve.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) colour: Colour,
    pub(super) points: Vec<(f64, f64)>,
}

impl Lines {
    pub(super) fn draw(&self) -> String {
        let mut svg = Svg::new(WIDTH, HEIGHT, &self.title, &self.subtitle);
        let (end, ground) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let x = |place: f64| LEFT + place * (end - LEFT);
        let y = |place: f64| ground - place * (ground - TOP);
        for (place, text) in self.y.ticks() {
            svg.line((LEFT, y(place)), (end, y(place)), if place > 0.0 { "grid" } else { "axis" });
            svg.text((LEFT - 10.0, y(place) + 4.5), Anchor::End, "muted small", text);
        }
        for (place, text) in self.x.ticks() {
            svg.line((x(place), ground), (x(place), ground + 5.0), "axis");
            svg.text((x(place), ground + 20.0), Anchor::Middle, "muted small", text);
        }
        svg.text((f64::midpoint(LEFT, end), ground + 42.0), Anchor::Middle, "muted", &self.below);
        let mut names = Vec::new();
        for Curve { name, colour, points } in &self.curves {
            let points: Vec<_> =
                points.iter().map(|(at, value)| (x(self.x.place(*at)), y(self.y.place(*value)))).collect();
            svg.curve(&points, *colour);
            let last = points.last().copied().unwrap_or_default();
            svg.dot(last, 4.0, *colour);
            names.push((last, name, *colour));
        }
        // From the highest down, each below the one before.
        names.sort_by(|(one, ..), (other, ..)| one.1.total_cmp(&other.1));
        let mut least = f64::MIN;
        for ((_, height), name, colour) in names {
            let height = (height + 4.5).max(least);
            svg.text((end + 12.0, height), Anchor::Start, &format!("strong {}", colour.fill()), name);
            least = height + APART;
        }
        svg.end()
    }
}
