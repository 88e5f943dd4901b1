//! Leaves nothing in a file of what was removed from it.
//!
//! SQLite forgets where a row was, and not what it was: it stays in free pages, in the gaps of others, and in the log. So
//! the database is put together anew from the rows there are, and the log emptied. Others may read and write meanwhile, but
//! wait; and it takes as much room again as the database does, half of it where temporary files are.

use std::path::Path;

use rusqlite::{Connection, Error, ffi};

use super::{empty_log, room};

/// Room that is left for those who take events in.
const RESERVE: u64 = 64 << 20;

/// Makes what was removed unreadable. The connection must not be in a transaction.
pub(crate) fn scrub(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let size: u64 = connection.query_row(sql, [], |row| row.get(0))?;
    let room = connection.path().and_then(|path| room::beyond(RESERVE, Path::new(path)));
    if room.is_some_and(|room| room < size) {
        let full = ffi::Error::new(ffi::SQLITE_FULL);
        return Err(Error::SqliteFailure(full, Some(format!("there is no room for a copy of {size} bytes"))));
    }
    connection.execute_batch("VACUUM")?;
    empty_log(connection)
}
