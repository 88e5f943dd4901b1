//! Inserts: sorted, numbered, copied in, and passed over where the row is there already.
//!
//! Events that are new, as nearly all are, are copied straight into the table. Where one of them
//! is there already the copy fails as a whole, and the batch goes the careful way: into a temporary
//! table, and from there `ON CONFLICT DO NOTHING`. docs/decisions/0004-postgres-store.md has the
//! figures.
//!
//! Workers that insert at once cannot deadlock: sessions and kinds are numbered in transactions of
//! their own, as applications are, the tally's lock comes first, and all of them insert in the order of the keys.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Transaction};
use uuid::Uuid;

use super::feed;
use super::fold::Unfolded;
use super::numbering::Numbered;
use super::numbers::Numbers;
use super::tally::{self, Counted, Staying, Tallied};
use super::values::{Timestamptz, mark};
use crate::event::Event;
use crate::store::blocks::Mark;
use crate::store::feed::Of;
use crate::store::{Inserted, Position};

/// The columns of an event, in the table as on its way there.
const COLUMNS: &str = "timestamp, id, session, kind, received_at, data, application, address";
const TYPES: [Type; 8] =
    [Type::TIMESTAMPTZ, Type::UUID, Type::INT8, Type::INT4, Type::TIMESTAMPTZ, Type::TEXT, Type::INT4, Type::INET];

/// What one insert leaves for the next.
#[derive(Debug, Default)]
pub(super) struct Inserter {
    numbers: Mutex<Numbers>,
    tallied: Mutex<Tallied>,
    pub(super) unfolded: Unfolded,
    /// How many connections had been made when they were learnt.
    connections: AtomicU64,
}

/// What became of an insert.
enum Tried {
    /// These were not there before.
    Inserted(Vec<Counted>),
    /// Some of the events are there.
    Known,
    /// Sessions were removed since theirs were numbered.
    Outdated,
}

impl Inserter {
    /// Inserts all events in one transaction that is flushed. `connections` says how many were made so
    /// far: behind a new one may be another server, or a database from a backup, where sessions have
    /// other numbers. Where it is the events that are at fault, it says why.
    pub(super) async fn insert(
        &self,
        client: &mut Client,
        events: &[Event],
        connections: u64,
    ) -> Result<Result<Inserted, String>, Error> {
        if self.connections.swap(connections, Ordering::Relaxed) != connections {
            self.numbers().clear();
            *self.tallied() = Tallied::default();
        }
        let mut sorted: Vec<&Event> = events.iter().collect();
        // Stable, so that of two with the same key the first one to arrive stands.
        sorted.sort_by_key(|event| Position::from(*event));
        sorted.dedup_by_key(|event| Position::from(*event));
        if let Err(reason) = self.know_applications(client, &sorted).await? {
            return Ok(Err(reason));
        }
        let new = loop {
            let generation = self.generation(client).await?;
            let rows = self.numbered(client, &sorted, generation).await?;
            let tried = match self.straight(client, &rows, generation).await? {
                Tried::Known => self.careful(client, &rows, generation).await?,
                tried => tried,
            };
            if let Tried::Inserted(new) = tried {
                break new;
            }
        };
        let sample = new.iter().filter(|event| is_of_the_sample(event.mark.id));
        self.unfolded.add(new.len(), sample.map(|event| event.session));
        Ok(Ok(Inserted { new: new.len() }))
    }

