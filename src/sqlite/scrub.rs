//! Leaves nothing in a file of what was removed from it.
//!
//! SQLite forgets where a row was, and not what it was: it stays in free pages, in the gaps of others, and in the log. So
//! the database is put together anew from the rows there are, and the log emptied. Others may read and write meanwhile, but
//! wait; and it takes as much room again as the database does, half of it where temporary files are.

use rusqlite::Connection;

use super::empty_log;

/// Makes what was removed unreadable. The connection must not be in a transaction.
pub(crate) fn scrub(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    empty_log(connection)
}
