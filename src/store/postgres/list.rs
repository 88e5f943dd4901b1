//! Pages of events. The blocks of [`super::tally`] say how many events there are and near which one a page
//! begins; only from there on rows are read.

use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};
use uuid::Uuid;

use super::partitions;
use super::selection::{Kinds, List, Parts};
use super::tally::FULL;
use super::values::{Values, mark, timestamp};
use crate::event::{Event, EventKind};
use crate::store::blocks::{Mark, Stretch};
use crate::store::page::Plan;
use crate::store::{Order, Page, Query};

/// An event, in the order in which [`events`] reads it.
pub(super) const COLUMNS: &str = "event.timestamp, event.id, session_id, category, name, event.received_at, event.data";

/// The same for a sample, which leaves much `data` out.
pub(super) const SHORT: &str = "event.timestamp, event.id, session_id, category, name, event.received_at, \
    CASE WHEN octet_length(event.data) > 16384 THEN '{}' ELSE event.data END";

/// Where the names behind the numbers are.
pub(super) const NAMES: &str = "JOIN session ON session.number = event.session JOIN kind ON kind.number = event.kind";

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

/// The rows of a page that are still wanted.
struct Wanted {
    order: Order,
    /// Rows to be passed over.
    offset: u64,
    /// Rows to be found.
    limit: u64,
    found: Vec<Event>,
}

impl List<'_> {
    /// The rows of a plan.
    pub(super) async fn read(&self, plan: &Plan) -> Result<Vec<Event>, Error> {
        let stretch = plan.after.map_or(self.stretch, |row| self.stretch.after(row, plan.order));
        let mut wanted = Wanted { order: plan.order, offset: plan.offset, limit: plan.limit, found: Vec::new() };
        if plan.limit == 0 || stretch.is_empty() {
            return Ok(Vec::new());
        }
        // Nearly every row is wanted from the first one on.
        let is_near = self.kinds.is_none() && plan.offset <= u64::from(FULL);
        match self.blocks {
            Some(blocks) if !is_near => self.read_by_blocks(blocks, stretch, &mut wanted).await?,
            _ => self.read_rows(&[stretch], &mut wanted).await?,
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
            "SELECT {} FROM (SELECT key.timestamp, key.id \
                 FROM unnest({stretches}) AS part (timestamp, id, to_timestamp, to_id), \
                 LATERAL (SELECT timestamp, id FROM event WHERE {rows} {in_order} LIMIT {most}) AS key \
                 {in_order} LIMIT {limit} OFFSET {offset}) AS page \
             JOIN event ON event.timestamp = page.timestamp AND event.id = page.id {NAMES} \
             ORDER BY page.timestamp {direction}, page.id {direction}",
            self.columns
        );
        let found = events(&self.transaction.query_typed(&sql, &values.list()).await?)?;
        wanted.limit -= found.len() as u64;
        wanted.offset = 0;
        wanted.found.extend(found);
        Ok(())
    }
}

/// All kinds that were ever stored; there are few.
pub(super) async fn kinds(transaction: &Transaction<'_>) -> Result<Kinds, Error> {
    let rows = transaction.query_typed("SELECT number, category, name FROM kind", &[]).await?;
    let kind = |row: &Row| Ok((row.try_get(0)?, EventKind { category: row.try_get(1)?, name: row.try_get(2)? }));
    rows.iter().map(kind).collect()
}

/// Reads events of these [`COLUMNS`].
pub(super) fn events(rows: &[Row]) -> Result<Vec<Event>, Error> {
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
