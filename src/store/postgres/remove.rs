//! Removes events, with all that counts them: those that have expired, and those of a session that is erased.
//!
//! One transaction removes some of them and appends to the tally what that takes from it, as an insert appends what it
//! adds. Who removes does so alone: two of them could each take one of a session's last events, and neither see that
//! it has none. Sessions without events are [`super::emptied`]'s.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Transaction};
use uuid::Uuid;

use super::fold::{self, Folding};
use super::insert::Inserter;
use super::lock::{lock, try_lock};
use super::selection::List;
use super::tally::{self, Counted};
use super::values::{Timestamptz, Value, Values, mark};
use super::{emptied, feed, list, partitions, rejected};
use crate::event::{Expiry, Timestamp};
use crate::store::blocks::{ALL, Mark, Stretch};
use crate::store::feed::Of;
use crate::store::{Order, Position};

/// Taken by whoever removes: "EyeG", as in gone.
pub(super) const LOCK: i32 = 0x4579_6547;

/// Events or rejected events of a session that one transaction removes.
pub(super) const STEP: usize = 2000;

/// Blocks that are looked through at once for what has expired.
const BLOCKS: u64 = 32;

/// Which erasure it is, and when it was begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct Erasure {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
}

/// The session that is erased, by its number, and the number of the application if one is named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose {
    pub(super) session: i64,
    application: Option<i32>,
}

/// Finds the oldest events that have expired; nothing if partitions have to be counted anew.
pub(super) async fn find_expired(
    transaction: &Transaction<'_>,
    expiry: &Expiry,
    most: usize,
) -> Result<Option<Vec<Mark>>, Error> {
    if !partitions::are_counted(transaction).await? {
        return Ok(None);
    }
    let kinds = list::kinds(transaction).await?;
    let mut found = Vec::new();
    let categories = kinds.iter().map(|(number, (kind, _))| (*number, kind.category.as_str()));
    for (end, expired) in expiry.by_end(categories) {
        let expired = (expired.len() < kinds.len()).then_some(expired);
        let list = List::of_kinds(transaction, expired, Stretch { to: end.into(), ..Stretch::WHOLE });
        found.extend(list.oldest(most - found.len()).await?);
        if found.len() >= most {
            break;
        }
    }
    Ok(Some(found))
}

impl List<'_> {
    /// The keys of its oldest events: some, if there are any.
    async fn oldest(&self, most: usize) -> Result<Vec<Mark>, Error> {
        let stretches = self.first_blocks(ALL, self.stretch, Order::Ascending, BLOCKS).await?;
        let mut values = Values::default();
        let most = values.number(most as u64);
        let in_order = "ORDER BY timestamp, id, application";
        let keys = self.keys(&stretches, in_order, &most, &mut values);
        let sql = format!("{keys} {in_order} LIMIT {most}");
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        rows.iter().map(|row| mark(row, 0)).collect()
    }
}

/// Removes those of these events that are still there and says how many that were; 0 if somebody else removes
/// just now.
pub(super) async fn some(client: &mut Client, inserter: &Inserter, keys: &[Mark]) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    if !try_lock(&transaction, LOCK).await? {
        return Ok(0);
    }
    let removed = remove(&transaction, inserter, keys).await?;
    transaction.commit().await?;
    inserter.unfolded.add(removed, []);
    Ok(removed as u64)
}

