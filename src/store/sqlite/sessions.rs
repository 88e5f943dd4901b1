//! The numbers of sessions, in order of first sight.
//!
//! A session is found by a hash of its id: an index of the ids themselves would be three times as
//! large, and each new session lands at a random place of it.

use std::hash::Hasher;

use rusqlite::{Connection, OptionalExtension, params};
use siphasher::sip::SipHasher24;

/// The number of a session, if it was ever seen.
pub(super) fn number(connection: &Connection, session_id: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT session.number FROM session_hash JOIN session USING (number) WHERE hash = ?1 AND session_id = ?2";
    connection.prepare_cached(sql)?.query_row(params![hash(session_id), session_id], |row| row.get(0)).optional()
}

/// Gives a session that was never seen its number.
pub(super) fn add(connection: &Connection, session_id: &str) -> rusqlite::Result<i64> {
    let number = connection.prepare_cached("INSERT INTO session (session_id) VALUES (?1)")?.insert([session_id])?;
    add_hash(connection, session_id, number)?;
    Ok(number)
}

/// Gives a number that was lost the name of a session that was never seen.
pub(super) fn add_as(connection: &Connection, number: i64, session_id: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO session (number, session_id) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![number, session_id])?;
    add_hash(connection, session_id, number)
}

/// Removes a session, and says what it was called, if it was there.
pub(super) fn remove(connection: &Connection, number: i64) -> rusqlite::Result<Option<String>> {
    let sql = "DELETE FROM session WHERE number = ?1 RETURNING session_id";
    let session_id: Option<String> =
        connection.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()?;
    if let Some(session_id) = &session_id {
        let sql = "DELETE FROM session_hash WHERE hash = ?1 AND number = ?2";
        connection.prepare_cached(sql)?.execute(params![hash(session_id), number])?;
    }
    Ok(session_id)
}

/// Makes the hashes of all sessions there are.
pub(super) fn hash_all(connection: &Connection) -> rusqlite::Result<()> {
    let mut sessions = connection.prepare("SELECT session_id, number FROM session")?;
    let mut rows = sessions.query([])?;
    while let Some(row) = rows.next()? {
        add_hash(connection, row.get_ref(0)?.as_str()?, row.get(1)?)?;
    }
    Ok(())
}

fn add_hash(connection: &Connection, session_id: &str, number: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO session_hash (hash, number) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![hash(session_id), number])?;
    Ok(())
}

/// The same for all time: it is in the file.
fn hash(session_id: &str) -> i64 {
    let mut hasher = SipHasher24::new();
    hasher.write(session_id.as_bytes());
    hasher.finish().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_stays_what_it_is() {
        // The reference implementation's value for no bytes and a key of noughts.
        assert_eq!(hash(""), 0x1e92_4b9d_7377_00d7);
        assert_eq!(hash("7"), hash("7"));
        assert_ne!(hash("7"), hash("8"));
    }

    #[test]
    fn sessions_of_one_hash_are_told_apart() {
        let connection = Connection::open_in_memory().unwrap();
        let sql = "CREATE TABLE session (number INTEGER PRIMARY KEY, session_id TEXT NOT NULL); \
                   CREATE TABLE session_hash (hash INTEGER, number INTEGER, PRIMARY KEY (hash, number)) WITHOUT ROWID";
        connection.execute_batch(sql).unwrap();
        let (a, b) = (add(&connection, "a").unwrap(), add(&connection, "b").unwrap());
        connection.execute("UPDATE session_hash SET hash = ?1", [hash("a")]).unwrap();
        assert_eq!(number(&connection, "a"), Ok(Some(a)));
        connection.execute("UPDATE session_hash SET hash = ?1", [hash("b")]).unwrap();
        assert_eq!((number(&connection, "a"), number(&connection, "b")), (Ok(None), Ok(Some(b))));
    }
}
