//! Lists of sessions: a walk over events, of which each session's last one stands for it.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

use super::list::kinds;
use super::partitions;
use super::selection::{Kinds, List};
use super::values::{Values, mark, timestamp};
use crate::store::blocks::Stretch;
use crate::store::session::MOST_WALKED;
use crate::store::{Filter, Order, Position, Session, SessionQuery, Sessions};

/// Events that are walked by in the first query, and in each one after it: most pages end with the first.
const FIRST_STRIDE: usize = 250;
const STRIDE: usize = 2500;

/// A page of sessions; nothing if events have to be counted anew.
pub(super) async fn page(transaction: &Transaction<'_>, query: &SessionQuery) -> Result<Option<Sessions>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let filter = Filter { start_time: query.start_time, end_time: query.end_time, ..Filter::default() };
    let (stretch, order, wanted) = (Stretch::of(&filter), query.order, query.size as usize);
    let mut walk = Walk { transaction, stretch, order, next: query.after, seen: HashSet::new(), found: Vec::new() };
    let (mut walked, mut stride) = (0, FIRST_STRIDE);
    while walked < MOST_WALKED && walk.found.len() <= wanted && walk.step(stride).await? {
        walked += stride;
        stride = STRIDE;
    }
    let Walk { mut found, mut next, .. } = walk;
    if found.len() > wanted {
        found.truncate(wanted);
        next = found.last().map(|(_, at)| *at);
    }
    let mut items = Vec::with_capacity(found.len());
    for (session, _) in found {
        items.push(details(transaction, &known, session).await?);
    }
    Ok(Some(Sessions { items, next }))
}

/// One session, if it has events; nothing if events have to be counted anew.
pub(super) async fn by_id(transaction: &Transaction<'_>, session_id: &str) -> Result<Option<Option<Session>>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    if session_id.contains('\0') {
        return Ok(Some(None));
    }
    let sql = "SELECT number FROM session WHERE session_id = $1 \
               AND EXISTS (SELECT FROM event WHERE session = session.number)";
    let rows = transaction.query_typed(sql, &[(&session_id, Type::TEXT)]).await?;
    Ok(Some(match rows.first() {
        Some(row) => Some(details(transaction, &known, row.try_get(0)?).await?),
        None => None,
    }))
}

/// A page that is being found.
struct Walk<'a> {
    transaction: &'a Transaction<'a>,
    stretch: Stretch,
    order: Order,
    /// Where to go on, unless the walk is at its end.
    next: Option<Position>,
    seen: HashSet<i64>,
    /// Sessions by number, each with the event that stands for it.
    found: Vec<(i64, Position)>,
}

impl Walk<'_> {
    /// Walks by so many events, and says whether there may be more.
    async fn step(&mut self, events: usize) -> Result<bool, Error> {
        let rest = self.next.take().map_or(self.stretch, |row| self.stretch.after(row, self.order));
        if rest.is_empty() {
            return Ok(false);
        }
        let mut values = Values::default();
        let ([from, from_id], [to, to_id]) = (values.mark(rest.from), values.mark(rest.to));
        let [end, end_id] = values.mark(self.stretch.to);
        let (direction, back) = (self.order.sql(), self.order.reversed().sql());
        let stride = values.number(events as u64);
        let sql = format!(
            "WITH walked AS MATERIALIZED (SELECT timestamp, id, session FROM event \
                 WHERE timestamp >= {from} AND timestamp <= {to} \
                 AND (timestamp, id) >= ({from}, {from_id}) AND (timestamp, id) < ({to}, {to_id}) \
                 ORDER BY timestamp {direction}, id {direction} LIMIT {stride}), \
             newest AS (SELECT DISTINCT ON (session) * FROM walked ORDER BY session, timestamp DESC, id DESC) \
             (SELECT timestamp, id, session, 0::bigint FROM newest WHERE NOT EXISTS (SELECT FROM event AS later \
                  WHERE later.session = newest.session AND later.timestamp >= newest.timestamp \
                  AND (later.timestamp, later.id) > (newest.timestamp, newest.id) \
                  AND (later.timestamp, later.id) < ({end}, {end_id})) \
              ORDER BY timestamp {direction}, id {direction}) \
             UNION ALL \
             (SELECT timestamp, id, NULL, count(*) OVER () FROM walked ORDER BY timestamp {back}, id {back} LIMIT 1)"
        );
        for row in &self.transaction.query_typed(&sql, &values.list()).await? {
            let at = Position { time: timestamp(row, 0)?, id: mark(row, 0)?.id };
            match row.try_get::<_, Option<i64>>(2)? {
                Some(session) if self.seen.insert(session) => self.found.push((session, at)),
                Some(_) => (),
                None => self.next = (row.try_get::<_, i64>(3)? >= events as i64).then_some(at),
            }
        }
        Ok(self.next.is_some())
    }
}

async fn details(transaction: &Transaction<'_>, known: &Kinds, session: i64) -> Result<Session, Error> {
    let sql = "SELECT first.timestamp, first.id, last.timestamp, last.id, session_id FROM session, \
               LATERAL (SELECT timestamp, id FROM event WHERE session = number ORDER BY timestamp, id LIMIT 1) AS first, \
               LATERAL (SELECT timestamp, id FROM event WHERE session = number \
                        ORDER BY timestamp DESC, id DESC LIMIT 1) AS last \
               WHERE number = $1";
    let row = transaction.query_typed_one(sql, &[(&session, Type::INT8)]).await?;
    let [first, last] = [0, 2].map(|at| Ok(Position { time: timestamp(&row, at)?, id: row.try_get(at + 1)? }));
    let session_id: String = row.try_get(4)?;
    let filter = Filter { session_id: Some(session_id.clone()), ..Filter::default() };
    let events = match List::new(transaction, &filter, known).await? {
        Some(list) => list.count().await?,
        None => 0,
    };
    Ok(Session { session_id, events, first: first?, last: last? })
}
