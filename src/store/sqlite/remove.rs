//! Removes events, with all that counts them: those that have expired, and those of a session that is erased.
//!
//! One transaction removes some of them, so nobody waits long, and whatever was removed when it ended is counted no
//! more.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter};
use uuid::Uuid;

use super::feed;
use super::insert::Inserter;
use super::key::read_mark;
use super::list::COLUMNS;
use super::selection::{List, known};
use super::tally::{self, Counted};
use super::{rejected, sessions, uncount};
use crate::event::{Expiry, Timestamp};
use crate::store::blocks::{ALL, Mark, Stretch};
use crate::store::feed::Of;
use crate::store::{Filter, Order, Position};

/// Events or rejected events of a session that one transaction removes.
pub(super) const STEP: usize = 2000;

/// An event that is to go.
struct Doomed {
    event: Counted,
    session: i64,
}

/// Which erasure it is, and when it was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Erasure {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
}

/// Removes the oldest of what has expired, and says how much that was.
pub(super) fn expired(
    connection: &mut Connection,
    inserter: &mut Inserter,
    expiry: &Expiry,
    most: usize,
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = known(&transaction)?;
    let categories = known.kinds.iter().map(|(number, (kind, _))| (*number, kind.category.as_str()));
    let mut left = most;
    for (end, kinds) in expiry.by_end(categories) {
        let list = List {
            connection: &transaction,
            known: &known,
            session: None,
            blocks: Some(ALL),
            stretch: Stretch { to: end.into(), ..Stretch::WHOLE },
            kinds: (kinds.len() < known.kinds.len()).then_some(kinds),
            columns: COLUMNS,
        };
        let doomed = list.oldest(left)?;
        remove(&transaction, inserter, &doomed)?;
        left -= doomed.len();
    }
    left -= rejected::remove_expired(&transaction, expiry, left)?;
    transaction.commit()?;
    Ok((most - left) as u64)
}

/// Removes the oldest events of a session, of one application if one is named, and says how many these were: fewer
/// than [`STEP`], if nothing is left.
pub(super) fn some_of_session(
    connection: &mut Connection,
    inserter: &mut Inserter,
    erasure: Erasure,
    (session_id, application): (&str, Option<&str>),
) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = known(&transaction)?;
    let application = application.map(str::to_owned);
    let filter = Filter { session_id: Some(session_id.to_owned()), application, ..Filter::default() };
    let doomed = List::new(&transaction, &filter, &known)?.map(|list| list.oldest(STEP)).transpose()?;
    let doomed = doomed.unwrap_or_default();
    remove(&transaction, inserter, &doomed)?;
    // It may have been seen and have no event: each of its events was there as another session's.
    if let Some(number) = sessions::number(&transaction, session_id)? {
        forget_if_empty(&transaction, inserter, number)?;
    }
    erasure.add(&transaction, doomed.len(), 0)?;
    transaction.commit()?;
    Ok(doomed.len() as u64)
}

/// Removes rejected events that were found to be a session's.
pub(super) fn some_rejected(connection: &mut Connection, erasure: Erasure, keys: &[Position]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let removed = rejected::remove_keys(&transaction, keys)?;
    feed::forget(&transaction, Of::Rejected, &keys.iter().map(|key| Mark::from(*key)).collect())?;
    erasure.add(&transaction, 0, usize::try_from(removed).unwrap_or_default())?;
    transaction.commit()
}

impl Erasure {
    fn add(self, connection: &Connection, events: usize, rejected: usize) -> rusqlite::Result<()> {
        let sql = "INSERT INTO erasure (id, erased_at, events, rejected) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (id) DO UPDATE SET events = events + excluded.events, rejected = rejected + excluded.rejected";
        connection.execute(sql, params![self.id.as_bytes(), self.at.as_micros(), events, rejected]).map(drop)
    }
}

impl List<'_> {
    /// The oldest of its events.
    fn oldest(&self, most: usize) -> rusqlite::Result<Vec<Doomed>> {
        let mut found = Vec::new();
        let (connection, Stretch { from, to }) = (self.connection, self.stretch);
        match self.blocks {
            // Those of some kinds may be few and far between.
            Some(blocks) if self.kinds.is_some() => {
                tally::walk(connection, blocks, self.counted_kinds(), (from, to), Order::Ascending, |block| {
                    let end = tally::start_after(connection, blocks, block.start.next())?;
                    self.read_keys(Stretch { from: block.start, to: end.min(to) }, most, &mut found)?;
                    Ok(found.len() < most)
                })?;
            }
            _ => self.read_keys(self.stretch, most, &mut found)?,
        }
        Ok(found)
    }

    /// Adds the first events of a stretch, up to so many in all.
    fn read_keys(&self, stretch: Stretch, most: usize, found: &mut Vec<Doomed>) -> rusqlite::Result<()> {
        let (clauses, mut values) = self.rows(stretch);
        values.push(Value::Integer(i64::try_from(most - found.len()).unwrap_or(i64::MAX)));
        let sql = format!("SELECT timestamp, id, kind, session {clauses} ORDER BY timestamp, id LIMIT ?");
        let mut select = self.connection.prepare_cached(&sql)?;
        let mut rows = select.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let event = Counted { mark: read_mark(row, 0)?, kind: row.get(2)? };
            found.push(Doomed { event, session: row.get(3)? });
        }
        Ok(())
    }
}

/// Removes events that are there, in order, and sessions that have none then.
fn remove(transaction: &Transaction<'_>, inserter: &mut Inserter, doomed: &[Doomed]) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM event WHERE timestamp = ?1 AND id = ?2")?;
    let mut by_session = BTreeMap::<i64, Vec<Counted>>::new();
    for Doomed { event, session } in doomed {
        delete.execute(params![event.mark.time, event.mark.key()])?;
        by_session.entry(*session).or_default().push(*event);
    }
    let events: Vec<Counted> = doomed.iter().map(|doomed| doomed.event).collect();
    uncount::from_all(transaction, &events)?;
    feed::forget(transaction, Of::Events, &events.iter().map(|event| event.mark).collect())?;
    for (session, events) in by_session {
        uncount::from_session(transaction, session, &events)?;
        forget_if_empty(transaction, inserter, session)?;
    }
    Ok(())
}

/// Removes a session that has no events. Its number may be given to another one then.
fn forget_if_empty(connection: &Connection, inserter: &mut Inserter, session: i64) -> rusqlite::Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM event INDEXED BY event_session WHERE session = ?1)";
    if connection.prepare_cached(sql)?.query_row([session], |row| row.get(0))? {
        return Ok(());
    }
    if let Some(session_id) = sessions::remove(connection, session)? {
        // Also if this is rolled back: then it is looked up again.
        inserter.forget(&session_id);
    }
    Ok(())
}
