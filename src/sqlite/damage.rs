//! Damage to a database file: seen when it is opened, or when it is read; said once, with the way out, and
//! remembered. It repairs nothing: what SQLite cannot read is not for a program to guess.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, ErrorCode, ffi};

use super::{OpenError, keep_log, log};
use crate::private;

/// Files up to these sizes are checked when they are opened: indexes against their tables, or pages alone, which
/// takes a fraction of the time. In larger ones damage is seen when it is met.
const CHECKED_TO_THE_LETTER: u64 = 8 << 20;
const CHECKED: u64 = 64 << 20;

/// What to do about a damaged file.
const WAY_OUT: &str = "stop what uses it, keep a copy, and restore a backup, or save what can be read with \
                       `the-eye rescue FILE NEW` (docs/reliability.md, \"A damaged file\")";

/// What stands behind the name of a file in that of its mark: a file that says what is wrong with it, to processes
/// that have not met that themselves. A start checks a file that has one, and removes it from one that is whole.
const MARK: &str = ".damaged";

/// What is known of the damage to one file, for all who use it.
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
            let mark = private::file().write(true).create(true).truncate(true).open(beside(path, MARK));
            if let Err(error) = mark.and_then(|mut mark| write!(mark, "{error}")) {
                tracing::error!(file = %path.display(), error = %error, "other processes cannot be told of the damage");
            }
        }
    }

    /// An error once damage was seen. What is written into a damaged file may destroy more of it.
    pub(crate) fn check(&self) -> rusqlite::Result<()> {
        let Inner { path, seen } = &*self.0;
        if seen.get().is_none()
            && let Some(said) = said_by_a_mark(path)
            && seen.set(said).is_ok()
        {
            tracing::error!(file = %path.display(), "another process has found a database file damaged: {WAY_OUT}");
        }
        match seen.get() {
            Some(error) => Err(corrupt(format!("`{}` is damaged: {error}", path.display()))),
            None => Ok(()),
        }
    }

    /// Sees to it that a connection that ends leaves a damaged file and its log as they are.
    pub(crate) fn spare(&self, connection: &Connection) {
        if self.check().is_err() {
            // It is only a flag of the connection's.
            let _ = keep_log(connection, true);
        }
    }
}

/// A row that a file has for as long as it is whole.
pub(crate) fn always_there<T>(row: rusqlite::Result<T>) -> rusqlite::Result<T> {
    row.map_err(|error| match error {
        rusqlite::Error::QueryReturnedNoRows => corrupt("a row that is always there is missing".to_owned()),
        other => other,
    })
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
    match fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() == 0 => {
            Err(OpenError::new(path, format!("it is empty, and no database of The Eye ever is: {WAY_OUT}")))
        }
        Ok(_) => Ok(()),
        Err(_) => no_log_without_its_database(path),
    }
}

/// An error if there is a log of a file that is not there.
pub(super) fn no_log_without_its_database(path: &Path) -> Result<(), OpenError> {
    for log in ["-wal", "-journal"].map(|suffix| beside(path, suffix)) {
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let log = log.display();
            let problem = format!(
                "it is not there, but its log `{log}` is: put it back, or restore a backup of both; if it belongs \
                 to nothing, move the log away"
            );
            return Err(OpenError::new(path, problem));
        }
    }
    Ok(())
}

/// Sees what can be seen of it once it is open, at a bounded price, and changes nothing in it.
pub(super) fn check_pages(path: &Path, connection: &Connection) -> rusqlite::Result<()> {
    // While this reads, nobody begins the log anew.
    let _reading = connection.unchecked_transaction()?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let bytes = length(path);
    if !bytes.is_multiple_of(page) && !is_torn_but_in_the_log(path, bytes / page + 1) {
        return Err(corrupt(format!("its {bytes} bytes are no whole number of pages")));
    }
    let is_marked = said_by_a_mark(path).is_some();
    if is_marked {
        tracing::warn!(file = %path.display(), "a database file was found damaged: all of it is checked, which may take a while");
    }
    let check = match bytes + length(&beside(path, "-wal")) {
        size if is_marked || size <= CHECKED_TO_THE_LETTER => "PRAGMA integrity_check(1)",
        size if size <= CHECKED => "PRAGMA quick_check(1)",
        _ => return Ok(()),
    };
    let found: String = connection.query_row(check, [], |row| row.get(0))?;
    match found.as_str() {
        "ok" if is_marked => {
            tracing::info!(file = %path.display(), "a database file that was found damaged is whole");
            // Two processes may start at once. If it stays, the next start checks again.
            let _ = fs::remove_file(beside(path, MARK));
            Ok(())
        }
        "ok" => Ok(()),
        _ => Err(corrupt(found.replace('\n', " "))),
    }
}

/// Whether the last page, of which the file has a part, is one that a full disk kept from being moved there.
fn is_torn_but_in_the_log(path: &Path, page: u64) -> bool {
    u32::try_from(page).is_ok_and(|page| log::makes_up_for(&beside(path, "-wal"), page).unwrap_or(false))
}

/// What the mark of a file says, if it has one.
fn said_by_a_mark(path: &Path) -> Option<String> {
    let mark = beside(path, MARK);
    // That it is there is enough: whoever made it may not have written into it yet.
    fs::symlink_metadata(&mark).ok().map(|_| fs::read_to_string(&mark).unwrap_or_default())
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
        | rusqlite::Error::Utf8Error(..) => true,
        other => matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_remembered_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (damage, other) = (Damage::of(&path), Damage::of(&path));
        let busy = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None);
        damage.look(&busy);
        damage.look(&rusqlite::Error::QueryReturnedNoRows);
        assert!(damage.check().is_ok() && other.check().is_ok());
        damage.look(&corrupt("bad".to_owned()));
        damage.look(&corrupt("worse".to_owned()));
        for one in [damage.clone(), other] {
            let said = one.check().unwrap_err().to_string();
            assert!(said.contains("a.db` is damaged: ") && said.ends_with("bad"), "{said}");
        }
    }
}
