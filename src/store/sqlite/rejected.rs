//! Rejected events: few enough to be filtered without indexes of their own.

use std::num::NonZeroU32;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params, params_from_iter};
use uuid::Uuid;

use super::{applications, feed};
use crate::event::{Expiry, Rejected, RejectedKind};
use crate::sqlite::rows;
use crate::store::feed::Of;
use crate::store::mentions::mentions;
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Position, Query, ReasonCount};

/// Inserts all in one transaction, and removes the oldest refusals beyond `max_refused`; says how
/// many that were. Dead letters are never removed.
pub(super) fn insert(connection: &mut Connection, rejected: &[Rejected], max_refused: u64) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let columns = rows::REJECTED_COLUMNS;
        let mut insert = transaction.prepare_cached(&format!(
            "INSERT INTO rejected ({columns}, application) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (received_at, id) DO NOTHING"
        ))?;
        let mut new = Vec::with_capacity(rejected.len());
        for rejected in rejected {
            rows::bind_rejected(&mut insert, 1, rejected)?;
            insert.raw_bind_parameter(12, application(&transaction, rejected)?)?;
            if insert.raw_execute()? == 1 {
                new.push(Position::from(rejected).into());
            }
        }
        feed::add(&transaction, Of::Rejected, new.into_iter())?;
    }
    let refused: u64 =
        transaction.query_row("SELECT count(*) FROM rejected WHERE kind = 'refused'", [], |row| row.get(0))?;
    let excess = refused.saturating_sub(max_refused);
    if excess > 0 {
        transaction.execute(
            "DELETE FROM rejected WHERE (received_at, id) IN (SELECT received_at, id FROM rejected \
             WHERE kind = 'refused' ORDER BY received_at, id LIMIT ?1)",
            [excess],
        )?;
    }
    transaction.commit()?;
    Ok(excess)
}

/// What is read of a rejected event, as [`rows::rejected`] wants it.
pub(super) fn columns() -> String {
    format!(
        "{}, application, (SELECT application.name FROM application WHERE number = rejected.application)",
        rows::REJECTED_COLUMNS
    )
}

/// One page, or `None` if there is no page of that number.
pub(super) fn page(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Page<Rejected>>> {
    let (mut conditions, mut values) = conditions(&query.filter);
    let count = connection
        .prepare_cached(&format!("SELECT count(*) FROM rejected {}", clause(&conditions)))?
        .query_row(params_from_iter(&values), |row| row.get(0))?;
    let Some(plan) = Plan::new(query, count) else { return Ok(None) };
    let beyond = match plan.order {
        Order::Descending => "(received_at, id) < (?, ?)",
        Order::Ascending => "(received_at, id) > (?, ?)",
    };
    let direction = plan.order.sql();
    if let Some(position) = plan.after {
        conditions.push(beyond);
        values.push(Value::Integer(position.time.as_micros()));
        values.push(Value::Blob(position.id.as_bytes().to_vec()));
    }
    let sql = format!(
        "SELECT {} FROM rejected {} ORDER BY received_at {direction}, id {direction} LIMIT {} OFFSET {}",
        columns(),
        clause(&conditions),
        plan.limit,
        plan.offset
    );
    let mut statement = connection.prepare(&sql)?;
    let items = statement.query_map(params_from_iter(values), |row| rows::rejected(row, 0))?;
    Ok(Some(plan.page(items.collect::<rusqlite::Result<_>>()?)))
}

/// The rejected event of that id.
pub(super) fn by_id(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Rejected>> {
    let sql = format!("SELECT {} FROM rejected WHERE id = ?1", columns());
    connection.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| rows::rejected(row, 0)).optional()
}

/// How many rejected events a filter leaves, by reason; the most first.
pub(super) fn by_reason(connection: &Connection, filter: &Filter) -> rusqlite::Result<Vec<ReasonCount>> {
    let (conditions, values) = conditions(filter);
    let sql = format!(
        "SELECT kind, reason, count(*) FROM rejected {} GROUP BY reason, kind ORDER BY count(*) DESC, reason, kind",
        clause(&conditions)
    );
    let count = |row: &Row<'_>| {
        let kind: String = row.get(0)?;
        let kind = RejectedKind::parse(&kind).unwrap_or(RejectedKind::DeadLetter);
        Ok(ReasonCount { kind, reason: row.get(1)?, count: row.get(2)? })
    };
    connection.prepare_cached(&sql)?.query_map(params_from_iter(values), count)?.collect()
}

