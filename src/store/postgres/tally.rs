//! How many events lie where: lists cut into blocks, each with its number of events, of all kinds and
//! of each. From it a count is a sum, and a deep page a walk over blocks to the right one. A block begins before all
//! applications' events of one time and id, and never between them.
//!
//! A row that every insert updates would make them wait for each other. So an insert appends what it
//! adds to each block ([`count`]), in its own transaction, and a query sums up the blocks and what was
//! appended, in one snapshot: what it says is exact. Now and then somebody folds the one into the other
//! and cuts blocks up that have become too full ([`super::fold`]). While an insert counts, no block may
//! move: inserts share a lock ([`stay`]) that the one who folds takes alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

use super::values::{Timestamptz, Value, start};
use crate::store::blocks::{ALL, Mark};

/// All kinds together. They count from 1, as sessions do.
pub(super) const ANY: i32 = 0;

/// Events of a block when it is made, and the number at which it is cut up.
pub(super) const FULL: u32 = 2048;
pub(super) const TOO_FULL: u32 = 2 * FULL;

/// What inserts share and folding wants alone: "EyeT".
pub(super) const LOCK: i32 = 0x4579_6554;

/// An event, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) mark: Mark,
    pub(super) kind: i32,
    pub(super) session: i64,
}

/// The sessions that have blocks of their own, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Tallied {
    sessions: Arc<HashSet<i64>>,
    /// The place of the last one.
    last: i64,
}

impl Tallied {
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Learns those behind a place, and gives them all; nothing if that is not the last place any more.
    pub(super) fn learn(&mut self, behind: i64, newer: &[(i64, i64)]) -> Option<Arc<HashSet<i64>>> {
        if self.last != behind {
            return None;
        }
        if let Some(&(last, _)) = newer.last() {
            self.last = last;
            Arc::make_mut(&mut self.sessions).extend(newer.iter().map(|(_, session)| session));
        }
        Some(self.sessions.clone())
    }
}

/// Events by the lists that count them.
pub(super) fn by_list(events: &[Counted], tallied: &HashSet<i64>) -> BTreeMap<i64, Vec<Counted>> {
    let mut lists = BTreeMap::from([(ALL, events.to_vec())]);
    for event in events.iter().filter(|event| tallied.contains(&event.session)) {
        lists.entry(event.session).or_default().push(*event);
    }
    lists
}

/// What is true until a transaction ends.
pub(super) struct Staying {
    /// The generation of sessions.
    pub(super) generation: i64,
    /// The sessions that got blocks of their own behind a place, each with its own place.
    pub(super) newer: Vec<(i64, i64)>,
}

/// Keeps all blocks and sessions where they are until the transaction ends, and gives the sessions that got blocks of
/// their own behind a place.
pub(super) async fn stay(transaction: &Transaction<'_>, last: i64) -> Result<Staying, Error> {
    let lock = "SELECT pg_advisory_xact_lock_shared($1, hashtext(current_schema()))";
    let newer =
        "SELECT number, place, session FROM session_generation LEFT JOIN tallied_session ON place > $1 ORDER BY place";
    let (lock_value, newer_value): (Value<'_>, Value<'_>) = ((&LOCK, Type::INT4), (&last, Type::INT8));
    let (lock_value, newer_value) = ([lock_value], [newer_value]);
    // One is sent behind the other, and sees what was committed once the lock is held.
    let (_, rows) = tokio::try_join!(
        biased;
        transaction.query_typed(lock, &lock_value),
        transaction.query_typed(newer, &newer_value),
    )?;
    let mut staying = Staying { generation: 0, newer: Vec::new() };
    for row in &rows {
        staying.generation = row.try_get(0)?;
        let place: Option<i64> = row.try_get(1)?;
        staying.newer.extend(place.zip(row.try_get(2)?));
    }
    Ok(staying)
}

/// Counts events that this transaction inserted, each list's in its order. Blocks must stay.
pub(super) async fn count(transaction: &Transaction<'_>, lists: &BTreeMap<i64, Vec<Counted>>) -> Result<(), Error> {
    append(transaction, lists, 1).await
}

/// Counts events no more that this transaction removed, each list's in its order. Blocks must stay.
pub(super) async fn uncount(transaction: &Transaction<'_>, lists: &BTreeMap<i64, Vec<Counted>>) -> Result<(), Error> {
    append(transaction, lists, -1).await
}

async fn append(transaction: &Transaction<'_>, lists: &BTreeMap<i64, Vec<Counted>>, each: i32) -> Result<(), Error> {
    let starts = starts(transaction, lists).await?;
    let mut changes = Changes::default();
    for (list, starts) in &starts {
        for ((start, kind), events) in by_block(starts, &lists[list]) {
            changes.add(*list, kind, start, events * each);
        }
    }
    changes.append(transaction).await
}