    /// Copies the rows into the table, whose sessions are of that generation.
    async fn straight(&self, client: &mut Client, rows: &[Numbered<'_>], generation: i64) -> Result<Tried, Error> {
        let transaction = client.transaction().await?;
        let Some(tallied) = self.stay_in(&transaction, generation).await? else { return Ok(Tried::Outdated) };
        match copy(&transaction, "event", rows).await {
            Ok(copied) if copied == rows.len() as u64 => (),
            // An operator's trigger may leave some out.
            Ok(_) => return Ok(Tried::Known),
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => return Ok(Tried::Known),
            Err(error) => return Err(error),
        }
        let new = rows.iter().map(Numbered::counted).collect();
        count(transaction, &tallied, new).await.map(Tried::Inserted)
    }

    /// Inserts those of the rows that are not there.
    async fn careful(&self, client: &mut Client, rows: &[Numbered<'_>], generation: i64) -> Result<Tried, Error> {
        let transaction = client.transaction().await?;
        let Some(tallied) = self.stay_in(&transaction, generation).await? else { return Ok(Tried::Outdated) };
        transaction
            .batch_execute(
                "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (timestamp timestamptz, id uuid, session bigint, \
                 kind integer, received_at timestamptz, data text, application integer, address inet) ON COMMIT DELETE ROWS",
            )
            .await?;
        copy(&transaction, "pg_temp.incoming", rows).await?;
        let sql = format!(
            "INSERT INTO event ({COLUMNS}) SELECT {COLUMNS} FROM pg_temp.incoming ORDER BY timestamp, id, application \
             ON CONFLICT (timestamp, id, application) DO NOTHING RETURNING timestamp, id, application"
        );
        let inserted = transaction.query_typed(&sql, &[]).await?;
        let inserted: HashSet<Mark> = inserted.iter().map(|row| mark(row, 0)).collect::<Result<_, _>>()?;
        let new = rows.iter().map(Numbered::counted).filter(|event| inserted.contains(&event.mark)).collect();
        count(transaction, &tallied, new).await.map(Tried::Inserted)
    }

    /// Keeps all blocks and sessions where they are until the transaction ends. Gives the generation of the sessions, and
    /// those that have blocks.
    pub(super) async fn stay(&self, transaction: &Transaction<'_>) -> Result<(i64, Arc<HashSet<i64>>), Error> {
        loop {
            let last = self.tallied().last();
            let Staying { generation, newer } = tally::stay(transaction, last).await?;
            // Another insert may have learnt them meanwhile, or forgotten all.
            if let Some(sessions) = self.tallied().learn(last, &newer) {
                return Ok((generation, sessions));
            }
        }
    }

    /// The same for rows whose sessions were numbered in a generation; nothing if some were removed since: they have
    /// to be looked up again.
    async fn stay_in(
        &self,
        transaction: &Transaction<'_>,
        generation: i64,
    ) -> Result<Option<Arc<HashSet<i64>>>, Error> {
        let (now, tallied) = self.stay(transaction).await?;
        if now != generation {
            self.numbers().go_on(now);
            return Ok(None);
        }
        Ok(Some(tallied))
    }

    fn tallied(&self) -> MutexGuard<'_, Tallied> {
        self.tallied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an event has its session looked at, as one of 1,024 has: that may have become of many. Nobody
/// counts a session's events as they come, since they may come by any worker.
fn is_of_the_sample(id: Uuid) -> bool {
    let (high, low) = id.as_u64_pair();
    // Ids that are counted up, and those that end in the address of a machine, are mixed.
    (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54 == 0
}

/// Counts what the transaction inserted, and commits it.
async fn count(transaction: Transaction<'_>, tallied: &HashSet<i64>, new: Vec<Counted>) -> Result<Vec<Counted>, Error> {
    if !new.is_empty() {
        tally::count(&transaction, &tally::by_list(&new, tallied)).await?;
        let keys: Vec<Mark> = new.iter().map(|event| event.mark).collect();
        feed::add(&transaction, Of::Events, &keys).await?;
    }
    transaction.commit().await?;
    Ok(new)
}

/// Says how many rows there are now that were not there before.
async fn copy(transaction: &Transaction<'_>, table: &str, rows: &[Numbered<'_>]) -> Result<u64, Error> {
    let sink = transaction.copy_in(&format!("COPY {table} ({COLUMNS}) FROM STDIN (FORMAT binary)")).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for Numbered { event, session, kind } in rows {
        let (timestamp, received_at) = (Timestamptz::from(event.timestamp), Timestamptz::from(event.received_at));
        // It is known, so it is one that the database can have.
        let application = event.application_number().cast_signed();
        let Event { id, data, address, .. } = event;
        let values: [&(dyn ToSql + Sync); 8] =
            [&timestamp, id, session, kind, &received_at, data, &application, address];
        writer.as_mut().write(&values).await?;
    }
    writer.finish().await
}
