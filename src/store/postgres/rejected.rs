//! Rejected events: few enough to be filtered without indexes of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Transaction};
use uuid::Uuid;

use super::list::application_of;
use super::lock::lock;
use super::values::{Timestamptz, Value, Values, position, timestamp};
use super::{applications, feed};
use crate::event::{Application, Rejected, RejectedKind};
use crate::store::blocks::Mark;
use crate::store::feed::Of;
use crate::store::mentions::mentions;
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Position, Query, ReasonCount};

const COLUMNS: &str = "id, kind, reason, errors, received_at, body, truncated, session_id, category, name, size";

/// Taken by whoever inserts: two that remove the same oldest rows would wait for each other. "EyeR"
pub(super) const LOCK: i32 = 0x4579_6552;

/// Inserts all in one transaction, and removes the oldest refusals beyond `max_refused`; says how
/// many that were. Dead letters are never removed.
pub(super) async fn insert(client: &mut Client, rejected: &[Rejected], max_refused: u64) -> Result<u64, Error> {
    let applications = known(client, rejected).await?;
    let transaction = client.transaction().await?;
    lock(&transaction, LOCK).await?;
    let sql = format!(
        "INSERT INTO rejected ({COLUMNS}, application) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT DO NOTHING"
    );
    let insert = transaction.prepare(&sql).await?;
    let mut new = Vec::with_capacity(rejected.len());
    for rejected in rejected {
        let Rejected { id, reason, errors, body, truncated, .. } = rejected;
        let (kind, received_at) = (rejected.kind.as_str(), Timestamptz::from(rejected.received_at));
        let described = [&rejected.session_id, &rejected.category, &rejected.name];
        let [session_id, category, name] = described;
        let application = rejected.application.as_ref().and_then(|application| applications.get(application));
        let size = i64::try_from(rejected.size).unwrap_or(i64::MAX);
        let values: [&(dyn ToSql + Sync); 12] =
            [id, &kind, reason, errors, &received_at, body, truncated, session_id, category, name, &size, &application];
        if transaction.execute(&insert, &values).await? == 1 {
            new.push(Position::from(rejected).into());
        }
    }
    feed::add(&transaction, Of::Rejected, &new).await?;
    let count = "SELECT count(*) FROM rejected WHERE kind = 'refused'";
    let refused: i64 = transaction.query_typed_one(count, &[]).await?.try_get(0)?;
    let excess = refused.unsigned_abs().saturating_sub(max_refused);
    if excess > 0 {
        let sql = "DELETE FROM rejected WHERE (received_at, id) IN (SELECT received_at, id FROM rejected \
                   WHERE kind = 'refused' ORDER BY received_at, id LIMIT $1)";
        let most = i64::try_from(excess).unwrap_or(i64::MAX);
        transaction.execute_typed(sql, &[(&most, Type::INT8)]).await?;
    }
    transaction.commit().await?;
    Ok(excess)
}

/// The numbers of the applications of these rows that the database knows as they do. A row is kept whatever it says
/// of that.
async fn known<'a>(
    client: &mut Client,
    rejected: &'a [Rejected],
) -> Result<BTreeMap<&'a Arc<Application>, i32>, Error> {
    let applications: BTreeSet<_> = rejected.iter().filter_map(|rejected| rejected.application.as_ref()).collect();
    let mut known = BTreeMap::new();
    for application in applications {
        if applications::know(client, application).await?.is_ok() {
            known.insert(application, application.number.get().cast_signed());
        }
    }
    Ok(known)
}

/// What is read of a rejected event, as [`rejected`] wants it.
pub(super) fn columns() -> String {
    let name = "(SELECT application.name FROM application WHERE number = rejected.application)";
    format!("{COLUMNS}, application, CASE WHEN application IS NOT NULL THEN {name} END")
}

/// One page, or `None` if there is no page of that number.
pub(super) async fn page(transaction: &Transaction<'_>, query: &Query) -> Result<Option<Page<Rejected>>, Error> {
    let mut values = Values::default();
    let conditions = conditions(&query.filter, &mut values);
    let sql = format!("SELECT count(*) FROM rejected WHERE {conditions}");
    let count: i64 = transaction.query_typed_one(&sql, &values.list()).await?.try_get(0)?;
    let Some(plan) = Plan::new(query, count.unsigned_abs()) else { return Ok(None) };
    let beyond = plan.after.map_or_else(String::new, |position| {
        let comparison = match plan.order {
            Order::Descending => "<",
            Order::Ascending => ">",
        };
        let (time, id) = (values.time(position.time), values.bind(position.id, Type::UUID));
        format!("AND (received_at, id) {comparison} ({time}, {id})")
    });
    let direction = plan.order.sql();
    let sql = format!(
        "SELECT {} FROM rejected WHERE {conditions} {beyond} \
         ORDER BY received_at {direction}, id {direction} LIMIT {} OFFSET {}",
        columns(),
        values.bind(i64::try_from(plan.limit).unwrap_or(i64::MAX), Type::INT8),
        values.bind(i64::try_from(plan.offset).unwrap_or(i64::MAX), Type::INT8),
    );
    let rows = transaction.query_typed(&sql, &values.list()).await?;
    Ok(Some(plan.page(rows.iter().map(rejected).collect::<Result<_, Error>>()?)))
}

/// The rejected event of that id.
pub(super) async fn by_id(transaction: &Transaction<'_>, id: Uuid) -> Result<Option<Rejected>, Error> {
    let sql = format!("SELECT {} FROM rejected WHERE id = $1 LIMIT 1", columns());
    let rows = transaction.query_typed(&sql, &[(&id, Type::UUID)]).await?;
    rows.first().map(rejected).transpose()
}

