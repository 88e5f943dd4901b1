//! `the-eye rescue`: what can still be read of a damaged database file.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::eye;
use crate::sqlite::Rescued;

/// What `rescue` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    /// The damaged file; it is not changed
    file: PathBuf,

    /// The file to make of it
    new: PathBuf,
}

#[expect(clippy::print_stdout, reason = "what the command has to say")]
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let rescued = eye::rescue(&arguments.file, &arguments.new).map_err(|error| Failure::Other(error.to_string()))?;
    for Rescued { table, rows, gaps } in rescued {
        match gaps {
            0 => println!("{table}: {rows} rows, all that it had"),
            gaps => println!("{table}: {rows} rows; at {gaps} places some may be missing"),
        }
    }
    Ok(())
}
