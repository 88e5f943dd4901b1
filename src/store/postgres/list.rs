//! Pages of events. The blocks of [`super::tally`] say how many events there are and near which one a page
//! begins; only from there on rows are read.

use std::num::NonZeroU32;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};
use uuid::Uuid;

use super::partitions;
use super::selection::{Kinds, List, Parts};
use super::tally::FULL;
use super::values::{Values, start, timestamp};
use crate::event::{Application, Event, EventKind};
use crate::store::blocks::{Mark, Stretch};
use crate::store::page::Plan;
use crate::store::{Order, Page, Query};

/// What is read of an event beside its data. Where there is no application, none is looked up.
macro_rules! columns {
    () => {
        "event.timestamp, event.id, event.application, session_id, category, kind.name, event.received_at, event.address, \
         CASE WHEN event.application > 0 THEN (SELECT application.name FROM application WHERE number = event.application) END"
    };
}

/// An event, in the order in which [`events`] reads it.
pub(super) const COLUMNS: &str = concat!("event.data, ", columns!());

/// The same for a sample, which leaves much `data` out.
pub(super) const SHORT: &str =
    concat!("CASE WHEN octet_length(event.data) > 16384 THEN '{}' ELSE event.data END, ", columns!());

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

/// The newest event of that id, of that application if one is given.
pub(super) async fn by_id(
    transaction: &Transaction<'_>,
    id: Uuid,
    application: Option<&str>,
) -> Result<Option<Event>, Error> {
    if application.is_some_and(|name| name.contains('\0')) {
        return Ok(None);
    }
    // Found first and sorted then: else a planner may walk through all times to the first of that id.
    let sql = format!(
        "WITH event AS MATERIALIZED (SELECT * FROM event WHERE id = $1 \
             AND ($2 IS NULL OR application = (SELECT number FROM application WHERE name = $2))) \
         SELECT {COLUMNS} FROM event {NAMES} ORDER BY event.timestamp DESC, event.application DESC LIMIT 1"
    );
    let rows = transaction.query_typed(&sql, &[(&id, Type::UUID), (&application, Type::TEXT)]).await?;
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
        let picked = rows.iter().map(block).collect::<Result<Vec<_>, _>>()?;
        self.read_rows(&picked, wanted).await
    }

    /// The first blocks that have events of the wanted kinds, as far as they lie in a stretch, in that order.
    pub(super) async fn first_blocks(
        &self,
        blocks: i64,
        stretch: Stretch,
        order: Order,
        most: u64,
    ) -> Result<Vec<Stretch>, Error> {
        let mut values = Values::default();
        let direction = order.sql();
        let begin = values.block(stretch.from.next());
        // The first one may begin before the stretch does.
        let list = values.bind(blocks, Type::INT8);
        let sql = format!(
            "SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 AND (timestamp, id) < ({}) \
             ORDER BY timestamp DESC, id DESC LIMIT 1",
            begin.join(", ")
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let from = rows.first().map_or(Ok(Mark::FIRST), |row| start(row, 0))?;
        let mut values = Values::default();
        let of_kinds = self.blocks_of(blocks, Stretch { from, ..stretch }, &mut values);
        let (list, most) = (values.bind(blocks, Type::INT8), values.number(most));
        let sql = format!(
            "SELECT block.timestamp, block.id, behind.timestamp, behind.id FROM ( \
                 SELECT timestamp, id {of_kinds} GROUP BY timestamp, id HAVING sum(events) > 0 \
                 ORDER BY timestamp {direction}, id {direction} LIMIT {most}) AS block \
             LEFT JOIN LATERAL (SELECT timestamp, id FROM tally WHERE list = {list} AND kind = 0 \
                 AND (timestamp, id) > (block.timestamp, block.id) ORDER BY timestamp, id LIMIT 1) AS behind ON true \
             ORDER BY block.timestamp {direction}, block.id {direction}"
        );
        let rows = self.transaction.query_typed(&sql, &values.list()).await?;
        let part =
            |row| block(row).map(|block| Stretch { from: block.from.max(stretch.from), to: block.to.min(stretch.to) });
        rows.iter().map(part).collect()
    }

    /// A query for the keys of its events in some stretches, of each so many at most, in that order within it.
    pub(super) fn keys(&self, stretches: &[Stretch], in_order: &str, most: &str, values: &mut Values) -> String {
        let end = |end: fn(&Stretch) -> Mark| stretches.iter().map(end).collect::<Vec<_>>();
        let (from, to) = (end(|stretch| stretch.from), end(|stretch| stretch.to));
        let stretches = [values.marks(&from), values.marks(&to)].concat().join(", ");
        let [from, to] =
            ["", "to_"].map(|end| ["timestamp", "id", "application"].map(|part| format!("part.{end}{part}")));
        let rows = self.rows([&from, &to], values);
        format!(
            "SELECT key.timestamp, key.id, key.application \
             FROM unnest({stretches}) AS part (timestamp, id, application, to_timestamp, to_id, to_application), \
             LATERAL (SELECT timestamp, id, application FROM event WHERE {rows} {in_order} LIMIT {most}) AS key"
        )
    }

    /// Reads from stretches that are in order, and of which only the first and the last one may hold more
    /// rows than are wanted.
    async fn read_rows(&self, stretches: &[Stretch], wanted: &mut Wanted) -> Result<(), Error> {
        let mut values = Values::default();
        let direction = wanted.order.sql();
        let in_order = format!("ORDER BY timestamp {direction}, id {direction}, application {direction}");
        let [offset, limit, most] =
            [wanted.offset, wanted.limit, wanted.offset + wanted.limit].map(|rows| values.number(rows));
        let keys = self.keys(stretches, &in_order, &most, &mut values);
        // Only keys are walked and passed over; the rows themselves are fetched for the page alone.
        let sql = format!(
            "SELECT {} FROM ({keys} {in_order} LIMIT {limit} OFFSET {offset}) AS page \
             JOIN event ON event.timestamp = page.timestamp AND event.id = page.id AND event.application = page.application \
             {NAMES} ORDER BY page.timestamp {direction}, page.id {direction}, page.application {direction}",
            self.columns
        );
        let found = events(&self.transaction.query_typed(&sql, &values.list()).await?)?;
        wanted.limit -= found.len() as u64;
        wanted.offset = 0;
        wanted.found.extend(found);
        Ok(())
    }
}

