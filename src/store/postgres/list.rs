//! Pages of events. The blocks of [`super::tally`] say how many events there are and near which one a page
//! begins; only from there on rows are read.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};
use uuid::Uuid;

use super::partitions;
use super::tally::ANY;
use super::values::{Values, mark, timestamp};
use crate::event::{Event, EventKind};
use crate::store::blocks::{ALL, FULL, Mark, Stretch};
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Query};

const COLUMNS: &str = "event.timestamp, event.id, session_id, category, name, event.received_at, event.data";

/// Where the names behind the numbers are.
const NAMES: &str = "JOIN session ON session.number = event.session JOIN kind ON kind.number = event.kind";

/// One page, or `None` if there is no page of that number; nothing if events have to be counted anew.
pub(super) async fn page(transaction: &Transaction<'_>, query: &Query) -> Result<Option<Found>, Error> {
    let (counted, kinds) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let Some(list) = List::new(transaction, &query.filter, &kinds).await? else {
        return Ok(Some(Plan::new(query, 0).map(|plan| plan.page(Vec::new()))));
    };
    let Some(plan) = Plan::new(query, list.count().await?) else { return Ok(Some(None)) };
    Ok(Some(Some(plan.page(list.read(&plan).await?))))
}

/// The newest event of that id.
pub(super) async fn by_id(transaction: &Transaction<'_>, id: Uuid) -> Result<Option<Event>, Error> {
    // Found first and sorted then: else a planner may walk through all times to the first of that id.
    let sql = format!(
        "WITH event AS MATERIALIZED (SELECT * FROM event WHERE id = $1) \
         SELECT {COLUMNS} FROM event {NAMES} ORDER BY event.timestamp DESC LIMIT 1"
    );
    let rows = transaction.query_typed(&sql, &[(&id, Type::UUID)]).await?;
    Ok(events(&rows)?.pop())
}

/// A page of events, or that there is none of that number.
type Found = Option<Page<Event>>;

type Kinds = HashMap<i32, EventKind>;

/// The events that a filter leaves: a list, the stretch of it between two times, and kinds.
struct List<'a> {
    transaction: &'a Transaction<'a>,
    session: Option<i64>,
    /// The list whose blocks count it; a session of few events has none.
    blocks: Option<i64>,
    stretch: Stretch,
    /// The kinds that are wanted; all where that is `None`.
    kinds: Option<Vec<i32>>,
}

/// A stretch of a list by its blocks: those that lie in it as a whole, and the rest at both ends.
struct Parts {
    head: Stretch,
    whole: Stretch,
    tail: Stretch,
}

/// The rows of a page that are still wanted.
struct Wanted {
    order: Order,
    /// Rows to be passed over.
    offset: u64,
    /// Rows to be found.
    limit: u64,
    found: Vec<Event>,
}

impl<'a> List<'a> {
    /// `None` if nothing can match.
    async fn new(transaction: &'a Transaction<'a>, filter: &Filter, known: &Kinds) -> Result<Option<Self>, Error> {
        let mut wanted: Vec<i32> = known.iter().filter(|(_, kind)| filter.wants(kind)).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        if wanted.is_empty() {
            return Ok(None);
        }
        let kinds = (wanted.len() < known.len()).then_some(wanted);
        let all = Self { transaction, session: None, blocks: Some(ALL), stretch: Stretch::of(filter), kinds };
        let Some(session_id) = &filter.session_id else { return Ok(Some(all)) };
        let Some((session, is_of_many)) = session(transaction, session_id).await? else { return Ok(None) };
        Ok(Some(Self { session: Some(session), blocks: is_of_many.then_some(session), ..all }))
    }

