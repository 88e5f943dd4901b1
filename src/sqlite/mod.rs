//! What the embedded queue and the embedded store have in common: how a database file is opened,
//! migrated, read by several readers, and what its errors mean. It knows no table but their rows.

pub(crate) mod checkpoint;
mod create;
mod damage;
mod log;
mod migrate;
mod readers;
mod rescue;
pub(crate) mod room;
pub(crate) mod rows;
mod same_file;
mod scrub;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

pub(crate) use damage::{Damage, always_there};
pub(crate) use migrate::{Migration, Schema};
pub(crate) use readers::Readers;
pub use rescue::Rescued;
pub(crate) use rescue::{Table, rescue};
pub(crate) use same_file::SameFile;
pub(crate) use scrub::scrub;

/// How long a statement waits for another process that writes, and how often it looks.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const BUSY_STEP: Duration = Duration::from_micros(200);

/// Pages that the WAL holds before a commit moves them into the database (4 KiB each). Whoever commits then
/// waits for it: with four times as many, one POST in a hundred took 12 ms instead of 4.
const CHECKPOINT_PAGES: i32 = 1000;

/// A database file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database `{}`: {problem}", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub problem: String,
}

/// Whether opening brings a database up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrations {
    /// It does.
    Apply,
    /// It has to be up to date already.
    Expect,
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

/// Opens a database file that is up to date, or brings it up to date; makes it where there is none.
pub(crate) fn open_current(path: &Path, schema: &Schema, migrations: Migrations) -> Result<Connection, OpenError> {
    bring_up(path, schema, migrations).map(|(connection, _)| connection)
}

/// Brings a database file up to date and says how many migrations that took.
pub(crate) fn migrate(path: &Path, schema: &Schema) -> Result<usize, OpenError> {
    bring_up(path, schema, Migrations::Apply).map(|(_, applied)| applied)
}

/// Opens a database file for writing. Every commit is flushed before it returns.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut connection = connect(path)?;
    write_ahead(&mut connection)?;
    Ok(connection)
}

fn bring_up(path: &Path, schema: &Schema, migrations: Migrations) -> Result<(Connection, usize), OpenError> {
    let failed = |error: rusqlite::Error| damage::open_error(path, &error);
    let refused = |problem: String| OpenError::new(path, problem);
    damage::check_file(path)?;
    let mut applied = 0;
    if !path.try_exists().map_err(|error| refused(error.to_string()))? {
        if migrations == Migrations::Expect {
            return Err(refused(schema.is_behind(0)));
        }
        applied = create::create(path, schema)?;
    }
    let mut connection = connect(path).map_err(failed)?;
    // Before anything is written: it may be somebody else's.
    if !schema.is_ours(&connection).map_err(failed)? {
        return Err(refused(schema.is_foreign()));
    }
    damage::check_pages(path, &connection).map_err(failed)?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?;
    match migrations {
        Migrations::Apply => applied += schema.migrate(&mut connection).map_err(refused)?,
        Migrations::Expect => schema.expect(&connection).map_err(refused)?,
    }
    // Files of this program are in that mode from the beginning. This one was put together by another, of
    // what it could save: what is derived may not be derived from that.
    if !mode.eq_ignore_ascii_case("wal") {
        tracing::warn!(file = %path.display(), "a database file comes from another program: what is counted is counted anew");
        schema.derive_anew(&mut connection).map_err(failed)?;
    }
    write_ahead(&mut connection).map_err(failed)?;
    Ok((connection, applied))
}

/// Opens a database file that is there. Of one that may be damaged nothing is changed: whoever closes it last leaves
/// its log where it is.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // No URIs: a path is a file, never a database in memory. And none is made: see `create`.
    let flags = OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_CREATE);
    let mut connection = Connection::open_with_flags(path, flags)?;
    keep_log(&connection, true)?;
    connection.busy_handler(Some(wait_a_little))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn write_ahead(connection: &mut Connection) -> rusqlite::Result<()> {
    // WAL with FULL flushes the log at every commit; NORMAL would lose acknowledged events at a power cut.
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        let message = format!("its journal mode is `{mode}`, and it has to be `wal`");
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(message)));
    }
    checkpoint::at(connection, CHECKPOINT_PAGES)?;
    keep_log(connection, false)
}

/// Whether the last one to close a file leaves its log, or moves it into the file and removes it.
fn keep_log(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

/// Closes a connection after an error of the disk, and flushes nothing more through it.
pub(crate) fn abandon(connection: Connection) {
    let _ = keep_log(&connection, true);
    drop(connection);
}

/// Opens a database file again after an error of the disk.
///
/// Pages of the log whose flush failed may be lost while the system believes them clean: they are
/// written again, into the database, before anything is put behind them.
pub(crate) fn reopen(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path)?;
    empty_log(&connection)?;
    Ok(connection)
}

/// Moves the whole log into the database, and leaves it empty.
fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    match busy {
        false => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_is_flushed_on_every_connection_that_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Connection::open(&path).unwrap();
        for connection in [open(&path).unwrap(), reopen(&path).unwrap()] {
            let read = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, String>(0));
            assert_eq!(read("journal_mode").unwrap(), "wal");
            let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!(synchronous, 2, "FULL");
        }
    }
}
