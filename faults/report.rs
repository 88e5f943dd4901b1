//! What was found: a table for the terminal's end and for `docs/reliability.md`.

use std::path::Path;
use std::process::ExitCode;

use crate::arguments::Scale;
use crate::cases::Case;
use crate::trial::{Expected, Row};

/// Between these lines of the page is what a run writes.
const BEGIN: &str = "<!-- script/faults writes from here -->";
const END: &str = "<!-- to here -->";

const HEAD: &str = "\
| fault | queue → store | times | acknowledged | lost | duplicates | phantoms | altered | went on after: median, worst | peak memory | |
| --- | --- | --: | --: | --: | --: | --: | --: | --- | --: | --- |
";

/// All rows of a run.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    /// Cases that came to no end.
    panics: usize,
    page: Option<Scale>,
}

impl Report {
    /// One that goes into the page, a row at a time.
    pub fn written(scale: Scale) -> Self {
        Self { page: Some(scale), ..Self::default() }
    }

    /// Takes a row, says it and writes it down at once: a long run is watched, and may be ended.
    pub fn add(&mut self, row: Row) {
        println!("  {row}");
        self.rows.push(row);
        if let Some(scale) = self.page {
            self.write(&scale);
        }
    }

    /// Takes down a case that could not be brought to its end.
    pub fn add_panic(&mut self, case: &Case) {
        println!("    FAILED: {} came to no end", case.name);
        self.panics += 1;
    }

    /// One line for the end.
    pub fn summary(&self) -> String {
        let acknowledged: u64 = self.rows.iter().map(|row| row.verdict.acknowledged).sum();
        let failed: Vec<_> = self.rows.iter().filter_map(Row::failure).collect();
        let skipped = self.rows.iter().filter(|row| row.skipped.is_some()).count();
        let cycles: u64 = self.rows.iter().map(|row| row.cycles).sum();
        format!(
            "{cycles} faults, {acknowledged} events acknowledged; {} rows passed, {} failed, {skipped} skipped",
            self.rows.len() - failed.len() - skipped,
            failed.len() + self.panics
        )
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.panics > 0 || self.rows.iter().any(|row| row.failure().is_some()) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }

    /// Puts the rows into the page's table, in the place of those of the same fault on the same pair.
    fn write(&self, scale: &Scale) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page says where the table begins");
        let (table, after) = rest.split_once(END).expect("the page says where the table ends");
        let new: Vec<String> = self.rows.iter().map(|row| line(row, scale)).collect();
        let key = |line: &str| line.split('|').skip(1).take(2).map(str::trim).collect::<Vec<_>>().join("|");
        let is_old = |line: &&str| !new.iter().any(|new| key(new) == key(line));
        let known = table.lines().filter(|line| line.starts_with("| ")).skip(2).filter(is_old).map(str::to_owned);
        let lines: Vec<String> = known.chain(new.iter().cloned()).collect();
        let cell =
            |line: &String, at: usize| line.split('|').nth(at).unwrap_or_default().trim().parse().unwrap_or(0_u64);
        let sum = |at| lines.iter().map(|line| cell(line, at)).sum::<u64>();
        let text =
            format!("{BEGIN}\n{} faults, {} events acknowledged.\n\n{HEAD}{}\n{END}", sum(3), sum(4), lines.join("\n"));
        std::fs::write(&path, format!("{before}{text}{after}")).unwrap();
    }
}

fn line(row: &Row, scale: &Scale) -> String {
    let pair = row.pair.map(|pair| pair.to_string()).unwrap_or_default();
    if let Some(why) = &row.skipped {
        return format!("| {} | {pair} | not run: {why} | | | | | | | | |", row.fault);
    }
    let verdict = &row.verdict;
    let recovery = row.recovery().map(|(median, worst)| format!("{median:.2} s, {worst:.2} s")).unwrap_or_default();
    let mut notes = row.notes.clone();
    if row.expected == Expected::Loss {
        notes.push("control: has to lose".to_owned());
    }
    notes.extend(scale.quick.then(|| "short form".to_owned()));
    notes.extend(row.failure().map(|failure| format!("**failed**: {failure:.200}")));
    let notes: Vec<_> = notes.iter().map(|note| note.replace(['|', '\n'], " ")).collect();
    format!(
        "| {} | {pair} | {} | {} | {} | {} | {} | {} | {recovery} | {} MB | {} |",
        row.fault,
        row.cycles,
        verdict.acknowledged,
        verdict.lost,
        verdict.duplicates,
        verdict.phantoms,
        verdict.altered,
        row.peak >> 20,
        notes.join("; ")
    )
}