/// Removes these rows, and says how many of them there were.
pub(super) fn remove(connection: &mut Connection, keys: &[Position]) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let removed = remove_keys(&transaction, keys)?;
    transaction.commit()?;
    Ok(removed)
}

/// The same within a transaction.
pub(super) fn remove_keys(connection: &Connection, keys: &[Position]) -> rusqlite::Result<u64> {
    let mut removed = 0;
    let mut remove = connection.prepare_cached("DELETE FROM rejected WHERE received_at = ?1 AND id = ?2")?;
    for key in keys {
        removed += remove.execute(params![key.time.as_micros(), key.id.as_bytes()])? as u64;
    }
    Ok(removed)
}

/// Removes the oldest rows that were received too long ago for their category, whatever they are, and says how many
/// these were. A row whose category could not be read goes by that of all others.
pub(super) fn remove_expired(connection: &Connection, expiry: &Expiry, most: usize) -> rusqlite::Result<usize> {
    let delete = |of: &str| {
        connection.prepare_cached(&format!(
            "DELETE FROM rejected WHERE (received_at, id) IN (SELECT received_at, id FROM rejected \
             WHERE received_at < ?1 AND {of} ORDER BY received_at, id LIMIT ?2)"
        ))
    };
    let mut removed = 0;
    for (category, end) in &expiry.by_category {
        if let Some(end) = end {
            removed += delete("category = ?3")?.execute(params![end.as_micros(), most - removed, category])?;
        }
    }
    if let Some(end) = expiry.others {
        let named: Vec<&String> = expiry.by_category.keys().collect();
        let named = serde_json::to_string(&named).expect("texts are JSON");
        let others = "(category IS NULL OR category NOT IN (SELECT value FROM json_each(?3)))";
        let values = params![end.as_micros(), most - removed, named];
        removed += delete(others)?.execute(values)?;
    }
    Ok(removed)
}

/// Finds a session's rows, of an application if one is named: those that say so, and those of nobody's session that
/// have its id in their body.
pub(super) fn of_session(
    connection: &Connection,
    session_id: &str,
    application: Option<&str>,
) -> rusqlite::Result<Vec<Position>> {
    let sql = "SELECT received_at, id, session_id IS NULL, body FROM rejected \
               WHERE (session_id = ?1 OR session_id IS NULL) AND (?2 IS NULL OR \
               application = (SELECT number FROM application WHERE application.name = ?2)) ORDER BY received_at, id";
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query(params![session_id, application])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if !row.get::<_, bool>(2)? || mentions(row.get_ref(3)?.as_blob()?, session_id) {
            found.push(Position { time: rows::timestamp(row, 0)?, id: rows::uuid(row, 1)?, application: 0 });
        }
    }
    Ok(found)
}

/// The number of its application. A row is kept whatever it says of that.
fn application(connection: &Connection, rejected: &Rejected) -> rusqlite::Result<Option<NonZeroU32>> {
    let Some(application) = &rejected.application else { return Ok(None) };
    Ok(applications::know(connection, application)?.is_ok().then_some(application.number))
}

fn conditions(filter: &Filter) -> (Vec<&'static str>, Vec<Value>) {
    let texts = [
        ("session_id = ?", &filter.session_id),
        ("category = ?", &filter.category),
        ("name = ?", &filter.name),
        ("reason = ?", &filter.reason),
        ("application = (SELECT number FROM application WHERE application.name = ?)", &filter.application),
    ];
    let times = [("received_at >= ?", filter.start_time), ("received_at <= ?", filter.end_time)];
    let texts = texts.into_iter().filter_map(|(sql, text)| Some((sql, Value::Text(text.clone()?))));
    let times = times.into_iter().filter_map(|(sql, time)| Some((sql, Value::Integer(time?.as_micros()))));
    texts.chain(times).unzip()
}

fn clause(conditions: &[&str]) -> String {
    match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    }
}
