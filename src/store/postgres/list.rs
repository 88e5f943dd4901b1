//! Pages of events. Each filter has an index in the order of the list, so that a page is read
//! and not sorted.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};
use uuid::Uuid;

use super::values::{Values, timestamp};
use crate::event::{Event, EventKind, Timestamp};
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Position, Query};

const COLUMNS: &str = "event.timestamp, event.id, session_id, category, name, event.received_at, event.data";

/// Where the names behind the numbers are.
const NAMES: &str = "JOIN session ON session.number = event.session JOIN kind ON kind.number = event.kind";

/// One page, or `None` if there is no page of that number.
pub(super) async fn page(transaction: &Transaction<'_>, query: &Query) -> Result<Option<Page<Event>>, Error> {
    let kinds = kinds(transaction).await?;
    let rows = Rows { transaction, walks: Walks::new(transaction, &query.filter, &kinds).await? };
    let Some(plan) = Plan::new(query, rows.count().await?) else { return Ok(None) };
    Ok(Some(plan.page(rows.read(&plan).await?)))
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

type Kinds = HashMap<i32, EventKind>;

/// The rows that a filter leaves.
struct Rows<'a> {
    transaction: &'a Transaction<'a>,
    walks: Walks,
}

/// Parts of the table that are apart, each in the order of one index; none if nothing can match.
struct Walks {
    /// What is asked of the rows of all parts.
    common: Vec<Condition>,
    /// The kind of each part, or one part of whatever kind.
    kinds: Vec<Option<i32>>,
}

/// A comparison with a value.
#[derive(Clone)]
enum Condition {
    From(Timestamp),
    To(Timestamp),
    Session(i64),
    Beyond(Position, Order),
}

impl Walks {
    async fn new(transaction: &Transaction<'_>, filter: &Filter, kinds: &Kinds) -> Result<Self, Error> {
        let mut common = Vec::new();
        common.extend(filter.start_time.map(Condition::From));
        common.extend(filter.end_time.map(Condition::To));
        if let Some(session_id) = &filter.session_id {
            let Some(number) = session(transaction, session_id).await? else {
                return Ok(Self { common, kinds: Vec::new() });
            };
            common.push(Condition::Session(number));
        }
        let mut wanted: Vec<i32> = kinds.iter().filter(|(_, kind)| filter.wants(kind)).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        // One walk for each kind, merged: `kind = ANY (…)` would have to sort what it finds.
        let wanted = match wanted.len() == kinds.len() {
            true => vec![None],
            false => wanted.into_iter().map(Some).collect(),
        };
        Ok(Self { common, kinds: wanted })
    }

    /// The texts that select those columns, a part each.
    fn selects(&self, columns: &str, values: &mut Values) -> Vec<String> {
        let common: Vec<String> = self.common.iter().map(|condition| condition.sql(values)).collect();
        let select = |kind: &Option<i32>| {
            let kind = kind.map(|kind| format!("kind = {}", values.bind(kind, Type::INT4)));
            let conditions: Vec<String> = common.iter().cloned().chain(kind).collect();
            let condition = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
            format!("SELECT {columns} FROM event WHERE {condition}")
        };
        self.kinds.iter().map(select).collect()
    }
}

impl Condition {
    fn sql(&self, values: &mut Values) -> String {
        match self {
            Self::From(time) => format!("timestamp >= {}", values.time(*time)),
            Self::To(time) => format!("timestamp <= {}", values.time(*time)),
            Self::Session(number) => format!("session = {}", values.bind(*number, Type::INT8)),
            Self::Beyond(position, order) => {
                let comparison = match order {
                    Order::Descending => "<",
                    Order::Ascending => ">",
                };
                format!(
                    "(timestamp, id) {comparison} ({}, {})",
                    values.time(position.time),
                    values.bind(position.id, Type::UUID)
                )
            }
        }
    }
}

impl Rows<'_> {
    async fn count(&self) -> Result<u64, Error> {
        if self.walks.kinds.is_empty() {
            return Ok(0);
        }
        let mut values = Values::default();
        let counts = self.walks.selects("count(*)", &mut values);
        let counts: Vec<_> = counts.iter().map(|count| format!("({count})")).collect();
        let sql = format!("SELECT {}", counts.join(" + "));
        let count: i64 = self.transaction.query_typed_one(&sql, &values.list()).await?.try_get(0)?;
        Ok(count.unsigned_abs())
    }

    async fn read(&self, plan: &Plan) -> Result<Vec<Event>, Error> {
        if self.walks.kinds.is_empty() || plan.limit == 0 {
            return Ok(Vec::new());
        }
        let Plan { offset, limit, order, .. } = *plan;
        let mut common = self.walks.common.clone();
        common.extend(plan.after.map(|position| Condition::Beyond(position, order)));
        let mut values = Values::default();
        let keys = Walks { common, kinds: self.walks.kinds.clone() }.selects("timestamp, id", &mut values);
        let direction = order.sql();
        // Only keys are walked and skipped; the rows themselves are fetched for the page alone.
        let sql = format!(
            "SELECT {COLUMNS} FROM ({} ORDER BY timestamp {direction}, id {direction} LIMIT {} OFFSET {}) AS page \
             JOIN event ON event.timestamp = page.timestamp AND event.id = page.id {NAMES} \
             ORDER BY page.timestamp {direction}, page.id {direction}",
            keys.join(" UNION ALL "),
            values.bind(i64::try_from(limit).unwrap_or(i64::MAX), Type::INT8),
            values.bind(i64::try_from(offset).unwrap_or(i64::MAX), Type::INT8),
        );
        events(&self.transaction.query_typed(&sql, &values.list()).await?)
    }
}

/// All kinds that were ever stored; there are few.
async fn kinds(transaction: &Transaction<'_>) -> Result<Kinds, Error> {
    let rows = transaction.query_typed("SELECT number, category, name FROM kind", &[]).await?;
    let kind = |row: &Row| Ok((row.try_get(0)?, EventKind { category: row.try_get(1)?, name: row.try_get(2)? }));
    rows.iter().map(kind).collect()
}

async fn session(transaction: &Transaction<'_>, session_id: &str) -> Result<Option<i64>, Error> {
    // A text with NUL is none to PostgreSQL, and no session's.
    if session_id.contains('\0') {
        return Ok(None);
    }
    let sql = "SELECT number FROM session WHERE session_id = $1";
    let row = transaction.query_typed(sql, &[(&session_id, Type::TEXT)]).await?;
    row.first().map(|row| row.try_get(0)).transpose()
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
