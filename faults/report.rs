//! What was found: a table for the terminal's end and for `docs/reliability.md`.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::arguments::Scale;
use crate::trial::{Expected, Row};

/// Between these lines of the page is what a run writes.
const BEGIN: &str = "<!-- script/faults writes from here -->";
const END: &str = "<!-- to here -->";

/// All rows of a run.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Takes a row, and says it at once: a long run is watched.
    pub fn add(&mut self, row: Row) {
        println!("  {row}");
        self.rows.push(row);
    }

    /// One line for the end.
    pub fn summary(&self) -> String {
        let acknowledged: u64 = self.rows.iter().map(|row| row.verdict.acknowledged).sum();
        let failed: Vec<_> = self.rows.iter().filter_map(|row| row.failure()).collect();
        let skipped = self.rows.iter().filter(|row| row.skipped.is_some()).count();
        let cycles: u64 = self.rows.iter().map(|row| row.cycles).sum();
        format!(
            "{cycles} faults, {acknowledged} events acknowledged; {} rows passed, {} failed, {skipped} skipped",
            self.rows.len() - failed.len() - skipped,
            failed.len()
        )
    }

    pub fn exit_code(&self) -> ExitCode {
        match self.rows.iter().any(|row| row.failure().is_some()) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }

    /// Puts the table into the page.
    pub fn write(&self, scale: &Scale) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(BEGIN).expect("the page says where the table begins");
        let (_, after) = rest.split_once(END).expect("the page says where the table ends");
        std::fs::write(&path, format!("{before}{BEGIN}\n{}{END}{after}", self.table(scale))).unwrap();
    }

    fn table(&self, scale: &Scale) -> String {
        let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().unwrap().stdout;
        let mut text = format!(
            "{} form, commit {}, {}: {}.\n\n",
            if scale.quick { "Short" } else { "Long" },
            String::from_utf8(commit).unwrap().trim(),
            &the_eye::clock::Clock::System.now().to_string()[..10],
            self.summary()
        );
        text.push_str(
            "| fault | queue → store | times | acknowledged | lost | duplicates | phantoms | altered | went on after (median, worst) | peak memory | |\n\
             | --- | --- | --: | --: | --: | --: | --: | --: | --- | --: | --- |\n",
        );
        for row in &self.rows {
            let pair = row.pair.map(|pair| pair.to_string()).unwrap_or_default();
            if let Some(why) = &row.skipped {
                writeln!(text, "| {} | {pair} | not run: {why} | | | | | | | | |", row.fault).unwrap();
                continue;
            }
            let verdict = &row.verdict;
            let recovery =
                row.recovery().map(|(median, worst)| format!("{median:.2} s, {worst:.2} s")).unwrap_or_default();
            let mut notes = row.notes.clone();
            if row.expected == Expected::Loss {
                notes.push("control: has to lose".to_owned());
            }
            notes.extend(row.failure().map(|failure| format!("**failed**: {failure:.200}")));
            writeln!(
                text,
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
            .unwrap();
        }
        text
    }
}
