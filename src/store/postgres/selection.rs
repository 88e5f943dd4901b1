//! The events that a filter leaves, and how many they are: blocks are summed up, and of those that a time
//! lies in, rows are counted.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use super::list::COLUMNS;
use super::tally::ANY;
use super::values::{Values, start};
use crate::event::{Application, EventKind};
use crate::store::Filter;
use crate::store::blocks::{ALL, Mark, Stretch};

/// All kinds that were ever stored: a kind of event of one application, or of none.
pub(super) type Kinds = HashMap<i32, (Arc<EventKind>, Option<Application>)>;

/// The events that a filter leaves: a list, the stretch of it between two times, and kinds.
pub(super) struct List<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    session: Option<i64>,
    /// The list whose blocks count it; a session of few events has none.
    pub(super) blocks: Option<i64>,
    pub(super) stretch: Stretch,
    /// The kinds that are wanted; all where that is `None`.
    pub(super) kinds: Option<Vec<i32>>,
    /// What is read of events, as [`super::list::events`] wants it.
    pub(super) columns: &'static str,
}

/// A stretch of a list by its blocks: those that lie in it as a whole, and the rest at both ends.
pub(super) struct Parts {
    pub(super) head: Stretch,
    pub(super) whole: Stretch,
    pub(super) tail: Stretch,
}

impl<'a> List<'a> {
    /// `None` if nothing can match.
    pub(super) async fn new(
        transaction: &'a Transaction<'a>,
        filter: &Filter,
        known: &Kinds,
    ) -> Result<Option<Self>, Error> {
        let wants = |(_, (kind, application)): &(&i32, &(Arc<_>, Option<_>))| filter.wants(kind, application.as_ref());
        let mut wanted: Vec<i32> = known.iter().filter(wants).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        if wanted.is_empty() {
            return Ok(None);
        }
        let kinds = (wanted.len() < known.len()).then_some(wanted);
        let all = Self::of_kinds(transaction, kinds, Stretch::of(filter));
        let Some(session_id) = &filter.session_id else { return Ok(Some(all)) };
        let Some((session, is_of_many)) = session(transaction, session_id).await? else { return Ok(None) };
        Ok(Some(Self { session: Some(session), blocks: is_of_many.then_some(session), ..all }))
    }

    /// All events of some kinds in a stretch; of all kinds, if none are given.
    pub(super) fn of_kinds(transaction: &'a Transaction<'a>, kinds: Option<Vec<i32>>, stretch: Stretch) -> Self {
        Self { transaction, session: None, blocks: Some(ALL), stretch, kinds, columns: COLUMNS }
    }

    pub(super) async fn count(&self) -> Result<u64, Error> {
        let Some(blocks) = self.blocks else { return self.count_rows(self.stretch).await };
        if self.stretch == Stretch::WHOLE {
            return self.total(blocks).await;
        }
        if self.stretch.is_empty() {
            return Ok(0);
        }
        let Parts { head, whole, tail } = self.parts(blocks, self.stretch).await?;
        let counts = tokio::try_join!(self.count_rows(head), self.count_blocks(blocks, whole), self.count_rows(tail))?;
        Ok(counts.0 + counts.1 + counts.2)
    }

    /// Cuts a stretch that is not empty at the ends of blocks.
    pub(super) async fn parts(&self, blocks: i64, stretch: Stretch) -> Result<Parts, Error> {
        let mut values = Values::default();
        let ([from, from_id], [to, to_id]) = (values.block(stretch.from), values.block(stretch.to));
        let starts =
            format!("SELECT timestamp, id FROM tally WHERE list = {} AND kind = 0", values.bind(blocks, Type::INT8));
        let sql = format!(
            "SELECT first.timestamp, first.id, last.timestamp, last.id FROM (SELECT) AS one LEFT JOIN \
             ({starts} AND (timestamp, id) >= ({from}, {from_id}) ORDER BY timestamp, id LIMIT 1) AS first ON true LEFT JOIN \
             ({starts} AND (timestamp, id) < ({to}, {to_id}) ORDER BY timestamp DESC, id DESC LIMIT 1) AS last ON true"
        );
        let row = self.transaction.query_typed_one(&sql, &values.list()).await?;
        let first_start = match row.try_get::<_, Option<Uuid>>(1)? {
            Some(_) => start(&row, 0)?,
            None => Mark::LAST,
        };
        let last_end = if stretch.to == Mark::LAST { Mark::LAST } else { start(&row, 2)? };
        Ok(match first_start <= last_end {
            true => Parts {
                head: Stretch { to: first_start, ..stretch },
                whole: Stretch { from: first_start, to: last_end },
                tail: Stretch { from: last_end, ..stretch },
            },
            // All of it lies in one block.
            false => Parts {
                head: stretch,
                whole: Stretch { from: stretch.to, to: stretch.to },
                tail: Stretch { from: stretch.to, to: stretch.to },
            },
        })
    }