/// Reads a block from where it begins and where the next one does, if there is one.
fn block(row: &Row) -> Result<Stretch, Error> {
    let is_last = row.try_get::<_, Option<Uuid>>(3)?.is_none();
    Ok(Stretch { from: start(row, 0)?, to: if is_last { Mark::LAST } else { start(row, 2)? } })
}

/// All kinds that were ever stored; there are few.
pub(super) async fn kinds(transaction: &Transaction<'_>) -> Result<Kinds, Error> {
    let sql = "SELECT kind.number, category, kind.name, application, application.name \
               FROM kind LEFT JOIN application ON application.number = kind.application";
    let rows = transaction.query_typed(sql, &[]).await?;
    let kind = |row: &Row| {
        let kind = Arc::new(EventKind { category: row.try_get(1)?, name: row.try_get(2)? });
        Ok((row.try_get(0)?, (kind, application_of(row, 3, 4)?)))
    };
    rows.iter().map(kind).collect()
}

/// Reads an application from the columns of its number and its name.
pub(super) fn application_of(row: &Row, number: usize, name: usize) -> Result<Option<Application>, Error> {
    let number = row.try_get::<_, Option<i32>>(number)?.and_then(|number| NonZeroU32::new(number.unsigned_abs()));
    let Some(number) = number else { return Ok(None) };
    Ok(row.try_get::<_, Option<String>>(name)?.map(|name| Application { number, name }))
}

/// Reads events of these [`COLUMNS`].
pub(super) fn events(rows: &[Row]) -> Result<Vec<Event>, Error> {
    let (mut last, mut last_application): (Option<Arc<EventKind>>, Option<Arc<Application>>) = (None, None);
    let event = |row: &Row| {
        let (category, name): (&str, &str) = (row.try_get(5)?, row.try_get(6)?);
        // Neighbours are mostly of one kind.
        let kind = match last.take() {
            Some(kind) if (kind.category.as_str(), kind.name.as_str()) == (category, name) => kind,
            _ => Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() }),
        };
        last = Some(kind.clone());
        let application = application_of(row, 3, 9)?.map(|application| match last_application.take() {
            Some(last) if *last == application => last,
            _ => Arc::new(application),
        });
        last_application.clone_from(&application);
        Ok(Event {
            data: row.try_get(0)?,
            timestamp: timestamp(row, 1)?,
            id: row.try_get(2)?,
            session_id: row.try_get(4)?,
            kind,
            received_at: timestamp(row, 7)?,
            application,
            address: row.try_get(8)?,
        })
    };
    rows.iter().map(event).collect()
}
