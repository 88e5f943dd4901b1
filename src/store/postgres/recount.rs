//! Blocks that are made anew of the events there are, in a transaction beside which nobody inserts.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::fold::Folding;
use super::tally::FULL;
use super::values::{Timestamptz, Value, start};
use crate::store::blocks::{ALL, MANY, Mark, Stretch};

impl Folding<'_> {
    /// Forgets lists of sessions that are gone.
    pub(super) async fn forget(&self, lists: &[i64]) -> Result<(), Error> {
        for table in ["tally", "total", "tally_change"] {
            let sql = format!("DELETE FROM {table} WHERE list = ANY ($1)");
            self.transaction.execute_typed(&sql, &[(&lists, Type::INT8_ARRAY)]).await?;
        }
        Ok(())
    }

    /// Makes blocks of a list that begin with one of these events, which are gone, part of the block before them.
    /// Nothing may still be to be folded.
    pub(super) async fn begin_elsewhere(&self, list: i64, gone: &[Mark]) -> Result<(), Error> {
        let (times, ids): (Vec<_>, Vec<_>) = gone.iter().map(|mark| (Timestamptz::from(*mark), mark.id)).unzip();
        let sql = "SELECT timestamp, id FROM unnest($2, $3) AS gone (timestamp, id) JOIN tally USING (timestamp, id) \
                   WHERE list = $1 AND kind = 0 ORDER BY timestamp, id";
        let values: [Value<'_>; 3] = [(&list, Type::INT8), (&times, Type::TIMESTAMPTZ_ARRAY), (&ids, Type::UUID_ARRAY)];
        let rows = self.transaction.query_typed(sql, &values).await?;
        let before = "SELECT timestamp, id FROM tally WHERE list = $1 AND kind = 0 AND (timestamp, id) < ($2, $3) \
                      ORDER BY timestamp DESC, id DESC LIMIT 1";
        for row in &rows {
            let at = start(row, 0)?;
            let from = self.mark(before, list, at).await?.unwrap_or(Mark::FIRST);
            let to = self.start_after(list, at.next().whole_id()).await?;
            self.make_blocks(list, Stretch { from, to }).await?;
        }
        Ok(())
    }

    /// Counts everything there is.
    pub(super) async fn count_all(&self) -> Result<(), Error> {
        self.transaction
            .batch_execute(
                "DELETE FROM tally_change; DELETE FROM tally; DELETE FROM total; DELETE FROM tallied_session",
            )
            .await?;
        self.count_anew(ALL, Stretch::WHOLE).await?;
        let many = "SELECT session FROM event GROUP BY session HAVING count(*) >= $1";
        let rows = self.transaction.query_typed(many, &[(&i64::from(MANY), Type::INT8)]).await?;
        self.promote(&numbers(&rows)?).await
    }

    /// Counts a stretch of every list that has blocks anew.
    pub(super) async fn count_stretch(&self, stretch: Stretch) -> Result<(), Error> {
        let sessions = self.transaction.query_typed("SELECT session FROM tallied_session", &[]).await?;
        for list in [ALL].into_iter().chain(numbers(&sessions)?) {
            self.count_anew(list, stretch).await?;
        }
        Ok(())
    }

    /// Counts a stretch of a list anew, whatever was said of it, and sums the list up.
    pub(super) async fn count_anew(&self, list: i64, stretch: Stretch) -> Result<(), Error> {
        let before = "SELECT timestamp, id FROM tally WHERE list = $1 AND kind = 0 AND (timestamp, id) <= ($2, $3) \
                      ORDER BY timestamp DESC, id DESC LIMIT 1";
        let from = self.mark(before, list, stretch.from).await?.unwrap_or(Mark::FIRST);
        let to = self.start_after(list, stretch.to).await?;
        self.make_blocks(list, Stretch { from, to }).await?;
        let of_list: [Value<'_>; 1] = [(&list, Type::INT8)];
        self.transaction.execute_typed("DELETE FROM total WHERE list = $1", &of_list).await?;
        let sum = "INSERT INTO total (list, kind, events) \
                   SELECT list, kind, sum(events) FROM tally WHERE list = $1 GROUP BY list, kind";
        self.transaction.execute_typed(sum, &of_list).await.map(drop)
    }

    /// The start of the first block that begins at a mark or behind it, which is where the one before ends.
    pub(super) async fn start_after(&self, list: i64, start: Mark) -> Result<Mark, Error> {
        let sql = "SELECT timestamp, id FROM tally WHERE list = $1 AND kind = 0 AND (timestamp, id) >= ($2, $3) \
                   ORDER BY timestamp, id LIMIT 1";
        Ok(self.mark(sql, list, start).await?.unwrap_or(Mark::LAST))
    }

    async fn mark(&self, sql: &str, list: i64, near: Mark) -> Result<Option<Mark>, Error> {
        let time = Timestamptz::from(near);
        let values: [Value<'_>; 3] = [(&list, Type::INT8), (&time, Type::TIMESTAMPTZ), (&near.id, Type::UUID)];
        self.transaction.query_typed(sql, &values).await?.first().map(|row| start(row, 0)).transpose()
    }

    /// Makes blocks of the events of a stretch, in place of those that begin there. The first one begins
    /// where the stretch does.
    pub(super) async fn make_blocks(&self, list: i64, Stretch { from, to }: Stretch) -> Result<(), Error> {
        let (from_time, to_time) = (Timestamptz::from(from), Timestamptz::from(to));
        let range: [Value<'_>; 5] = [
            (&list, Type::INT8),
            (&from_time, Type::TIMESTAMPTZ),
            (&from.id, Type::UUID),
            (&to_time, Type::TIMESTAMPTZ),
            (&to.id, Type::UUID),
        ];
        let kinds: Value<'_> = (&self.kinds, Type::INT4_ARRAY);
        let full: Value<'_> = (&i64::from(FULL), Type::INT8);
        let remove = "DELETE FROM tally WHERE list = $1 AND kind = ANY ($6) \
                      AND (timestamp, id) >= ($2, $3) AND (timestamp, id) < ($4, $5)";
        self.transaction.execute_typed(remove, &[&range[..], &[kinds]].concat()).await?;
        let of_list = if list == ALL { "$1 = 0" } else { "session = $1" };
        let sql = format!(
            "WITH numbered AS MATERIALIZED ( \
                 SELECT timestamp, id, kind, dense_rank() OVER (ORDER BY timestamp, id) - 1 AS place FROM event \
                 WHERE {of_list} AND timestamp >= $2 AND timestamp <= $4 \
                 AND (timestamp, id) >= ($2, $3) AND (timestamp, id) < ($4, $5)), \
             start AS (SELECT 0 AS piece, $2 AS timestamp, $3 AS id UNION ALL \
                 SELECT DISTINCT place / $6, timestamp, id FROM numbered WHERE place % $6 = 0 AND place > 0), \
             counted AS (SELECT place / $6 AS piece, kind, count(*) AS events FROM numbered GROUP BY 1, 2 UNION ALL \
                 SELECT place / $6, 0, count(*) FROM numbered GROUP BY 1 UNION ALL \
                 SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT FROM numbered)) \
             INSERT INTO tally (list, kind, timestamp, id, events) \
             SELECT $1, kind, timestamp, id, events FROM counted JOIN start USING (piece)"
        );
        self.transaction.execute_typed(&sql, &[&range[..], &[full]].concat()).await.map(drop)
    }
}

fn numbers(rows: &[Row]) -> Result<Vec<i64>, Error> {
    rows.iter().map(|row| row.try_get(0)).collect()
}
