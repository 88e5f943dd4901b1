//! Two values for each name on one axis, joined by a line, and a limit across.

use super::axis::Axis;
use super::svg::{Anchor, Colour, Svg};
use crate::report::three_digits;

const WIDTH: f64 = 820.0;
const LEFT: f64 = 240.0;
const RIGHT: f64 = 70.0;
const TOP: f64 = 100.0;
const ROW: f64 = 30.0;

/// The plot.
#[derive(Debug)]
pub(super) struct Dumbbells {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) sides: [String; 2],
    pub(super) limit: (f64, String),
    pub(super) rows: Vec<(String, [f64; 2])>,
}

impl Dumbbells {
    pub(super) fn draw(&self) -> String {
        let ground = TOP + self.rows.len() as f64 * ROW;
        let mut svg = Svg::new(WIDTH, ground + 46.0, &self.title, &self.subtitle);
        let all = || self.rows.iter().flat_map(|(_, values)| values).copied();
        let most = all().fold(self.limit.0, f64::max);
        let axis = Axis::logarithmic(all().fold(self.limit.0, f64::min), most);
        let x = |place: f64| LEFT + place * (WIDTH - RIGHT - LEFT);
        for (place, text) in axis.ticks() {
            svg.line((x(place), TOP), (x(place), ground), "grid");
            svg.text((x(place), ground + 18.0), Anchor::Middle, "muted small", text);
        }
        let limit = x(axis.place(self.limit.0));
        svg.line((limit, TOP - 6.0), (limit, ground), "limit");
        svg.text((limit, TOP - 12.0), Anchor::Middle, "small muted", &self.limit.1);
        for (row, (name, values)) in self.rows.iter().enumerate() {
            let y = TOP + (row as f64 + 0.5) * ROW;
            let [small, large] = values.map(|value| (x(axis.place(value)), y));
            svg.text((LEFT - 16.0, y + 4.5), Anchor::End, "", name);
            svg.line(small, large, "axis");
            svg.dot(small, 5.0, Colour::Grey);
            let colour = if values[1] <= self.limit.0 { Colour::Blue } else { Colour::Orange };
            svg.dot(large, 6.0, colour);
            let right = small.0.max(large.0) + 11.0;
            svg.text(
                (right, y + 4.5),
                Anchor::Start,
                &format!("small halo {}", colour.fill()),
                &three_digits(values[1]),
            );
        }
        self.legend(&mut svg);
        svg.end()
    }

    /// Which dot is which.
    fn legend(&self, svg: &mut Svg) {
        for (colour, name, x) in [(Colour::Grey, &self.sides[0], 26.0), (Colour::Blue, &self.sides[1], 176.0)] {
            svg.dot((x, 72.0), 5.0, colour);
            svg.text((x + 11.0, 76.5), Anchor::Start, "small", name);
        }
    }
}
