//! What the store derives from events, made anew where another program put the file together: counts, hashes
//! of sessions, the feed. Events whose session or kind was lost are given one that says so: an event that is
//! counted has to be listed.

use rusqlite::Connection;

use super::{insert, sessions, upper};

/// Makes it from the events and sessions there are.
pub(super) fn make_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "INSERT INTO session (number, session_id) SELECT DISTINCT session, 'lost session ' || session FROM event \
         WHERE session NOT IN (SELECT number FROM session); \
         INSERT INTO kind (number, category, name) SELECT DISTINCT kind, 'lost', 'lost kind ' || kind FROM event \
         WHERE kind NOT IN (SELECT number FROM kind); \
         DELETE FROM tally; DELETE FROM total; DELETE FROM session_hash; DELETE FROM feed;",
    )?;
    sessions::hash_all(connection)?;
    insert::count_all(connection)?;
    upper::build(connection)
}