    async fn total(&self, blocks: i64) -> Result<u64, Error> {
        let mut values = Values::default();
        let counted = self.counted(("total", "events"), "", blocks, &mut values);
        self.number(&format!("SELECT coalesce(sum(events), 0)::bigint {counted}"), &values).await
    }

    pub(super) async fn count_blocks(&self, blocks: i64, whole: Stretch) -> Result<u64, Error> {
        if whole.is_empty() {
            return Ok(0);
        }
        let mut values = Values::default();
        let of_kinds = self.blocks_of(blocks, whole, &mut values);
        self.number(&format!("SELECT coalesce(sum(events), 0)::bigint {of_kinds}"), &values).await
    }

    pub(super) async fn count_rows(&self, stretch: Stretch) -> Result<u64, Error> {
        if stretch.is_empty() {
            return Ok(0);
        }
        let mut values = Values::default();
        let [from, to] = [stretch.from, stretch.to].map(|end| values.mark(end));
        let sql = format!("SELECT count(*) FROM event WHERE {}", self.rows([&from, &to], &mut values));
        self.number(&sql, &values).await
    }

    async fn number(&self, sql: &str, values: &Values) -> Result<u64, Error> {
        Ok(self.transaction.query_typed_one(sql, &values.list()).await?.try_get::<_, i64>(0)?.unsigned_abs())
    }

    /// The blocks that begin in a stretch, of the wanted kinds, and what was added to them, in SQL.
    pub(super) fn blocks_of(&self, blocks: i64, stretch: Stretch, values: &mut Values) -> String {
        let ([from, from_id], [to, to_id]) = (values.block(stretch.from), values.block(stretch.to));
        let within = format!("AND (timestamp, id) >= ({from}, {from_id}) AND (timestamp, id) < ({to}, {to_id})");
        self.counted(("tally", "kind, timestamp, id, events"), &within, blocks, values)
    }

    /// What columns of a table and the changes to it say of the wanted kinds, in SQL. A look into the table
    /// for each kind: for all of them at once it would read what is not wanted too.
    fn counted(&self, (table, columns): (&str, &str), within: &str, blocks: i64, values: &mut Values) -> String {
        let kinds = values.bind(self.counted_kinds(), Type::INT4_ARRAY);
        let list = values.bind(blocks, Type::INT8);
        format!(
            "FROM (SELECT part.* FROM unnest({kinds}) AS wanted (kind), \
                 LATERAL (SELECT {columns} FROM {table} WHERE list = {list} AND kind = wanted.kind {within}) AS part \
             UNION ALL SELECT {columns} FROM tally_change WHERE list = {list} AND kind = ANY ({kinds}) {within}) AS part"
        )
    }

    /// The rows between two marks, in SQL. That the times alone are compared too lets partitions be
    /// passed over.
    pub(super) fn rows(&self, [from, to]: [&[String; 3]; 2], values: &mut Values) -> String {
        let mut sql = format!(
            "timestamp >= {} AND timestamp <= {} \
             AND (timestamp, id, application) >= ({}) AND (timestamp, id, application) < ({})",
            from[0],
            to[0],
            from.join(", "),
            to.join(", ")
        );
        if let Some(session) = self.session {
            sql.push_str(&format!(" AND session = {}", values.bind(session, Type::INT8)));
        }
        sql.push_str(&self.kinds_in_sql(" AND ", values));
        sql
    }

    /// That a row is of the wanted kinds, in SQL, with what stands before the column; nothing if all are wanted.
    pub(super) fn kinds_in_sql(&self, before: &str, values: &mut Values) -> String {
        match &self.kinds {
            Some(kinds) => format!("{before}kind = ANY ({})", values.bind(kinds.clone(), Type::INT4_ARRAY)),
            None => String::new(),
        }
    }

    /// What stands for the wanted kinds in the tally.
    pub(super) fn counted_kinds(&self) -> Vec<i32> {
        self.kinds.clone().unwrap_or_else(|| vec![ANY])
    }
}

/// A session's number, and whether it has blocks of its own.
async fn session(transaction: &Transaction<'_>, session_id: &str) -> Result<Option<(i64, bool)>, Error> {
    // A text with NUL is none to PostgreSQL, and no session's.
    if session_id.contains('\0') {
        return Ok(None);
    }
    let sql = "SELECT number, EXISTS (SELECT FROM tallied_session WHERE session = number) \
               FROM session WHERE session_id = $1";
    let row = transaction.query_typed(sql, &[(&session_id, Type::TEXT)]).await?;
    row.first().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}
