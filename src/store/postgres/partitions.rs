//! Which partitions are counted. One that was dropped, emptied, attached or written anew by hand is noticed
//! by the next query, and its events are counted anew.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::fold::Folding;
use super::months::Month;
use super::values::Value;

/// The partitions there are. One that is emptied is in another file.
const PARTITIONS: &str = "SELECT oid, coalesce(pg_relation_filenode(oid), 0), relname::text FROM pg_inherits \
                          JOIN pg_class ON oid = inhrelid WHERE inhparent = 'event'::regclass";

/// Those that are not as they were when they were counted, in SQL that begins behind `FROM`.
const CHANGED: &str = "tallied_partition FULL JOIN found USING (relation, filenode) \
                       WHERE relname IS NULL OR name IS NULL";

/// Partitions as they were looked at, by column.
struct Partitions {
    relations: Vec<u32>,
    filenodes: Vec<u32>,
    names: Vec<String>,
}

/// Whether all partitions are counted as they are.
pub(super) async fn are_counted(transaction: &Transaction<'_>) -> Result<bool, Error> {
    let sql =
        format!("WITH found (relation, filenode, relname) AS ({PARTITIONS}) SELECT NOT EXISTS (SELECT FROM {CHANGED})");
    transaction.query_typed_one(&sql, &[]).await?.try_get(0)
}

/// Counts everything there is, in a database that is brought up to date.
pub(super) async fn count_all(transaction: Transaction<'_>) -> Result<Transaction<'_>, Error> {
    let folding = Folding::of(transaction).await?;
    let partitions = Partitions::find(&folding.transaction).await?;
    folding.count_all().await?;
    partitions.remember(&folding.transaction).await?;
    Ok(folding.transaction)
}

/// Counts those partitions that are not counted as they are.
pub(super) async fn count_changed(client: &mut Client) -> Result<(), Error> {
    let folding = Folding::alone(client).await?;
    folding.transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
    // What is changed behind this look is noticed by the next one.
    let partitions = Partitions::find(&folding.transaction).await?;
    let names = partitions.changed(&folding.transaction).await?;
    if names.is_empty() {
        // Somebody was faster.
        return Ok(());
    }
    match names.iter().map(|name| Month::parse(name)).collect::<Option<Vec<_>>>() {
        Some(months) => {
            folding.fold_all().await?;
            for month in months {
                folding.count_stretch(month.stretch()).await?;
            }
        }
        None => folding.count_all().await?,
    }
    partitions.remember(&folding.transaction).await?;
    folding.transaction.commit().await?;
    tracing::info!(partitions = ?names, "partitions were changed by hand, and their events counted anew");
    Ok(())
}

impl Partitions {
    async fn find(transaction: &Transaction<'_>) -> Result<Self, Error> {
        let mut found = Self { relations: Vec::new(), filenodes: Vec::new(), names: Vec::new() };
        for row in transaction.query_typed(PARTITIONS, &[]).await? {
            found.relations.push(row.try_get(0)?);
            found.filenodes.push(row.try_get(1)?);
            found.names.push(row.try_get(2)?);
        }
        Ok(found)
    }

    fn values(&self) -> [Value<'_>; 3] {
        [(&self.relations, Type::OID_ARRAY), (&self.filenodes, Type::OID_ARRAY), (&self.names, Type::TEXT_ARRAY)]
    }

    /// The names of those that are not counted as they are.
    async fn changed(&self, transaction: &Transaction<'_>) -> Result<Vec<String>, Error> {
        let sql = format!(
            "WITH found (relation, filenode, relname) AS (SELECT * FROM unnest($1, $2, $3)) \
             SELECT DISTINCT coalesce(relname, name) FROM {CHANGED}"
        );
        let rows = transaction.query_typed(&sql, &self.values()).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }

    /// Says that these are counted, and no others.
    async fn remember(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        transaction.execute_typed("DELETE FROM tallied_partition", &[]).await?;
        // A month may just have been made.
        let sql = "INSERT INTO tallied_partition (relation, filenode, name) SELECT * FROM unnest($1, $2, $3) \
                   ON CONFLICT (relation) DO UPDATE SET filenode = excluded.filenode";
        transaction.execute_typed(sql, &self.values()).await.map(drop)
    }
}
