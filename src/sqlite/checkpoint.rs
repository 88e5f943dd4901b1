//! When the log is moved into the database, and what becomes of an error on the way.
//!
//! SQLite's own way to do so at a commit keeps to itself that a flush failed, and goes on with the same file
//! as if nothing had been. Here that commit is told, though it stands: whoever wrote does not answer for it
//! and opens the file anew.

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::{Fault, fault};

/// Moves the log into the database whenever a commit leaves it with that many pages, or more.
pub(crate) fn at(connection: &mut Connection, pages: i32) -> rusqlite::Result<()> {
    connection.wal_hook(Some(move |log: &mut Wal, length| {
        if length < pages {
            return Ok(());
        }
        match log.checkpoint() {
            Err(error) if fault(&error) == Fault::Io => Err(error),
            // Others read or write just now, or there is no room: the log grows, and the next commit tries again.
            _ => Ok(()),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_moved_before_it_grows_far() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, "").unwrap();
        let size_after = |pages: i32| {
            let mut connection = super::super::open(&path).unwrap();
            at(&mut connection, pages).unwrap();
            connection.execute_batch("DROP TABLE IF EXISTS a; CREATE TABLE a (x)").unwrap();
            for _ in 0..200 {
                connection.execute("INSERT INTO a VALUES (zeroblob(4000))", []).unwrap();
            }
            std::fs::metadata(folder.path().join("a.db-wal")).unwrap().len()
        };
        let (often, never) = (size_after(10), size_after(i32::MAX));
        assert!(often * 5 < never, "{often} {never}");
    }
}