/// How many rejected events a filter leaves, by reason; the most first.
pub(super) async fn by_reason(transaction: &Transaction<'_>, filter: &Filter) -> Result<Vec<ReasonCount>, Error> {
    let mut values = Values::default();
    let conditions = conditions(filter, &mut values);
    let sql = format!(
        "SELECT kind, reason, count(*) FROM rejected WHERE {conditions} GROUP BY kind, reason \
         ORDER BY count(*) DESC, reason COLLATE \"C\", kind"
    );
    let count = |row: &Row| {
        let kind: &str = row.try_get(0)?;
        let kind = RejectedKind::parse(kind).unwrap_or(RejectedKind::DeadLetter);
        Ok(ReasonCount { kind, reason: row.try_get(1)?, count: row.try_get::<_, i64>(2)?.unsigned_abs() })
    };
    transaction.query_typed(&sql, &values.list()).await?.iter().map(count).collect()
}

/// Removes these rows, and says how many of them there were.
pub(super) async fn remove(client: &mut Client, keys: &[Position]) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    let removed = remove_keys(&transaction, keys).await?;
    transaction.commit().await?;
    Ok(removed)
}

/// The same within a transaction.
pub(super) async fn remove_keys(transaction: &Transaction<'_>, keys: &[Position]) -> Result<u64, Error> {
    let (times, ids): (Vec<_>, Vec<_>) = keys.iter().map(|key| (Timestamptz::from(key.time), key.id)).unzip();
    let sql = "DELETE FROM rejected USING unnest($1, $2) AS key (received_at, id) \
               WHERE rejected.received_at = key.received_at AND rejected.id = key.id";
    transaction.execute_typed(sql, &[(&times, Type::TIMESTAMPTZ_ARRAY), (&ids, Type::UUID_ARRAY)]).await
}

/// Rows that are read at once to be looked through.
const LOOKED_THROUGH: i64 = 200;

/// Looks through some rows behind a place for a session's, of an application if one is named: those that say so, and those
/// of nobody's session that have its id in their body. Gives them, and where to go on.
pub(super) async fn of_session(
    transaction: &Transaction<'_>,
    session_id: &str,
    application: Option<&str>,
    after: Option<Position>,
) -> Result<(Vec<Position>, Option<Position>), Error> {
    if [Some(session_id), application].into_iter().flatten().any(|text| text.contains('\0')) {
        return Ok((Vec::new(), None));
    }
    let (time, id) = after.map_or((Timestamptz::from(Mark::FIRST), Uuid::nil()), |row| (row.time.into(), row.id));
    let sql = "SELECT received_at, id, 0, CASE WHEN session_id IS NULL THEN body END FROM rejected \
               WHERE (session_id = $1 OR session_id IS NULL) AND (received_at, id) > ($3, $4) AND ($2 IS NULL OR \
               application = (SELECT number FROM application WHERE application.name = $2)) \
               ORDER BY received_at, id LIMIT $5";
    let values: [Value<'_>; 5] = [
        (&session_id, Type::TEXT),
        (&application, Type::TEXT),
        (&time, Type::TIMESTAMPTZ),
        (&id, Type::UUID),
        (&LOOKED_THROUGH, Type::INT8),
    ];
    let rows = transaction.query_typed(sql, &values).await?;
    let mut found = Vec::new();
    for row in &rows {
        if row.try_get::<_, Option<&[u8]>>(3)?.is_none_or(|body| mentions(body, session_id)) {
            found.push(position(row, 0)?);
        }
    }
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == LOOKED_THROUGH);
    let last = rows.last().filter(|_| is_full).map(|row| position(row, 0)).transpose()?;
    Ok((found, last))
}

fn conditions(filter: &Filter, values: &mut Values) -> String {
    let texts = [
        ("session_id", &filter.session_id),
        ("category", &filter.category),
        ("name", &filter.name),
        ("reason", &filter.reason),
        ("(SELECT application.name FROM application WHERE number = rejected.application)", &filter.application),
    ];
    let mut conditions = vec!["true".to_owned()];
    for (column, text) in texts {
        match text {
            // A text with NUL is none to PostgreSQL, and nobody's.
            Some(text) if text.contains('\0') => conditions.push("false".to_owned()),
            Some(text) => conditions.push(format!("{column} = {}", values.text(text))),
            None => (),
        }
    }
    for (comparison, time) in [(">=", filter.start_time), ("<=", filter.end_time)] {
        conditions.extend(time.map(|time| format!("received_at {comparison} {}", values.time(time))));
    }
    conditions.join(" AND ")
}

/// Reads a row of these [`columns`].
pub(super) fn rejected(row: &Row) -> Result<Rejected, Error> {
    let kind: &str = row.try_get(1)?;
    let body: Vec<u8> = row.try_get(5)?;
    // Rows that were written before the column was there have none.
    let size: Option<i64> = row.try_get(10)?;
    Ok(Rejected {
        id: row.try_get(0)?,
        // The column holds two words, of which one is for dead letters.
        kind: RejectedKind::parse(kind).unwrap_or(RejectedKind::DeadLetter),
        reason: row.try_get(2)?,
        errors: row.try_get(3)?,
        received_at: timestamp(row, 4)?,
        size: size.map_or(body.len() as u64, i64::unsigned_abs),
        body,
        truncated: row.try_get(6)?,
        session_id: row.try_get(7)?,
        category: row.try_get(8)?,
        name: row.try_get(9)?,
        application: application_of(row, 11, 12)?.map(Arc::new),
    })
}