    async fn count(&self) -> Result<u64, Error> {
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

    async fn read(&self, plan: &Plan) -> Result<Vec<Event>, Error> {
        let stretch = plan.after.map_or(self.stretch, |row| self.stretch.after(row, plan.order));
        let mut wanted = Wanted { order: plan.order, offset: plan.offset, limit: plan.limit, found: Vec::new() };
        if plan.limit == 0 || stretch.is_empty() {
            return Ok(Vec::new());
        }
        match self.blocks {
            // Nearly every row is wanted from the first one on.
            Some(_) if self.kinds.is_none() && plan.offset <= u64::from(FULL) => {
                self.read_rows(&[stretch], &mut wanted).await?;
            }
            Some(blocks) => self.read_by_blocks(blocks, stretch, &mut wanted).await?,
            None => self.read_rows(&[stretch], &mut wanted).await?,
        }
        Ok(wanted.found)
    }

    /// Passes over whole blocks as far as that goes, and reads on from there.
    async fn read_by_blocks(&self, blocks: i64, stretch: Stretch, wanted: &mut Wanted) -> Result<(), Error> {
        let Parts { head, whole, tail } = self.parts(blocks, stretch).await?;
        let (first, last) = match wanted.order {
            Order::Ascending => (head, tail),
            Order::Descending => (tail, head),
        };
        self.read_part(first, wanted).await?;
        if wanted.limit > 0 && !whole.is_empty() {
            self.read_blocks(blocks, whole, wanted).await?;
        }
        self.read_part(last, wanted).await
    }

    /// Reads from a part of a block.
    async fn read_part(&self, part: Stretch, wanted: &mut Wanted) -> Result<(), Error> {
        if wanted.limit == 0 || part.is_empty() {
            return Ok(());
        }
        if wanted.offset > 0 {
            let events = self.count_rows(part).await?;
            if wanted.offset >= events {
                wanted.offset -= events;
                return Ok(());
            }
        }
        self.read_rows(&[part], wanted).await
    }

    /// Reads from blocks that lie in a stretch as a whole.
    async fn read_blocks(&self, blocks: i64, whole: Stretch, wanted: &mut Wanted) -> Result<(), Error> {
        let mut values = Values::default();
        let direction = wanted.order.sql();
        let of_kinds = self.blocks_of(blocks, whole, &mut values);
        let [offset, limit] = [wanted.offset, wanted.limit].map(|rows| values.number(rows));
        let list = values.bind(blocks, Type::INT8);
        let sql = format!(
            "SELECT block.timestamp, block.id, behind.timestamp, behind.id, before::bigint FROM ( \
                 SELECT timestamp, id, events, sum(events) OVER (ORDER BY timestamp {direction}, id {direction}) - events \
                 AS before FROM (SELECT timestamp, id, sum(events)::integer AS events {of_kinds} GROUP BY timestamp, id) AS block \
                 WHERE events > 0) AS block \
             LEFT JOIN LATERAL (SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 \
                 AND (timestamp, id) > (block.timestamp, block.id) ORDER BY timestamp, id LIMIT 1) AS behind ON true \
             WHERE before + events > {offset} AND before < {offset} + {limit} ORDER BY before"
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let Some(first) = rows.first() else {
            wanted.offset -= self.count_blocks(blocks, whole).await?;
            return Ok(());
        };
        wanted.offset -= first.try_get::<_, i64>(4)?.unsigned_abs();
        let block = |row: &Row| -> Result<Stretch, Error> {
            let is_last = row.try_get::<_, Option<Uuid>>(3)?.is_none();
            Ok(Stretch { from: mark(row, 0)?, to: if is_last { Mark::LAST } else { mark(row, 2)? } })
        };
        let picked = rows.iter().map(block).collect::<Result<Vec<_>, _>>()?;
        self.read_rows(&picked, wanted).await
    }

    /// Cuts a stretch that is not empty at the ends of blocks.
    async fn parts(&self, blocks: i64, stretch: Stretch) -> Result<Parts, Error> {
        let mut values = Values::default();
        let ([from, from_id], [to, to_id]) = (values.mark(stretch.from), values.mark(stretch.to));
        let starts =
            format!("SELECT timestamp, id FROM tally WHERE list = {} AND kind = 0", values.bind(blocks, Type::INT8));
        let sql = format!(
            "SELECT first.timestamp, first.id, last.timestamp, last.id FROM (SELECT) AS one LEFT JOIN \
             ({starts} AND (timestamp, id) >= ({from}, {from_id}) ORDER BY timestamp, id LIMIT 1) AS first ON true LEFT JOIN \
             ({starts} AND (timestamp, id) < ({to}, {to_id}) ORDER BY timestamp DESC, id DESC LIMIT 1) AS last ON true"
        );
        let row = self.transaction.query_typed_one(&sql, &values.list()).await?;
        let first_start = match row.try_get::<_, Option<Uuid>>(1)? {
            Some(_) => mark(&row, 0)?,
            None => Mark::LAST,
        };
        let last_end = if stretch.to == Mark::LAST { Mark::LAST } else { mark(&row, 2)? };
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

    async fn count_blocks(&self, blocks: i64, whole: Stretch) -> Result<u64, Error> {
        if whole.is_empty() {
            return Ok(0);
        }
        let mut values = Values::default();
        let of_kinds = self.blocks_of(blocks, whole, &mut values);
        self.number(&format!("SELECT coalesce(sum(events), 0)::bigint {of_kinds}"), &values).await
    }

    async fn count_rows(&self, stretch: Stretch) -> Result<u64, Error> {
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
    fn blocks_of(&self, blocks: i64, stretch: Stretch, values: &mut Values) -> String {
        let ([from, from_id], [to, to_id]) = (values.mark(stretch.from), values.mark(stretch.to));
        let within = format!("AND (timestamp, id) >= ({from}, {from_id}) AND (timestamp, id) < ({to}, {to_id})");
        self.counted(("tally", "timestamp, id, events"), &within, blocks, values)
    }

    /// What columns of a table and the changes to it say of the wanted kinds, in SQL. A look into the table
    /// for each kind: for all of them at once it would read what is not wanted too.
    fn counted(&self, (table, columns): (&str, &str), within: &str, blocks: i64, values: &mut Values) -> String {
        let kinds = values.bind(self.kinds.clone().unwrap_or_else(|| vec![ANY]), Type::INT4_ARRAY);
        let list = values.bind(blocks, Type::INT8);
        format!(
            "FROM (SELECT part.* FROM unnest({kinds}) AS wanted (kind), \
                 LATERAL (SELECT {columns} FROM {table} WHERE list = {list} AND kind = wanted.kind {within}) AS part \
             UNION ALL SELECT {columns} FROM tally_change WHERE list = {list} AND kind = ANY ({kinds}) {within}) AS part"
        )
    }

    /// The rows between two marks, in SQL. That the times alone are compared too lets partitions be
    /// passed over.
    fn rows(&self, [[from, from_id], [to, to_id]]: [&[String; 2]; 2], values: &mut Values) -> String {
        let mut sql = format!(
            "timestamp >= {from} AND timestamp <= {to} \
             AND (timestamp, id) >= ({from}, {from_id}) AND (timestamp, id) < ({to}, {to_id})"
        );
        if let Some(session) = self.session {
            sql.push_str(&format!(" AND session = {}", values.bind(session, Type::INT8)));
        }
        if let Some(kinds) = &self.kinds {
            sql.push_str(&format!(" AND kind = ANY ({})", values.bind(kinds.clone(), Type::INT4_ARRAY)));
        }
        sql
    }

    /// Reads from stretches that are in order, and of which only the first and the last one may hold more
    /// rows than are wanted.
    async fn read_rows(&self, stretches: &[Stretch], wanted: &mut Wanted) -> Result<(), Error> {
        let mut values = Values::default();
        let direction = wanted.order.sql();
        let in_order = format!("ORDER BY timestamp {direction}, id {direction}");
        let end = |end: fn(&Stretch) -> Mark| stretches.iter().map(end).collect::<Vec<_>>();
        let (from, to) = (end(|stretch| stretch.from), end(|stretch| stretch.to));
        let stretches = [values.marks(&from), values.marks(&to)].concat().join(", ");
        let [from, to] = ["", "to_"].map(|end| [format!("part.{end}timestamp"), format!("part.{end}id")]);
        let rows = self.rows([&from, &to], &mut values);
        let [offset, limit, most] =
            [wanted.offset, wanted.limit, wanted.offset + wanted.limit].map(|rows| values.number(rows));
        // Only keys are walked and passed over; the rows themselves are fetched for the page alone.
        let sql = format!(
            "SELECT {COLUMNS} FROM (SELECT key.timestamp, key.id \
                 FROM unnest({stretches}) AS part (timestamp, id, to_timestamp, to_id), \
                 LATERAL (SELECT timestamp, id FROM event WHERE {rows} {in_order} LIMIT {most}) AS key \
                 {in_order} LIMIT {limit} OFFSET {offset}) AS page \
             JOIN event ON event.timestamp = page.timestamp AND event.id = page.id {NAMES} \
             ORDER BY page.timestamp {direction}, page.id {direction}"
        );
        let found = events(&self.transaction.query_typed(&sql, &values.list()).await?)?;
        wanted.limit -= found.len() as u64;
        wanted.offset = 0;
        wanted.found.extend(found);
        Ok(())
    }
}

/// All kinds that were ever stored; there are few.
async fn kinds(transaction: &Transaction<'_>) -> Result<Kinds, Error> {
    let rows = transaction.query_typed("SELECT number, category, name FROM kind", &[]).await?;
    let kind = |row: &Row| Ok((row.try_get(0)?, EventKind { category: row.try_get(1)?, name: row.try_get(2)? }));
    rows.iter().map(kind).collect()
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

fn events(rows: &[Row]) -> Result<Vec<Event>, Error> {
    let mut last: Option<Arc<EventKind>> = None;
    let event = |row: &Row| {
        let (category, name): (&str, &str) = (row.try_get(3)?, row.try_get(4)?);
        // Neighbours are mostly of one kind.
        let kind = match last.take() {
            Some(kind) if (kind.category.as_str(), kind.name.as_str()) == (category, name) => kind,
            _ => Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() }),
        };
        last = Some(kind.clone());
        Ok(Event {
            timestamp: timestamp(row, 0)?,
            id: row.try_get(1)?,
            session_id: row.try_get(2)?,
            kind,
            received_at: timestamp(row, 5)?,
            data: row.try_get(6)?,
        })
    };
    rows.iter().map(event).collect()
}
