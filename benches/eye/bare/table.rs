//! A SQLite table without an index, written as durably as The Eye writes its own: the same rows in the
//! same batches, sessions and kinds numbered already.

use std::path::Path;

use rusqlite::{Connection, params};
use the_eye::event::Event;

use crate::mix;

/// The table.
#[derive(Debug)]
pub(crate) struct BareTable(Connection);

impl BareTable {
    pub(crate) fn new(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("bare.db")).unwrap();
        // The settings of The Eye's own store.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; \
                 CREATE TABLE event (timestamp INTEGER, id BLOB, session INTEGER, kind INTEGER, \
                 received_at INTEGER, data TEXT)",
            )
            .unwrap();
        let is =
            |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, rusqlite::types::Value>(0));
        assert_eq!(is("journal_mode").unwrap(), "wal".to_owned().into());
        assert_eq!(is("synchronous").unwrap(), 2.into(), "FULL: each commit is flushed");
        Self(connection)
    }

    /// Inserts a batch that begins with that event, in one transaction.
    pub(crate) fn insert(&mut self, first: u64, events: &[Event]) {
        let transaction = self.0.transaction().unwrap();
        {
            let mut insert = transaction.prepare_cached("INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)").unwrap();
            for (number, event) in (first..).zip(events) {
                let (session, kind) = (mix::session(number), mix::kind(number));
                let (timestamp, received_at) = (event.timestamp.as_micros(), event.received_at.as_micros());
                insert
                    .execute(params![timestamp, event.id.as_bytes(), session, kind, received_at, event.data])
                    .unwrap();
            }
        }
        transaction.commit().unwrap();
    }
}
