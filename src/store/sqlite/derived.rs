//! Which tables of the store are enough, and how all else is made of them where another program put the file
//! together, or a rescue: counts, hashes of sessions, the feed. Events whose session or kind was lost are given one
//! that says so: an event that is counted has to be listed.

use rusqlite::{Connection, params};

use super::{insert, sessions, upper};
use crate::sqlite::{Table, rows};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "session",
        key: "number",
        columns: &["number, session_id"],
        check: |row| row.get::<_, String>(2).map(drop),
    },
    Table {
        name: "kind",
        key: "number",
        columns: &["number, category, name"],
        check: |row| row.get::<_, String>(2).and_then(|_| row.get::<_, String>(3)).map(drop),
    },
    Table {
        name: "application",
        key: "number",
        columns: &["number, name, scope, origins, rate, sees, created_at"],
        check: |row| row.get::<_, String>(2).map(drop),
    },
    Table {
        name: "key",
        key: "created_at",
        columns: &["hash, application, prefix, created_at, ends_at"],
        check: |row| row.get::<_, [u8; 32]>(1).map(drop),
    },
    Table {
        name: "secret",
        key: "length(name)",
        columns: &["name, bytes"],
        check: |row| row.get::<_, [u8; 32]>(2).map(drop),
    },
    Table {
        name: "event",
        key: "timestamp",
        columns: &["timestamp, id, session, kind, received_at, data"],
        check: |row| {
            rows::timestamp(row, 1)?;
            rows::uuid(row, 2)?;
            let _: (i64, i64) = (row.get(3)?, row.get(4)?);
            rows::timestamp(row, 5)?;
            rows::object(row, 6).map(drop)
        },
    },
    Table {
        name: "rejected",
        key: "received_at",
        columns: &[rows::REJECTED_COLUMNS],
        check: |row| rows::rejected(row, 1).map(drop),
    },
];

/// Makes it from the events and sessions there are.
pub(super) fn make_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM tally; DELETE FROM total; DELETE FROM session_hash; DELETE FROM feed;")?;
    sessions::hash_all(connection)?;
    name_lost_sessions(connection)?;
    name_lost_kinds(connection)?;
    insert::count_all(connection)?;
    upper::build(connection)
}

fn name_lost_sessions(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT DISTINCT session FROM event WHERE session NOT IN (SELECT number FROM session)";
    for number in numbers(connection, sql)? {
        for name in names(format!("lost session {number}")) {
            if sessions::number(connection, &name)?.is_none() {
                sessions::add_as(connection, number, &name)?;
                break;
            }
        }
    }
    Ok(())
}

fn name_lost_kinds(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT DISTINCT kind FROM event WHERE kind NOT IN (SELECT number FROM kind)";
    for number in numbers(connection, sql)? {
        for name in names(format!("lost kind {number}")) {
            let sql = "INSERT INTO kind (number, category, name) VALUES (?1, 'lost', ?2) \
                       ON CONFLICT (category, name) DO NOTHING";
            if connection.execute(sql, params![number, name])? == 1 {
                break;
            }
        }
    }
    Ok(())
}

fn numbers(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<i64>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Names to choose the first free one of: clients name sessions as they like.
fn names(name: String) -> impl Iterator<Item = String> {
    std::iter::once(name.clone()).chain((2..).map(move |number: u64| format!("{name} ({number})")))
}
