//! A month of which everything has expired goes as a whole: it is taken out of the table of events, which takes a
//! moment, given a name of its own, and dropped when its sessions are noted.
//!
//! A month that an operator has taken out has another name, and is nobody's business here.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::fold::{self, Folding};
use super::lock::try_lock;
use super::months::{self, Month};
use super::remove::LOCK;
use super::selection::List;
use super::{list, partitions};
use crate::event::Expiry;

/// What stands before the month in the name of a table that is only to be dropped.
const GONE: &str = "event_expired";

/// The oldest month that has expired, if there is one; nothing if partitions have to be counted anew.
pub(super) async fn find(transaction: &Transaction<'_>, expiry: &Expiry) -> Result<Option<Option<Month>>, Error> {
    if !partitions::are_counted(transaction).await? {
        return Ok(None);
    }
    for month in months::all(transaction).await? {
        if has_expired(transaction, expiry, month).await? {
            return Ok(Some(Some(month)));
        }
    }
    Ok(Some(None))
}

/// Whether no event of a month is to be kept, and none that comes will be, as far as kinds are known.
async fn has_expired(transaction: &Transaction<'_>, expiry: &Expiry, month: Month) -> Result<bool, Error> {
    let stretch = month.stretch();
    let kinds = list::kinds(transaction).await?;
    let has_expired = |category: &str| expiry.of(category).is_some_and(|end| stretch.to <= end.into());
    let (expired, kept): (Vec<_>, Vec<_>) = kinds.iter().partition(|(_, (kind, _))| has_expired(&kind.category));
    let kept: Vec<i32> = kept.into_iter().map(|(number, _)| *number).collect();
    if expired.is_empty() {
        return Ok(false);
    }
    Ok(kept.is_empty() || List::of_kinds(transaction, Some(kept), stretch).count().await? == 0)
}

/// Takes an expired month out of the table of events; false if that has to wait.
pub(super) async fn detach(client: &mut Client, expiry: &Expiry, month: Month) -> Result<bool, Error> {
    fold::if_alone(async {
        let folding = Folding::alone(client).await?;
        let transaction = &folding.transaction;
        if !try_lock(transaction, LOCK).await? {
            return Ok(false);
        }
        folding.fold_all().await?;
        // What came since it was found is kept, if it is to be.
        let is_there = months::all(transaction).await?.contains(&month) && partitions::are_counted(transaction).await?;
        if !is_there || !has_expired(transaction, expiry, month).await? {
            return Ok(false);
        }
        let name = month.to_string();
        let gone = name.replacen("event", GONE, 1);
        // A long query keeps it from this, and everybody would queue up behind that.
        let sql = format!(
            "SET LOCAL lock_timeout = '1s'; DELETE FROM tallied_partition WHERE relation = '{name}'::regclass; \
             ALTER TABLE event DETACH PARTITION {name}; ALTER TABLE {name} RENAME TO {gone}; \
             SET LOCAL lock_timeout = '60s'"
        );
        transaction.batch_execute(&sql).await?;
        folding.count_stretch(month.stretch()).await?;
        folding.transaction.commit().await?;
        Ok(true)
    })
    .await
}

/// Drops months that were taken out, and says how many events these had.
pub(super) async fn drop_detached(client: &mut Client) -> Result<u64, Error> {
    let pattern = format!("{}\\_%", GONE.replace('_', "\\_"));
    let sql = "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
               AND relkind = 'r' AND NOT relispartition AND relname LIKE $1";
    let rows = client.query_typed(sql, &[(&pattern, Type::TEXT)]).await?;
    let mut events = 0;
    for row in &rows {
        let name: String = row.try_get(0)?;
        // Nothing but what [`detach`] makes: `event_expired_2026_01`.
        if Month::parse(&name.replacen(GONE, "event", 1))
            .is_none_or(|month| name != month.to_string().replacen("event", GONE, 1))
        {
            continue;
        }
        let transaction = client.transaction().await?;
        if !try_lock(&transaction, LOCK).await? {
            return Ok(events);
        }
        transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
        let sql = format!("SELECT count(*) FROM {name}");
        let of_month: i64 = transaction.query_typed_one(&sql, &[]).await?.try_get(0)?;
        let sql = format!(
            "INSERT INTO emptied_session (session) SELECT DISTINCT session FROM {name} ON CONFLICT DO NOTHING; DROP TABLE {name}"
        );
        transaction.batch_execute(&sql).await?;
        transaction.commit().await?;
        tracing::info!(table = name, events = of_month, "a month that had expired was dropped");
        events += of_month.unsigned_abs();
    }
    Ok(events)
}