/// Where the blocks begin that events of these lists lie in, in order.
async fn starts(
    transaction: &Transaction<'_>,
    lists: &BTreeMap<i64, Vec<Counted>>,
) -> Result<BTreeMap<i64, Vec<Mark>>, Error> {
    let (mut numbers, mut times, mut ids, mut last_times, mut last_ids) = (vec![], vec![], vec![], vec![], vec![]);
    for (list, events) in lists {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { continue };
        numbers.push(*list);
        times.push(Timestamptz::from(first.mark));
        ids.push(first.mark.id);
        last_times.push(Timestamptz::from(last.mark));
        last_ids.push(last.mark.id);
    }
    let sql = "SELECT wanted.list, start.timestamp, start.id \
               FROM unnest($1, $2, $3, $4, $5) AS wanted (list, timestamp, id, last_timestamp, last_id), LATERAL ( \
                   (SELECT timestamp, id FROM tally WHERE list = wanted.list AND kind = 0 \
                    AND (timestamp, id) <= (wanted.timestamp, wanted.id) \
                    ORDER BY timestamp DESC, id DESC LIMIT 1) \
                   UNION ALL \
                   (SELECT timestamp, id FROM tally WHERE list = wanted.list AND kind = 0 \
                    AND (timestamp, id) > (wanted.timestamp, wanted.id) \
                    AND (timestamp, id) <= (wanted.last_timestamp, wanted.last_id))) AS start \
               ORDER BY wanted.list, start.timestamp, start.id";
    let (times_type, ids_type) = (Type::TIMESTAMPTZ_ARRAY, Type::UUID_ARRAY);
    let rows = transaction
        .query_typed(
            sql,
            &[
                (&numbers, Type::INT8_ARRAY),
                (&times, times_type.clone()),
                (&ids, ids_type.clone()),
                (&last_times, times_type),
                (&last_ids, ids_type),
            ],
        )
        .await?;
    let mut starts: BTreeMap<i64, Vec<Mark>> = BTreeMap::new();
    for row in &rows {
        starts.entry(row.try_get(0)?).or_default().push(start(row, 1)?);
    }
    Ok(starts)
}

/// Events by block and kind, [`ANY`] among them. Each event lies behind the first start.
fn by_block(starts: &[Mark], events: &[Counted]) -> BTreeMap<(Mark, i32), i32> {
    let mut counts = BTreeMap::new();
    let mut starts = starts.iter().copied().peekable();
    let mut start = Mark::FIRST;
    for event in events {
        while let Some(next) = starts.next_if(|next| *next <= event.mark) {
            start = next;
        }
        for kind in [ANY, event.kind] {
            *counts.entry((start, kind)).or_default() += 1;
        }
    }
    counts
}

/// Rows of `tally_change`, by column.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) lists: Vec<i64>,
    pub(super) kinds: Vec<i32>,
    pub(super) times: Vec<Timestamptz>,
    pub(super) ids: Vec<uuid::Uuid>,
    events: Vec<i32>,
}

impl Changes {
    pub(super) fn add(&mut self, list: i64, kind: i32, start: Mark, events: i32) {
        self.lists.push(list);
        self.kinds.push(kind);
        self.times.push(start.into());
        self.ids.push(start.id);
        self.events.push(events);
    }

    async fn append(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        let sql =
            "INSERT INTO tally_change (list, kind, timestamp, id, events) SELECT * FROM unnest($1, $2, $3, $4, $5)";
        transaction
            .execute_typed(
                sql,
                &[
                    (&self.lists, Type::INT8_ARRAY),
                    (&self.kinds, Type::INT4_ARRAY),
                    (&self.times, Type::TIMESTAMPTZ_ARRAY),
                    (&self.ids, Type::UUID_ARRAY),
                    (&self.events, Type::INT4_ARRAY),
                ],
            )
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(time: i64) -> Mark {
        Mark::before(time, Uuid::from_u128(5))
    }

    #[test]
    fn an_event_is_counted_in_the_block_that_begins_at_it_or_before() {
        let counted = |time, kind| Counted { mark: at(time), kind, session: 1 };
        let events = [counted(1, 1), counted(2, 2), counted(10, 1), counted(11, 1), counted(30, 2)];
        let found = by_block(&[Mark::FIRST, at(10), at(20), at(25)], &events);
        let expected = [
            ((Mark::FIRST, ANY), 2),
            ((Mark::FIRST, 1), 1),
            ((Mark::FIRST, 2), 1),
            ((at(10), ANY), 2),
            ((at(10), 1), 2),
            ((at(25), ANY), 1),
            ((at(25), 2), 1),
        ];
        assert!(found.into_iter().eq(expected));
        assert!(by_block(&[Mark::FIRST], &[]).is_empty());
    }
}
