//! Which tables of the store are enough, and how all else is made of them where another program put the file
//! together, or a rescue: counts, hashes of sessions, the feed. Events whose session, kind or application was lost are
//! given one that says so: an event that is counted has to be listed.

use std::num::NonZeroU32;

use rusqlite::{Connection, Row, params};

use super::{insert, key, sessions, upper};
use crate::sqlite::{Table, rows};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "application",
        key: "number",
        columns: &["number, name, scope, origins, rate, sees, created_at"],
        check: |row| row.get::<_, NonZeroU32>(1).and_then(|_| row.get::<_, String>(2)).map(drop),
    },
    Table {
        name: "session",
        key: "number",
        columns: &["number, session_id"],
        check: |row| row.get::<_, String>(2).map(drop),
    },
    Table {
        name: "kind",
        key: "number",
        columns: &["number, application, category, name"],
        check: |row| {
            row.get::<_, u32>(2)?;
            row.get::<_, String>(3).and_then(|_| row.get::<_, String>(4)).map(drop)
        },
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
        columns: &["timestamp, id, session, kind, received_at, data, address"],
        check: |row| {
            rows::timestamp(row, 1)?;
            key::read(row, 2)?;
            let _: (i64, i64) = (row.get(3)?, row.get(4)?);
            rows::timestamp(row, 5)?;
            rows::object(row, 6)?;
            rows::address(row, 7).map(drop)
        },
    },
    Table {
        name: "rejected",
        key: "received_at",
        columns: &[rows::REJECTED_COLUMNS, "application"],
        check: |row| {
            row.get::<_, Option<NonZeroU32>>(12)?;
            rows::rejected_of_nobody(row, 1).map(drop)
        },
    },
    Table {
        name: "erasure",
        key: "erased_at",
        columns: &["id, erased_at, events, rejected"],
        check: |row| {
            rows::uuid(row, 1)?;
            rows::timestamp(row, 2)?;
            let _: (i64, i64) = (row.get(3)?, row.get(4)?);
            Ok(())
        },
    },
];

/// Makes it from the events and sessions there are.
pub(super) fn make_anew(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM tally; DELETE FROM total; DELETE FROM session_hash; DELETE FROM feed;")?;
    sessions::hash_all(connection)?;
    name_lost_sessions(connection)?;
    name_lost_applications(connection)?;
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

fn name_lost_applications(connection: &Connection) -> rusqlite::Result<()> {
    // An event's key ends with the number, where it is longer than an id.
    let sql = "SELECT hex(substr(id, 17)) FROM event WHERE octet_length(id) > 16 GROUP BY 1 \
               UNION SELECT printf('%08X', application) FROM kind WHERE application > 0 \
               UNION SELECT printf('%08X', application) FROM rejected WHERE application IS NOT NULL";
    let numbers: Vec<String> = connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for number in numbers.iter().filter_map(|number| u32::from_str_radix(number, 16).ok()) {
        for name in names(format!("lost application {number}")) {
            let sql = "INSERT INTO application (number, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            let is_there = "SELECT EXISTS (SELECT 1 FROM application WHERE number = ?1)";
            connection.execute(sql, params![number, name])?;
            // It was never lost, or has just got its name.
            if connection.query_row(is_there, [number], |row| row.get(0))? {
                break;
            }
        }
    }
    Ok(())
}

fn name_lost_kinds(connection: &Connection) -> rusqlite::Result<()> {
    // All events of a kind are one application's.
    let sql =
        "SELECT kind, hex(min(substr(id, 17))) FROM event WHERE kind NOT IN (SELECT number FROM kind) GROUP BY kind";
    let lost = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?));
    let lost: Vec<_> = connection.prepare(sql)?.query_map([], lost)?.collect::<Result<_, _>>()?;
    for (number, application) in lost {
        let application = u32::from_str_radix(&application, 16).unwrap_or_default();
        for name in names(format!("lost kind {number}")) {
            let sql = "INSERT INTO kind (number, application, category, name) VALUES (?1, ?2, 'lost', ?3) \
                       ON CONFLICT (application, category, name) DO NOTHING";
            if connection.execute(sql, params![number, application, name])? == 1 {
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
