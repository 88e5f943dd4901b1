//! What inserts have appended goes into the blocks; blocks that have become too full are cut up, and
//! sessions of many get blocks of their own. One at a time does this, while nobody inserts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::lock::lock;
use super::tally::{ANY, Changes, LOCK, TOO_FULL};
use super::values::{Value, start};
use crate::store::blocks::{MANY, Mark, Stretch};

/// Folding is due when this process has inserted so many events, or any and so long ago.
const EVENTS: u64 = 50_000;
const PAUSE: Duration = Duration::from_secs(1);

/// Changes that are folded in one transaction.
const AT_ONCE: u64 = 100_000;

/// Changes that were folded and still take room in their table, from which on that is freed.
const FREE_AT: u64 = 10_000;

/// What this process inserted and nobody has folded yet, as far as it knows.
#[derive(Debug)]
pub(super) struct Unfolded {
    events: AtomicU64,
    /// Sessions that may have become of many.
    sessions: Mutex<Vec<i64>>,
    due: Notify,
}

impl Default for Unfolded {
    fn default() -> Self {
        // A process that has ended may have left something.
        Self { events: AtomicU64::new(1), sessions: Mutex::default(), due: Notify::new() }
    }
}

impl Unfolded {
    pub(super) fn add(&self, events: usize, sessions: impl IntoIterator<Item = i64>) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).extend(sessions);
        if self.events.fetch_add(events as u64, Ordering::Relaxed) + events as u64 >= EVENTS {
            self.due.notify_one();
        }
    }

    /// Waits until folding is due, or may be.
    pub(super) async fn due(&self) {
        let _ = tokio::time::timeout(PAUSE, self.due.notified()).await;
    }

    /// Takes what there is, and says how many events that are; `None` if none.
    pub(super) fn take(&self) -> Option<(u64, Vec<i64>)> {
        let events = self.events.swap(0, Ordering::Relaxed);
        let sessions = || std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        (events > 0).then(|| (events, sessions()))
    }
}

/// Folds all changes into the blocks, and gives those of the sessions that have become of many blocks
/// of their own. Says how many changes there were.
pub(super) async fn fold(client: &mut Client, sessions: &[i64]) -> Result<u64, Error> {
    let (mut changes, mut noticed) = (0, Noticed::default());
    loop {
        let folding = Folding::alone(client).await?;
        let folded = folding.fold_some(&mut noticed).await?;
        changes += folded;
        if folded < AT_ONCE {
            // A block is cut up by the events in it, so nothing of them may still be to be folded.
            folding.tidy(&noticed).await?;
            folding.promote(sessions).await?;
        }
        folding.transaction.commit().await?;
        if folded < AT_ONCE {
            return Ok(changes);
        }
    }
}

/// Does what has to be done while nobody inserts; false if somebody does for too long just now.
pub(super) async fn if_alone(work: impl Future<Output = Result<bool, Error>>) -> Result<bool, Error> {
    match work.await {
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(false),
        result => result,
    }
}

/// Frees the room of changes that were folded, if they are many.
pub(super) async fn free(client: &Client, folded: &mut u64) -> Result<(), Error> {
    if *folded >= FREE_AT {
        *folded = 0;
        client.batch_execute("VACUUM (TRUNCATE false) tally_change").await?;
    }
    Ok(())
}

/// What folding leaves to be done about blocks.
#[derive(Debug, Default)]
struct Noticed {
    too_full: Vec<(i64, Mark)>,
    /// Blocks that had no events of a kind, or of any.
    empty: Changes,
}

/// A transaction beside which nobody inserts.
pub(super) struct Folding<'a> {
    pub(super) transaction: Transaction<'a>,
    /// All kinds there are, and all together.
    pub(super) kinds: Vec<i32>,
}

impl<'a> Folding<'a> {
    /// Whoever inserts waits behind this, so it does not wait long itself: a worker may be frozen in its
    /// transaction.
    pub(super) async fn alone(client: &'a mut Client) -> Result<Self, Error> {
        let transaction = client.transaction().await?;
        transaction.batch_execute("SET LOCAL lock_timeout = '1s'").await?;
        let folding = Self::of(transaction).await?;
        folding.transaction.batch_execute("SET LOCAL lock_timeout = '60s'").await?;
        Ok(folding)
    }

    pub(super) async fn of(transaction: Transaction<'a>) -> Result<Self, Error> {
        lock(&transaction, LOCK).await?;
        let rows = transaction.query_typed("SELECT number FROM kind", &[]).await?;
        let kinds = rows.iter().map(|row| row.try_get(0)).chain([Ok(ANY)]).collect::<Result<_, _>>()?;
        Ok(Self { transaction, kinds })
    }