/// Removes the oldest rejected events that were received too long ago for their category, and says how many these were.
/// A row whose category could not be read goes by that of all others.
pub(super) async fn some_expired_rejected(client: &mut Client, expiry: &Expiry, most: usize) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    if !try_lock(&transaction, LOCK).await? {
        return Ok(0);
    }
    lock(&transaction, rejected::LOCK).await?;
    let delete = |of: &str| {
        format!(
            "DELETE FROM rejected WHERE (received_at, id) IN (SELECT received_at, id FROM rejected \
             WHERE received_at < $1 AND {of} ORDER BY received_at, id LIMIT $2)"
        )
    };
    let left = |removed: u64| i64::try_from(most).unwrap_or(i64::MAX).saturating_sub_unsigned(removed);
    let mut removed = 0;
    for (category, end) in &expiry.by_category {
        let Some(end) = end.map(Timestamptz::from) else { continue };
        let most = left(removed);
        let values: [Value<'_>; 3] = [(&end, Type::TIMESTAMPTZ), (&most, Type::INT8), (category, Type::TEXT)];
        removed += transaction.execute_typed(&delete("category = $3"), &values).await?;
    }
    if let Some(end) = expiry.others.map(Timestamptz::from) {
        let (most, named) = (left(removed), expiry.by_category.keys().collect::<Vec<_>>());
        let values: [Value<'_>; 3] = [(&end, Type::TIMESTAMPTZ), (&most, Type::INT8), (&named, Type::TEXT_ARRAY)];
        let others = "(category IS NULL OR NOT category = ANY($3))";
        removed += transaction.execute_typed(&delete(others), &values).await?;
    }
    transaction.commit().await?;
    Ok(removed)
}

/// Looks up whose events are erased; `None` if there can be none.
pub(super) async fn whose(
    client: &Client,
    session_id: &str,
    application: Option<&str>,
) -> Result<Option<Whose>, Error> {
    // A text with NUL is none to PostgreSQL, and nobody's.
    if session_id.contains('\0') || application.is_some_and(|name| name.contains('\0')) {
        return Ok(None);
    }
    let sql = "SELECT number, (SELECT number FROM application WHERE name = $2) FROM session WHERE session_id = $1";
    let rows = client.query_typed(sql, &[(&session_id, Type::TEXT), (&application, Type::TEXT)]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (session, number) = (row.try_get(0)?, row.try_get::<_, Option<i32>>(1)?);
    // An application that is named and not known has sent nothing.
    Ok((application.is_some() == number.is_some()).then_some(Whose { session, application: number }))
}

/// Removes the oldest events of a session, and gives their keys: fewer than [`STEP`], if nothing is left.
pub(super) async fn some_of_session(
    client: &mut Client,
    inserter: &Inserter,
    erasure: Erasure,
    whose: Whose,
) -> Result<Vec<Mark>, Error> {
    let transaction = client.transaction().await?;
    lock(&transaction, LOCK).await?;
    let mut values = Values::default();
    let mut sql = format!(
        "SELECT timestamp, id, application FROM event WHERE session = {}",
        values.bind(whose.session, Type::INT8)
    );
    if let Some(application) = whose.application {
        sql.push_str(&format!(" AND application = {}", values.bind(application, Type::INT4)));
    }
    sql.push_str(&format!(" ORDER BY timestamp, id, application LIMIT {}", values.number(STEP as u64)));
    let keys = transaction.query_typed(&sql, &values.list()).await?;
    let keys = keys.iter().map(|row| mark(row, 0)).collect::<Result<Vec<_>, _>>()?;
    let removed = remove(&transaction, inserter, &keys).await?;
    // Also one that never had any: each of its events was there as another session's.
    emptied::note(&transaction, &[whose.session]).await?;
    erasure.add(&transaction, removed, 0).await?;
    transaction.commit().await?;
    inserter.unfolded.add(removed, []);
    Ok(keys)
}

/// Takes the keys of events that were removed out of where the tally's blocks begin. Says false if somebody inserts for long just now.
pub(super) async fn forget_starts(client: &mut Client, session: i64, keys: &[Mark]) -> Result<bool, Error> {
    fold::if_alone(async {
        let folding = Folding::alone(client).await?;
        folding.fold_all().await?;
        for list in [ALL, session] {
            folding.begin_elsewhere(list, keys).await?;
        }
        folding.transaction.commit().await.map(|()| true)
    })
    .await
}

/// Removes rejected events that were found to be a session's.
pub(super) async fn some_rejected(client: &mut Client, erasure: Erasure, keys: &[Position]) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    lock(&transaction, rejected::LOCK).await?;
    let removed = rejected::remove_keys(&transaction, keys).await?;
    erasure.add(&transaction, 0, usize::try_from(removed).unwrap_or_default()).await?;
    transaction.commit().await?;
    feed::forget(client, Of::Rejected, &keys.iter().map(|key| Mark::from(*key)).collect()).await
}

impl Erasure {
    /// Says that it has removed so much more.
    pub(super) async fn add(self, transaction: &Transaction<'_>, events: usize, rejected: usize) -> Result<(), Error> {
        let sql = "INSERT INTO erasure (id, erased_at, events, rejected) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE \
                   SET events = erasure.events + excluded.events, rejected = erasure.rejected + excluded.rejected";
        let at = Timestamptz::from(self.at);
        let [events, rejected] = [events, rejected].map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
        let values: [Value<'_>; 4] =
            [(&self.id, Type::UUID), (&at, Type::TIMESTAMPTZ), (&events, Type::INT8), (&rejected, Type::INT8)];
        transaction.execute_typed(sql, &values).await.map(drop)
    }
}

/// Removes those of these events that are there and says how many that were. Whoever calls it is the only one who
/// removes.
async fn remove(transaction: &Transaction<'_>, inserter: &Inserter, keys: &[Mark]) -> Result<usize, Error> {
    if keys.is_empty() {
        return Ok(0);
    }
    let (_, tallied) = inserter.stay(transaction).await?;
    let mut values = Values::default();
    let sql = format!(
        "DELETE FROM event USING unnest({}) AS key (timestamp, id, application) WHERE event.timestamp = key.timestamp \
         AND event.id = key.id AND event.application = key.application \
         RETURNING event.timestamp, event.id, event.application, kind, session",
        values.marks(keys).join(", ")
    );
    let rows = transaction.query_typed(&sql, &values.list()).await?;
    let counted = |row: &Row| Ok(Counted { mark: mark(row, 0)?, kind: row.try_get(3)?, session: row.try_get(4)? });
    let mut removed = rows.iter().map(counted).collect::<Result<Vec<_>, Error>>()?;
    removed.sort_unstable_by_key(|event| event.mark);
    tally::uncount(transaction, &tally::by_list(&removed, &tallied)).await?;
    let sessions: HashSet<i64> = removed.iter().map(|event| event.session).collect();
    emptied::note_empty(transaction, &sessions.into_iter().collect::<Vec<_>>()).await?;
    Ok(removed.len())
}
