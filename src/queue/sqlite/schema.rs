//! The queue's file: its tables, which of them are enough, and what is made of those where another program put it
//! together, or a rescue.

use rusqlite::{Connection, Row};

use crate::sqlite::{Migration, Schema, Table, rows};

pub(super) const SCHEMA: Schema = Schema {
    name: "queue",
    application_id: 0x4579_6551, // "EyeQ"
    migrations: &[
        Migration::new(include_str!("../../../migrations/sqlite/queue/0001_queue.sql")),
        Migration::new(include_str!("../../../migrations/sqlite/queue/0002_segments.sql")),
        Migration::new(include_str!("../../../migrations/sqlite/queue/0003_sums.sql")),
        Migration::new(include_str!("../../../migrations/sqlite/queue/0005_applications.sql")),
    ],
    tables: &[
        Table {
            name: "segment",
            key: "first",
            columns: &["first, last, events, bytes, received_at, body, sum"],
            check: check_segment,
        },
        Table {
            name: "rejected",
            key: "seq",
            columns: &["seq", rows::REJECTED_COLUMNS, "application, application_name"],
            check: |row| rows::rejected(row, 2).map(drop),
        },
    ],
    derive: sum_up,
};

/// One whose sum is another is copied: it becomes dead letters when it is claimed.
fn check_segment(row: &Row<'_>) -> rusqlite::Result<()> {
    let _: (u64, u64) = (row.get(1)?, row.get(2)?);
    let _: (usize, usize) = (row.get(3)?, row.get(4)?);
    let _: (i64, Option<i64>) = (row.get(5)?, row.get(7)?);
    row.get_ref(6)?.as_blob()?;
    Ok(())
}

/// The sums that hold the queue's bounds.
fn sum_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "INSERT OR IGNORE INTO state VALUES (1, 1, 0, 0, 0); \
         UPDATE state SET events = (SELECT coalesce(sum(events), 0) FROM segment), \
                          bytes = (SELECT coalesce(sum(bytes), 0) FROM segment), \
                          refused = (SELECT count(*) FROM rejected WHERE kind = 'refused'), \
                          next_seq = max(next_seq, (SELECT coalesce(max(last), 0) + 1 FROM segment), \
                                         (SELECT coalesce(max(seq), 0) + 1 FROM rejected));",
    )
}
