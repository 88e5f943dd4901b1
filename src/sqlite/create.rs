//! New database files: made beside their place and put there whole, so that a file that is empty, or half of
//! one, under the final name can only be damage.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::damage::beside;
use super::{OpenError, Schema};

/// Makes a database where there is none, with all migrations, and says how many those were. A crash leaves
/// nothing, or what the next start removes.
pub(super) fn create(path: &Path, schema: &Schema) -> Result<usize, OpenError> {
    let failed = |problem: String| OpenError::new(path, problem);
    let io = |error: io::Error| failed(error.to_string());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = File::open(folder).map_err(io)?;
    // Another process may be doing the same; what it has put there may be in use already.
    folder.lock().map_err(io)?;
    if path.try_exists().map_err(io)? {
        return Ok(0);
    }
    let new = beside(path, ".new");
    for left in [&new, &beside(&new, "-wal"), &beside(&new, "-shm"), &beside(&new, "-journal")] {
        match fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io(error)),
            _ => (),
        }
    }
    File::create_new(&new).map_err(io)?;
    let mut connection = super::open(&new).map_err(|error| failed(error.to_string()))?;
    let applied = schema.migrate(&mut connection).map_err(failed)?;
    // The last one to close it moves the log into it.
    connection.close().map_err(|(_, error)| failed(error.to_string()))?;
    if beside(&new, "-wal").try_exists().map_err(io)? {
        return Err(failed("its log could not be moved into it".to_owned()));
    }
    File::open(&new).and_then(|file| file.sync_all()).map_err(io)?;
    fs::rename(&new, path).map_err(io)?;
    folder.sync_all().map_err(io)?;
    Ok(applied)
}
