//! Whether the file that is open is still the one that its path leads to.
//!
//! One that was removed, moved or replaced stays open, and takes what is written to it along when it is
//! closed. Nobody may be told that this is durable.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

/// A path, and the file that was there when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct SameFile {
    path: PathBuf,
    file: Option<(u64, u64)>,
}

impl SameFile {
    /// Of a file that was just opened.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), file: identity(path) }
    }

    /// An error of the disk, if another file is there now or none.
    pub(crate) fn check(&self) -> rusqlite::Result<()> {
        if identity(&self.path) == self.file {
            return Ok(());
        }
        let message = format!(
            "`{}` was removed, moved or replaced while it was in use: put it back with its -wal, before this stops",
            self.path.display()
        );
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(message)))
    }
}

/// What tells a file from all others.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_replaced_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        std::fs::write(&path, "a").unwrap();
        std::fs::write(&other, "a").unwrap();
        let same_file = SameFile::of(&path);
        same_file.check().unwrap();
        std::fs::rename(&path, folder.path().join("c.db")).unwrap();
        assert!(same_file.check().unwrap_err().to_string().contains("put it back"));
        std::fs::rename(&other, &path).unwrap();
        assert!(same_file.check().is_err(), "another one is no good");
        std::fs::rename(folder.path().join("c.db"), &path).unwrap();
        same_file.check().unwrap();
    }
}
