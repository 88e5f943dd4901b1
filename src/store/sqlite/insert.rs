//! Inserts: sorted, numbered, and passed over where the row is there already.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::event::{Event, EventKind};
use crate::store::numbers::Numbers;
use crate::store::{Inserted, Position};

/// What one insert leaves for the next.
#[derive(Debug, Default)]
pub(super) struct Inserter {
    numbers: Numbers,
}

/// Numbers that this transaction gave or looked up; they count once it is committed.
#[derive(Debug, Default)]
struct Fresh {
    sessions: HashMap<String, i64>,
    kinds: HashMap<Arc<EventKind>, i64>,
}

impl Inserter {
    /// Inserts all events in one transaction that is flushed.
    pub(super) fn insert(&mut self, connection: &mut Connection, events: &[Event]) -> rusqlite::Result<Inserted> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut fresh = Fresh::default();
        let new = self.insert_rows(&transaction, events, &mut fresh)?;
        transaction.commit()?;
        self.numbers.remember_kinds(fresh.kinds);
        self.numbers.remember_sessions(fresh.sessions);
        Ok(Inserted { new })
    }

    fn insert_rows(
        &mut self,
        transaction: &Transaction<'_>,
        events: &[Event],
        fresh: &mut Fresh,
    ) -> rusqlite::Result<usize> {
        let mut sorted: Vec<&Event> = events.iter().collect();
        // Stable, so that of two with the same key the first one to arrive stands.
        sorted.sort_by_key(|event| Position::from(*event));
        let mut insert = transaction.prepare_cached(
            "INSERT INTO event (timestamp, id, session, kind, received_at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (timestamp, id) DO NOTHING",
        )?;
        let mut new = 0;
        for event in sorted {
            let session = self.session(transaction, &event.session_id, fresh)?;
            let kind = self.kind(transaction, &event.kind, fresh)?;
            new += insert.execute(params![
                event.timestamp.as_micros(),
                event.id.as_bytes(),
                session,
                kind,
                event.received_at.as_micros(),
                event.data,
            ])?;
        }
        Ok(new)
    }

    fn session(&mut self, transaction: &Transaction<'_>, id: &str, fresh: &mut Fresh) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.session(id) {
            return Ok(number);
        }
        if let Some(&number) = fresh.sessions.get(id) {
            return Ok(number);
        }
        let known = transaction
            .prepare_cached("SELECT number FROM session WHERE session_id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => transaction.prepare_cached("INSERT INTO session (session_id) VALUES (?1)")?.insert([id])?,
        };
        fresh.sessions.insert(id.to_owned(), number);
        Ok(number)
    }

    fn kind(&self, transaction: &Transaction<'_>, kind: &Arc<EventKind>, fresh: &mut Fresh) -> rusqlite::Result<i64> {
        if let Some(number) = self.numbers.kind(kind).or_else(|| fresh.kinds.get(kind).copied()) {
            return Ok(number);
        }
        let names = params![kind.category, kind.name];
        let known = transaction
            .prepare_cached("SELECT number FROM kind WHERE category = ?1 AND name = ?2")?
            .query_row(names, |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => transaction.prepare_cached("INSERT INTO kind (category, name) VALUES (?1, ?2)")?.insert(names)?,
        };
        fresh.kinds.insert(kind.clone(), number);
        Ok(number)
    }
}
