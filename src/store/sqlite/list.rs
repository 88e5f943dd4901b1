//! Pages of events. Each filter has an index in the order of the list, so that a page is read
//! and not sorted.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use uuid::Uuid;

use crate::event::{Event, EventKind};
use crate::sqlite::rows;
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Position, Query};

const COLUMNS: &str = "timestamp, id, session, kind, received_at, data";

/// One page, or `None` if there is no page of that number.
pub(super) fn page(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Page<Event>>> {
    let kinds = kinds(connection)?;
    let rows = Rows::new(connection, &query.filter, &kinds)?;
    let Some(plan) = Plan::new(query, rows.count()?) else { return Ok(None) };
    Ok(Some(plan.page(rows.read(&plan)?)))
}

/// The newest event of that id.
pub(super) fn by_id(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Event>> {
    let kinds = kinds(connection)?;
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT session_id FROM session WHERE number = session) \
         FROM event WHERE id = ?1 ORDER BY timestamp DESC LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| event(row, &kinds)).optional()
}

/// The rows that a filter leaves.
struct Rows<'a> {
    connection: &'a Connection,
    kinds: &'a HashMap<i64, Arc<EventKind>>,
    /// Each leads through one index; their rows are apart. None if nothing can match.
    sources: Vec<Source>,
}

/// A part of the table, and how it is best walked.
#[derive(Clone)]
struct Source {
    index: &'static str,
    conditions: Vec<&'static str>,
    values: Vec<Value>,
}

impl<'a> Rows<'a> {
    fn new(
        connection: &'a Connection,
        filter: &Filter,
        kinds: &'a HashMap<i64, Arc<EventKind>>,
    ) -> rusqlite::Result<Self> {
        let nothing = Self { connection, kinds, sources: Vec::new() };
        let mut source = Source { index: "", conditions: Vec::new(), values: Vec::new() };
        for (condition, time) in [("timestamp >= ?", filter.start_time), ("timestamp <= ?", filter.end_time)] {
            if let Some(time) = time {
                source.push(condition, Value::Integer(time.as_micros()));
            }
        }
        if let Some(session_id) = &filter.session_id {
            let sql = "SELECT number FROM session WHERE session_id = ?1";
            let number = connection.prepare_cached(sql)?.query_row([session_id], |row| row.get(0)).optional()?;
            let Some(number) = number else { return Ok(nothing) };
            source.index = "INDEXED BY event_session";
            source.push("session = ?", Value::Integer(number));
        }
        let mut wanted: Vec<i64> = kinds.iter().filter(|(_, kind)| filter.wants(kind)).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        if wanted.len() == kinds.len() {
            return Ok(Self { sources: vec![source], ..nothing });
        }
        // One walk for each kind, merged: `kind IN (…)` would have to sort what it finds.
        let of_kind = |kind| {
            let mut source = source.clone();
            if source.index.is_empty() {
                source.index = "INDEXED BY event_kind";
            }
            source.push("kind = ?", Value::Integer(kind));
            source
        };
        Ok(Self { sources: wanted.into_iter().map(of_kind).collect(), ..nothing })
    }

    fn count(&self) -> rusqlite::Result<u64> {
        let mut count = 0;
        for source in &self.sources {
            let sql = format!("SELECT count(*) {}", source.clauses());
            let found: u64 =
                self.connection.prepare_cached(&sql)?.query_row(params_from_iter(&source.values), |row| row.get(0))?;
            count += found;
        }
        Ok(count)
    }

    fn read(&self, plan: &Plan) -> rusqlite::Result<Vec<Event>> {
        if self.sources.is_empty() || plan.limit == 0 {
            return Ok(Vec::new());
        }
        let Plan { offset, limit, order, .. } = *plan;
        let mut sources = self.sources.clone();
        if let Some(position) = plan.after {
            for source in &mut sources {
                source.go_on_after(position, order);
            }
        }
        let direction = order.sql();
        // Only keys are walked and skipped; the rows themselves are fetched for the page alone.
        let keys: Vec<_> = sources.iter().map(|source| format!("SELECT timestamp, id {}", source.clauses())).collect();
        let sql = format!(
            "SELECT {COLUMNS}, (SELECT session_id FROM session WHERE number = session) \
             FROM ({} ORDER BY timestamp {direction}, id {direction} LIMIT {limit} OFFSET {offset}) \
             JOIN event USING (timestamp, id) ORDER BY timestamp {direction}, id {direction}",
            keys.join(" UNION ALL ")
        );
        // Not cached: offsets make each text another one.
        let mut statement = self.connection.prepare(&sql)?;
        let values = sources.iter().flat_map(|source| &source.values);
        statement.query_map(params_from_iter(values), |row| event(row, self.kinds))?.collect()
    }
}

impl Source {
    fn go_on_after(&mut self, position: Position, order: Order) {
        let condition = match order {
            Order::Descending => "(timestamp, id) < (?, ?)",
            Order::Ascending => "(timestamp, id) > (?, ?)",
        };
        self.push(condition, Value::Integer(position.time.as_micros()));
        self.values.push(Value::Blob(position.id.as_bytes().to_vec()));
    }

    fn push(&mut self, condition: &'static str, value: Value) {
        self.conditions.push(condition);
        self.values.push(value);
    }

    fn clauses(&self) -> String {
        let conditions = match self.conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", self.conditions.join(" AND ")),
        };
        format!("FROM event {} {conditions}", self.index)
    }
}

/// All kinds that were ever stored; there are few.
fn kinds(connection: &Connection) -> rusqlite::Result<HashMap<i64, Arc<EventKind>>> {
    connection
        .prepare_cached("SELECT number, category, name FROM kind")?
        .query_map([], |row| Ok((row.get(0)?, Arc::new(EventKind { category: row.get(1)?, name: row.get(2)? }))))?
        .collect()
}

fn event(row: &Row<'_>, kinds: &HashMap<i64, Arc<EventKind>>) -> rusqlite::Result<Event> {
    let kind: i64 = row.get(3)?;
    Ok(Event {
        timestamp: rows::timestamp(row, 0)?,
        id: rows::uuid(row, 1)?,
        kind: kinds.get(&kind).cloned().ok_or(rusqlite::Error::IntegralValueOutOfRange(3, kind))?,
        received_at: rows::timestamp(row, 4)?,
        data: row.get(5)?,
        session_id: row.get(6)?,
    })
}
