//! The page: the table and the notes as Markdown, put between the two marks.

use std::path::{Path, PathBuf};

use super::Report;
use crate::plots::Plots;
use crate::scale::ROUNDS;

const BEGIN: &str = "<!-- script/bench: begin -->";
const END: &str = "<!-- script/bench: end -->";

pub(super) fn write(report: &Report, plots: &Plots) {
    let (page, folder) = (docs().join("performance.md"), docs().join("performance"));
    std::fs::create_dir_all(&folder).unwrap();
    let plots = plots.write(&folder, report, report.scale);
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has a mark where this begins");
    let (_, after) = rest.split_once(END).expect("the page has a mark where this ends");
    let notes: String = report.rows.iter().flat_map(|row| &row.notes).map(|note| format!("- {note}\n")).collect();
    let plots: String = plots.iter().map(|(name, title)| format!("![{title}](performance/{name}.svg)\n\n")).collect();
    let found = format!("{}\n\n{}\n{notes}\n{plots}", machine(report), table(report));
    std::fs::write(&page, format!("{before}{BEGIN}\n\n{found}{END}{after}")).unwrap();
}

/// What the run was, in two sentences.
pub(super) fn machine(report: &Report) -> String {
    let Report { machine, scale, start, .. } = report;
    let size =
        if scale.is_full() { "" } else { " **At a small scale: it shows that the bench works, and nothing else.**" };
    let servers = [("PostgreSQL", &machine.postgres), ("Redis", &machine.redis)];
    let servers =
        servers.map(|(name, version)| version.as_ref().map_or(String::new(), |version| format!(", {name} {version}")));
    format!(
        "{} of {}: {} cores, {}, {}, SQLite {}{}, {:.0} minutes.{size} Medians of {ROUNDS} rounds that alternate the sides \
         (least–most in brackets); where a run is cut into slices, each slice is a round.",
        machine.day,
        machine.commit,
        machine.cores,
        machine.kernel,
        machine.disk,
        machine.sqlite,
        servers.concat(),
        start.elapsed().as_secs_f64() / 60.0,
    )
}

/// The table, its columns as wide as they have to be.
pub(super) fn table(report: &Report) -> String {
    let mut rows = vec![["work", "against", "found", "target", ""].map(str::to_owned)];
    for line in report.lines() {
        rows.push([
            line.work.clone(),
            line.against.clone(),
            line.found(),
            line.target(),
            match line.verdict() {
                "missed" => "**missed**".to_owned(),
                verdict => verdict.to_owned(),
            },
        ]);
    }
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap());
    rows.insert(1, widths.map(|width| "-".repeat(width.max(3))));
    let cells = |row: &[String; 5]| -> String {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    rows.iter().map(cells).collect()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}
