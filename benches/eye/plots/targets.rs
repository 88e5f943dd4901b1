//! Every figure beside its target: a bar to the right says how much better it is, one to the left how
//! much is missing.

use super::svg::{Anchor, Colour, Svg};

const WIDTH: f64 = 1130.0;
const MIDDLE: f64 = 630.0;
const LEFT: f64 = 455.0;
const TOP: f64 = 92.0;
const ROW: f64 = 24.0;

/// Width of a factor of two, and the largest factor that is drawn as long as it is.
const DOUBLE: f64 = 40.0;
const MOST: f64 = 16.0;

/// One figure.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    /// 1 is the target, 2 twice as good.
    pub(super) reached: f64,
    pub(super) label: String,
}

pub(super) fn draw(bars: &[Bar]) -> String {
    let ground = TOP + bars.len() as f64 * ROW;
    let subtitle = "the dashed line is the target; each step to the right is twice as good, each to the left half";
    let mut svg = Svg::new(WIDTH, ground + 26.0, "Found, against the targets", subtitle);
    for step in -4..=4 {
        let x = MIDDLE + f64::from(step) * DOUBLE;
        let factor = if step < 0 { format!("1/{}", 1 << -step) } else { format!("{}×", 1 << step) };
        svg.line((x, TOP), (x, ground), if step == 0 { "limit" } else { "grid" });
        svg.text((x, TOP - 8.0), Anchor::Middle, "muted small", &factor);
    }
    for (row, bar) in bars.iter().enumerate() {
        let y = TOP + row as f64 * ROW;
        let length = bar.reached.clamp(1.0 / MOST, MOST).log2() * DOUBLE;
        let colour = if bar.reached >= 1.0 { Colour::Blue } else { Colour::Orange };
        let (x, width) = (MIDDLE + length.min(0.0), length.abs().max(1.5));
        svg.bar((x, y + 6.0), (width, ROW - 12.0), colour);
        svg.text((LEFT - 2.0, y + 16.5), Anchor::End, "small", &bar.name);
        svg.text((MIDDLE + MOST.log2() * DOUBLE + 12.0, y + 16.5), Anchor::Start, "small muted", &bar.label);
    }
    svg.end()
}
