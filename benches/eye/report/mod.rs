//! What a run found: a line for each comparison, what stands beside it, and the plots.
//!
//! It is printed as it grows, and written into `docs/performance.md` between two marks; what stands
//! around those is written by hand.

mod figure;
mod page;
mod series;

use std::time::Instant;

use crate::machine::Machine;
use crate::plots::Plots;
use crate::scale::Scale;
pub(crate) use figure::{Figure, Rule, Unit, three_digits};
pub(crate) use series::Series;

/// Everything.
pub(crate) struct Report {
    machine: Machine,
    scale: &'static Scale,
    start: Instant,
    rows: Vec<Found>,
}

/// What one row found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) lines: Vec<Line>,
    /// What a reader should know beside the ratios, a sentence or two each.
    pub(crate) notes: Vec<String>,
}

/// One comparison: a line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) work: String,
    pub(crate) against: String,
    pub(crate) figures: Vec<Figure>,
    pub(crate) rule: Rule,
}

impl Report {
    pub(crate) fn new(machine: Machine, scale: &'static Scale) -> Self {
        Self { machine, scale, start: Instant::now(), rows: Vec::new() }
    }

    /// Takes what a row found, and says it.
    pub(crate) fn add(&mut self, found: Found) {
        for line in &found.lines {
            println!(
                "  {} against {}: {} · target {} · {}",
                line.work,
                line.against,
                line.found(),
                line.target(),
                line.verdict()
            );
        }
        for note in &found.notes {
            println!("  {note}");
        }
        self.rows.push(found);
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\n{}", page::machine(self));
        println!("\n{}", page::table(self));
    }

    /// Writes the page and its plots.
    pub(crate) fn write(&self, plots: &Plots) {
        page::write(self, plots);
    }

    /// All comparisons.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.rows.iter().flat_map(|row| &row.lines)
    }
}

impl Found {
    pub(crate) fn line(line: Line) -> Self {
        Self { lines: vec![line], notes: Vec::new() }
    }

    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
