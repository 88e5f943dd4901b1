//! Damage to a database file: seen when it is opened, or when it is read; said once, with the way out, and
//! remembered. It repairs nothing: what SQLite cannot read is not for a program to guess.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, ErrorCode, ffi};

use super::OpenError;

/// Files up to these sizes are checked when they are opened: indexes against their tables (28 ms a megabyte), or
/// pages alone (3 ms a megabyte). In larger ones damage is seen when it is met. docs/reliability.md has the figures.
const CHECKED_TO_THE_LETTER: u64 = 8 << 20;
const CHECKED: u64 = 64 << 20;

/// What to do about a damaged file.
const WAY_OUT: &str = "stop what uses it, keep a copy, and restore a backup, or save what can be read with \
                       `the-eye rescue FILE NEW` (docs/reliability.md, \"A damaged file\")";

/// What is known of the damage to one file, for all who use it in this process.
#[derive(Debug, Clone)]
pub(crate) struct Damage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    seen: OnceLock<String>,
}

impl Damage {
    pub(crate) fn of(path: &Path) -> Self {
        Self(Arc::new(Inner { path: path.to_owned(), seen: OnceLock::new() }))
    }

    /// Says an error that only a damaged file gives, the first time.
    pub(crate) fn look(&self, error: &rusqlite::Error) {
        let Inner { path, seen } = &*self.0;
        if is_damage(error) && seen.set(error.to_string()).is_ok() {
            tracing::error!(file = %path.display(), error = %error, "a database file is damaged: {WAY_OUT}");
        }
    }

    /// An error once damage was seen. What is written into a damaged file may destroy more of it.
    pub(crate) fn check(&self) -> rusqlite::Result<()> {
        let Inner { path, seen } = &*self.0;
        match seen.get() {
            Some(error) => Err(corrupt(format!("`{}` is damaged: {error}", path.display()))),
            None => Ok(()),
        }
    }
}

/// An error that says of a file that SQLite cannot use it as what it is.
pub(super) fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    match is_damage(error) {
        true => OpenError::new(path, format!("it is damaged ({error}): {WAY_OUT}")),
        false if path.is_dir() => OpenError::new(path, "it is a folder: choose another path"),
        false => OpenError::new(path, error.to_string()),
    }
}

/// Sees what can be seen of a file's damage before it is opened.
pub(super) fn check_file(path: &Path) -> Result<(), OpenError> {
    let length = |path: &Path| fs::metadata(path).map(|file| file.len()).ok();
    let log = beside(path, "-wal");
    match (length(path), length(&log)) {
        (Some(0), _) if path.is_file() => {
            Err(OpenError::new(path, format!("it is empty, and no database of The Eye ever is: {WAY_OUT}")))
        }
        (None, Some(1..)) => {
            let log = log.display();
            let problem =
                format!("it is missing, but its log `{log}` is not: put it back, or restore a backup of both");
            Err(OpenError::new(path, problem))
        }
        _ => Ok(()),
    }
}

/// Sees what can be seen of it once it is open, at a bounded price.
pub(super) fn check_pages(path: &Path, connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    if !length(path).is_multiple_of(page) {
        // The end of the last page may be in the log alone, after a disk that was full.
        connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))?;
        if !length(path).is_multiple_of(page) {
            return Err(corrupt(format!("its {} bytes are no whole number of pages", length(path))));
        }
    }
    let check = match length(path) + length(&beside(path, "-wal")) {
        size if size <= CHECKED_TO_THE_LETTER => "PRAGMA integrity_check(1)",
        size if size <= CHECKED => "PRAGMA quick_check(1)",
        _ => return Ok(()),
    };
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(corrupt(found.replace('\n', " "))),
    }
}

/// The file of that name with something behind it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn corrupt(message: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(message))
}

/// Whether only damage gives that error: SQLite says so, or a row is not what this program writes.
fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        other => matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_remembered_and_nothing_else_is() {
        let damage = Damage::of(Path::new("a.db"));
        let busy = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None);
        damage.look(&busy);
        assert!(damage.check().is_ok());
        damage.look(&corrupt("bad".to_owned()));
        damage.look(&rusqlite::Error::QueryReturnedNoRows);
        let said = damage.clone().check().unwrap_err().to_string();
        assert!(said.contains("`a.db` is damaged: bad"), "{said}");
    }
}
