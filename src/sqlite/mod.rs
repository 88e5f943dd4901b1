//! What the embedded queue and the embedded store have in common: how a database file is opened,
//! migrated, read by several readers, and what its errors mean. It knows no table but their rows.

mod migrate;
mod readers;
pub(crate) mod rows;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};

pub(crate) use migrate::{is_current, migrate};
pub(crate) use readers::Readers;

/// How long a statement waits for another process that writes, and how often it looks.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_STEP: Duration = Duration::from_micros(200);

/// Pages that the WAL holds before a commit moves them into the database (4 KiB each).
const CHECKPOINT_PAGES: u32 = 4000;

/// A database file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database `{}`: {problem}", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

impl OpenError {
    pub(crate) fn new(path: &Path, problem: impl Into<String>) -> Self {
        Self { path: path.to_owned(), problem: problem.into() }
    }
}

/// What an error of SQLite means to the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The rows themselves are at fault: the same again would fail again.
    Refused,
    /// There is no room on the disk.
    Full,
    /// The file could not be read, written or flushed: the connection is not to be trusted.
    Io,
    /// Anything that may pass.
    Unavailable,
}

/// Opens a database file for writing. Every commit is flushed before it returns.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_handler(Some(wait_a_little))?;
    // WAL with FULL flushes the log at every commit; NORMAL would lose acknowledged events at a power cut.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a database file again after an error of the disk.
///
/// Pages of the log whose flush failed may be lost while the system believes them clean: they are
/// written again, into the database, before anything is put behind them.
pub(crate) fn reopen(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        false => Ok(connection),
        true => Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_BUSY),
            Some("the log could not be moved into the database".to_owned()),
        )),
    }
}

/// Sorts an error.
pub(crate) fn fault(error: &rusqlite::Error) -> Fault {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => Fault::Refused,
        Some(ErrorCode::DiskFull) => Fault::Full,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly,
        ) => Fault::Io,
        _ => Fault::Unavailable,
    }
}

/// SQLite's own busy time-out sleeps up to 100 ms between looks, which is longer than most writes.
fn wait_a_little(looks: i32) -> bool {
    std::thread::sleep(BUSY_STEP);
    BUSY_STEP.saturating_mul(looks.unsigned_abs()) < BUSY_TIMEOUT
}