    /// Folds at most [`AT_ONCE`] changes, says how many that were, and notices what is to be done about blocks then.
    async fn fold_some(&self, noticed: &mut Noticed) -> Result<u64, Error> {
        let sql = "WITH gone AS (DELETE FROM tally_change \
                       WHERE ctid = ANY (ARRAY(SELECT ctid FROM tally_change LIMIT $2)) \
                       RETURNING list, kind, timestamp, id, events), \
                   added AS (INSERT INTO total (list, kind, events) \
                       SELECT list, kind, sum(events) FROM gone GROUP BY list, kind \
                       ON CONFLICT (list, kind) DO UPDATE SET events = total.events + excluded.events), \
                   folded AS (INSERT INTO tally (list, kind, timestamp, id, events) \
                       SELECT list, kind, timestamp, id, sum(events) FROM gone GROUP BY list, kind, timestamp, id \
                       ORDER BY list, kind, timestamp, id \
                       ON CONFLICT (list, kind, timestamp, id) DO UPDATE SET events = tally.events + excluded.events \
                       RETURNING list, kind, timestamp, id, events) \
                   SELECT (SELECT count(*) FROM gone), list, timestamp, id, kind, events FROM (SELECT) AS one \
                   LEFT JOIN folded ON kind = 0 AND events > $1 OR events = 0";
        let [full, most] = [i64::from(TOO_FULL), AT_ONCE.cast_signed()];
        let rows = self.transaction.query_typed(sql, &[(&full, Type::INT8), (&most, Type::INT8)]).await?;
        for row in &rows {
            let Some(list) = row.try_get(1)? else { continue };
            match row.try_get::<_, i32>(5)? {
                0 => noticed.empty.add(list, row.try_get(4)?, start(row, 2)?, 0),
                _ => noticed.too_full.push((list, start(row, 2)?)),
            }
        }
        let changes = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
        Ok(changes.unwrap_or_default().unsigned_abs())
    }

    /// Folds all changes, however many.
    pub(super) async fn fold_all(&self) -> Result<(), Error> {
        let mut noticed = Noticed::default();
        while self.fold_some(&mut noticed).await? == AT_ONCE {}
        self.tidy(&noticed).await
    }

    /// Removes blocks that have no events, but for the first one of a list, and cuts up those that have too many.
    async fn tidy(&self, noticed: &Noticed) -> Result<(), Error> {
        let Changes { lists, kinds, times, ids, .. } = &noticed.empty;
        if !lists.is_empty() {
            let sql = "DELETE FROM tally USING unnest($1, $2, $3, $4) AS empty (list, kind, timestamp, id) \
                       WHERE tally.list = empty.list AND tally.kind = empty.kind AND tally.timestamp = empty.timestamp \
                       AND tally.id = empty.id AND events = 0 AND (tally.kind > 0 OR tally.timestamp > '-infinity')";
            let values: [Value<'_>; 4] = [
                (lists, Type::INT8_ARRAY),
                (kinds, Type::INT4_ARRAY),
                (times, Type::TIMESTAMPTZ_ARRAY),
                (ids, Type::UUID_ARRAY),
            ];
            self.transaction.execute_typed(sql, &values).await?;
        }
        self.cut_up(&noticed.too_full).await
    }

    async fn cut_up(&self, blocks: &[(i64, Mark)]) -> Result<(), Error> {
        for &(list, from) in blocks {
            let to = self.start_after(list, from.next().whole_id()).await?;
            self.make_blocks(list, Stretch { from, to }).await?;
        }
        Ok(())
    }

    /// Gives those of the sessions blocks of their own that are of many and have none.
    pub(super) async fn promote(&self, sessions: &[i64]) -> Result<(), Error> {
        let sql = "INSERT INTO tallied_session (session) SELECT DISTINCT number FROM unnest($1) AS candidate (number) \
                   WHERE $2 <= (SELECT count(*) FROM (SELECT FROM event WHERE session = number LIMIT $2) AS counted) \
                   ON CONFLICT (session) DO NOTHING RETURNING session";
        let values: [Value<'_>; 2] = [(&sessions, Type::INT8_ARRAY), (&i64::from(MANY), Type::INT8)];
        for row in self.transaction.query_typed(sql, &values).await? {
            self.count_anew(row.try_get(0)?, Stretch::WHOLE).await?;
        }
        Ok(())
    }
}
