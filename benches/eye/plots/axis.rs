//! An axis: from values to places, and the values that are marked.

use crate::report::three_digits;

/// From 0 at its beginning to 1 at its end.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    logarithmic: bool,
    marks: Vec<(f64, String)>,
}

impl Axis {
    /// Ends at a round number at or behind `to`.
    pub(super) fn linear(from: f64, to: f64) -> Self {
        let step = round_step((to - from) / 5.0);
        let steps = ((to - from) / step).ceil();
        let marks = (0..=steps as u32).map(|at| from + f64::from(at) * step);
        let marks = marks.map(|value| (value, three_digits(value))).collect();
        Self { from, to: from + steps * step, logarithmic: false, marks }
    }

    /// Between powers of ten around the two, marked at 1, 2 and 5.
    pub(super) fn logarithmic(from: f64, to: f64) -> Self {
        let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        let all = (first..=last).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        let below = all.clone().rfind(|value| *value <= from * 1.001).unwrap_or(from);
        let above = all.clone().find(|value| *value >= to * 0.999).unwrap_or(to);
        let marks = all.filter(|value| (below..=above).contains(value)).map(|value| (value, three_digits(value)));
        Self { from: below, to: above, logarithmic: true, marks: marks.collect() }
    }

    /// The same with other marks.
    pub(super) fn marks(self, marks: impl IntoIterator<Item = (f64, String)>) -> Self {
        Self { marks: marks.into_iter().collect(), ..self }
    }

    /// Where a value is.
    pub(super) fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.log10() } else { value };
        ((scale(value) - scale(self.from)) / (scale(self.to) - scale(self.from))).clamp(0.0, 1.0)
    }

    /// The marks with their places.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, &str)> {
        self.marks.iter().map(|(value, text)| (self.place(*value), text.as_str()))
    }
}

/// The next of 1, 2, 2.5, 5 and 10 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|digit| digit * power);
    steps.into_iter().find(|step| *step >= least * 0.999).unwrap_or(least)
}
