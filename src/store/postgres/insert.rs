//! Inserts: sorted, numbered, copied in, and passed over where the row is there already.
//!
//! Events that are new, as nearly all are, are copied straight into the table. Where one of them
//! is there already the copy fails as a whole, and the batch goes the careful way: into a temporary
//! table, and from there `ON CONFLICT DO NOTHING`. docs/decisions/0004-postgres-store.md has the
//! figures.
//!
//! Workers that insert at once cannot deadlock: sessions and kinds are numbered in transactions of
//! their own, and all of them insert in the order of the keys.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::values::Timestamptz;
use crate::event::{Event, EventKind};
use crate::store::numbers::Numbers;
use crate::store::{Inserted, Position};

/// The columns of an event, in the table as on its way there.
const COLUMNS: &str = "timestamp, id, session, kind, received_at, data";
const TYPES: [Type; 6] = [Type::TIMESTAMPTZ, Type::UUID, Type::INT8, Type::INT4, Type::TIMESTAMPTZ, Type::TEXT];

/// What one insert leaves for the next.
#[derive(Debug, Default)]
pub(super) struct Inserter {
    numbers: Mutex<Numbers>,
}

/// An event with the numbers that stand for its session and its kind.
struct Numbered<'a> {
    event: &'a Event,
    session: i64,
    kind: i32,
}

impl Inserter {
    /// Inserts all events in one transaction that is flushed.
    pub(super) async fn insert(&self, client: &mut Client, events: &[Event]) -> Result<Inserted, Error> {
        let mut sorted: Vec<&Event> = events.iter().collect();
        // Stable, so that of two with the same key the first one to arrive stands.
        sorted.sort_by_key(|event| Position::from(*event));
        sorted.dedup_by_key(|event| Position::from(*event));
        let rows = self.numbered(client, sorted).await?;
        match straight(client, &rows).await {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => careful(client, &rows).await,
            result => result,
        }
    }

    async fn numbered<'a>(&self, client: &Client, events: Vec<&'a Event>) -> Result<Vec<Numbered<'a>>, Error> {
        let sessions = self.sessions(client, &events).await?;
        let kinds = self.kinds(client, &events).await?;
        let numbered = |event: &'a Event| Numbered {
            event,
            session: sessions[event.session_id.as_str()],
            kind: kinds[&*event.kind],
        };
        Ok(events.into_iter().map(numbered).collect())
    }

    /// The numbers of the events' sessions; those seen for the first time are given one.
    async fn sessions<'a>(&self, client: &Client, events: &[&'a Event]) -> Result<HashMap<&'a str, i64>, Error> {
        let mut found = HashMap::new();
        let mut wanted = Vec::new();
        {
            let mut known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            let ids: HashSet<&str> = events.iter().map(|event| event.session_id.as_str()).collect();
            for id in ids {
                match known.session(id) {
                    Some(number) => drop(found.insert(id, number)),
                    None => wanted.push(id),
                }
            }
        }
        // In order, so that two workers cannot wait for each other.
        wanted.sort_unstable();
        // Another worker may give a number between the two; then the first one finds it.
        let look = "SELECT session_id, number FROM session WHERE session_id = ANY($1)";
        let give = "INSERT INTO session (session_id) SELECT id FROM unnest($1) WITH ORDINALITY AS new (id, place) \
                    ORDER BY place ON CONFLICT DO NOTHING RETURNING session_id, number";
        for sql in [look, give].into_iter().cycle() {
            if wanted.is_empty() {
                break;
            }
            let rows = client.query_typed(sql, &[(&wanted, Type::TEXT_ARRAY)]).await?;
            let rows: HashMap<String, i64> =
                rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, Error>>()?;
            wanted.retain(|id| match rows.get(*id) {
                Some(&number) => found.insert(*id, number).is_some(),
                None => true,
            });
            self.numbers.lock().unwrap_or_else(PoisonError::into_inner).remember_sessions(rows);
        }
        Ok(found)
    }

    /// The numbers of the events' kinds.
    async fn kinds<'a>(&self, client: &Client, events: &[&'a Event]) -> Result<HashMap<&'a EventKind, i32>, Error> {
        let kinds: HashSet<&Arc<EventKind>> = events.iter().map(|event| &event.kind).collect();
        let mut found = HashMap::new();
        let mut wanted = Vec::new();
        {
            let known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            for kind in kinds {
                match known.kind(kind).and_then(|number| i32::try_from(number).ok()) {
                    Some(number) => drop(found.insert(&**kind, number)),
                    None => wanted.push(kind),
                }
            }
        }
        wanted.sort_unstable();
        for kind in wanted {
            let names: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&kind.category, Type::TEXT), (&kind.name, Type::TEXT)];
            client
                .execute_typed("INSERT INTO kind (category, name) VALUES ($1, $2) ON CONFLICT DO NOTHING", &names)
                .await?;
            let look = "SELECT number FROM kind WHERE category = $1 AND name = $2";
            let number: i32 = client.query_typed_one(look, &names).await?.try_get(0)?;
            found.insert(&**kind, number);
            let mut known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            known.remember_kinds([(kind.clone(), i64::from(number))]);
        }
        Ok(found)
    }
}

/// Copies the rows into the table, where none of them may be.
async fn straight(client: &mut Client, rows: &[Numbered<'_>]) -> Result<Inserted, Error> {
    let transaction = client.transaction().await?;
    copy(&transaction, "event", rows).await?;
    transaction.commit().await?;
    Ok(Inserted { new: rows.len() })
}

/// Inserts those of the rows that are not there.
async fn careful(client: &mut Client, rows: &[Numbered<'_>]) -> Result<Inserted, Error> {
    let transaction = client.transaction().await?;
    transaction
        .batch_execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (timestamp timestamptz, id uuid, session bigint, \
             kind integer, received_at timestamptz, data text) ON COMMIT DELETE ROWS",
        )
        .await?;
    copy(&transaction, "pg_temp.incoming", rows).await?;
    let sql = format!(
        "INSERT INTO event ({COLUMNS}) SELECT {COLUMNS} FROM pg_temp.incoming ORDER BY timestamp, id \
         ON CONFLICT (timestamp, id) DO NOTHING"
    );
    let new = transaction.execute_typed(&sql, &[]).await?;
    transaction.commit().await?;
    Ok(Inserted { new: usize::try_from(new).unwrap_or(rows.len()) })
}

async fn copy(transaction: &Transaction<'_>, table: &str, rows: &[Numbered<'_>]) -> Result<(), Error> {
    let sink = transaction.copy_in(&format!("COPY {table} ({COLUMNS}) FROM STDIN (FORMAT binary)")).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for Numbered { event, session, kind } in rows {
        let (timestamp, received_at) = (Timestamptz(event.timestamp), Timestamptz(event.received_at));
        writer.as_mut().write(&[&timestamp, &event.id, session, kind, &received_at, &event.data]).await?;
    }
    writer.finish().await?;
    Ok(())
}
