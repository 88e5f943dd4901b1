//! What `script/bench` was asked for.

use crate::rows::{self, Row};
use crate::scale::Scale;

/// Which rows, how large, and whether the pages are written.
pub(crate) struct Arguments {
    pub(crate) scale: &'static Scale,
    pub(crate) rows: Vec<&'static Row>,
    pub(crate) write: bool,
}

impl Arguments {
    /// From the command line; a row is named by its key or by how that begins.
    pub(crate) fn read() -> Self {
        let (mut scale, mut write, mut names) = (Scale::full(), false, Vec::new());
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                // Cargo says it to every bench.
                "--bench" => (),
                "--quick" => scale = Scale::quick(),
                "--write" => write = true,
                name if rows::ALL.iter().any(|row| row.key.starts_with(name)) => names.push(argument),
                _ => fail(&argument),
            }
        }
        let wanted = |row: &&Row| names.is_empty() || names.iter().any(|name| row.key.starts_with(name.as_str()));
        // The page is about everything, and about the machine at full size.
        write |= names.is_empty() && scale.is_full();
        Self { scale, rows: rows::ALL.iter().filter(wanted).collect(), write }
    }
}

fn fail(argument: &str) -> ! {
    let keys: Vec<_> = rows::ALL.iter().map(|row| row.key).collect();
    eprintln!("`{argument}` is neither --quick nor --write nor a row: {}", keys.join(", "));
    std::process::exit(2)
}
