//! New database files: made beside their place and put there whole, so that a file that is empty, or half of
//! one, under the final name can only be damage.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::damage::{self, beside};
use super::{OpenError, Schema};
use crate::private;

/// Makes a database where there is none, with all migrations, and says how many those were. A crash leaves
/// nothing, or what the next start removes.
pub(super) fn create(path: &Path, schema: &Schema) -> Result<usize, OpenError> {
    // Another process that was quicker has applied them.
    Ok(make(path, schema, |_| Ok(()))?.map_or(0, |(applied, ())| applied))
}

/// The same with what `fill` puts into it before anybody can see it; `None` if there is a file already.
pub(super) fn make<T>(
    path: &Path,
    schema: &Schema,
    fill: impl FnOnce(&mut Connection) -> Result<T, OpenError>,
) -> Result<Option<(usize, T)>, OpenError> {
    let io = |error: io::Error| OpenError::new(path, error.to_string());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder).map_err(io)?;
    // Another process may be doing the same; what it has put there may be in use already.
    folder.lock().map_err(io)?;
    if path.try_exists().map_err(io)? {
        return Ok(None);
    }
    // SQLite would write what an older file has left into this one.
    damage::no_log_without_its_database(path)?;
    let new = beside(path, ".new");
    remove(&new).map_err(io)?;
    let made = put_together(&new, schema, fill).and_then(|made| {
        fs::rename(&new, path)?;
        folder.sync_all()?;
        Ok(made)
    });
    made.map(Some).map_err(|problem| {
        // It may be a full disk that ended it. That this fails too changes nothing: the next one removes it.
        let _ = remove(&new);
        match problem {
            Problem::Filling(error) => error,
            Problem::Making(problem) => OpenError::new(path, problem),
        }
    })
}

/// Why there is no file.
enum Problem {
    Making(String),
    Filling(OpenError),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Making(error.to_string())
    }
}

fn put_together<T>(
    new: &Path,
    schema: &Schema,
    fill: impl FnOnce(&mut Connection) -> Result<T, OpenError>,
) -> Result<(usize, T), Problem> {
    let failed = |error: rusqlite::Error| Problem::Making(error.to_string());
    private::file().write(true).create_new(true).open(new)?;
    let mut connection = super::open(new).map_err(failed)?;
    let applied = schema.migrate(&mut connection).map_err(Problem::Making)?;
    let filled = fill(&mut connection).map_err(Problem::Filling)?;
    // The last one to close it moves the log into it.
    connection.close().map_err(|(_, error)| failed(error))?;
    if beside(new, "-wal").try_exists()? {
        return Err(Problem::Making("its log could not be moved into it".to_owned()));
    }
    File::open(new)?.sync_all()?;
    Ok((applied, filled))
}

/// Removes a file that was not finished, and its logs.
fn remove(new: &Path) -> io::Result<()> {
    for left in [new, &beside(new, "-wal"), &beside(new, "-shm"), &beside(new, "-journal")] {
        match fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
    }
    Ok(())
}
