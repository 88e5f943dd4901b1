//! Lists of sessions: a walk over events, of which each session's last one stands for it.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};

use super::partitions;
use super::values::{Values, mark, timestamp};
use crate::store::blocks::Stretch;
use crate::store::session::MOST_WALKED;
use crate::store::{Filter, Order, Position, Session, SessionQuery, Sessions};

/// Events that are walked by in the first query, and in each one after it: most pages end with the first.
const FIRST_STRIDE: usize = 250;
const STRIDE: usize = 2500;

/// A page of sessions; nothing if events have to be counted anew.
pub(super) async fn page(transaction: &Transaction<'_>, query: &SessionQuery) -> Result<Option<Sessions>, Error> {
    if !partitions::are_counted(transaction).await? {
        return Ok(None);
    }
    let filter = Filter { start_time: query.start_time, end_time: query.end_time, ..Filter::default() };
    let (stretch, order, wanted) = (Stretch::of(&filter), query.order, query.size as usize);
    let mut walk = Walk { transaction, stretch, order, next: query.after, found: Vec::new() };
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
    let numbers: Vec<i64> = found.into_iter().map(|(session, _)| session).collect();
    Ok(Some(Sessions { items: details(transaction, &numbers).await?, next }))
}

/// One session, if it has events; nothing if events have to be counted anew.
pub(super) async fn by_id(transaction: &Transaction<'_>, session_id: &str) -> Result<Option<Option<Session>>, Error> {
    if !partitions::are_counted(transaction).await? {
        return Ok(None);
    }
    if session_id.contains('\0') {
        return Ok(Some(None));
    }
    let sql = "SELECT number FROM session WHERE session_id = $1 \
               AND EXISTS (SELECT FROM event WHERE session = session.number)";
    let rows = transaction.query_typed(sql, &[(&session_id, Type::TEXT)]).await?;
    let number = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(Some(details(transaction, number.as_slice()).await?.pop()))
}

/// A page that is being found.
struct Walk<'a> {
    transaction: &'a Transaction<'a>,
    stretch: Stretch,
    order: Order,
    /// Where to go on, unless the walk is at its end.
    next: Option<Position>,
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
                Some(session) => self.found.push((session, at)),
                None => self.next = (row.try_get::<_, i64>(3)? >= events as i64).then_some(at),
            }
        }
        Ok(self.next.is_some())
    }
}

/// What a list shows of these sessions, in their order. Those of many are counted by the tally.
async fn details(transaction: &Transaction<'_>, sessions: &[i64]) -> Result<Vec<Session>, Error> {
    let sql = "SELECT first.timestamp, first.id, last.timestamp, last.id, session_id, events.events \
               FROM unnest($1) WITH ORDINALITY AS wanted (number, place) JOIN session USING (number) \
               LEFT JOIN (SELECT list, sum(events) AS events FROM (SELECT list, events FROM total WHERE kind = 0 \
                       UNION ALL SELECT list, events FROM tally_change WHERE kind = 0) AS part \
                   WHERE list = ANY ($1) GROUP BY list) AS many ON many.list = number, \
               LATERAL (SELECT timestamp, id FROM event WHERE session = number ORDER BY timestamp, id LIMIT 1) AS first, \
               LATERAL (SELECT timestamp, id FROM event WHERE session = number \
                        ORDER BY timestamp DESC, id DESC LIMIT 1) AS last, \
               LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM tallied_session AS tallied WHERE tallied.session = number) \
                   THEN many.events::bigint ELSE (SELECT count(*) FROM event WHERE session = number) END AS events) AS events \
               ORDER BY place";
    let rows = transaction.query_typed(sql, &[(&sessions, Type::INT8_ARRAY)]).await?;
    let details = |row: &Row| {
        Ok(Session {
            first: Position { time: timestamp(row, 0)?, id: row.try_get(1)? },
            last: Position { time: timestamp(row, 2)?, id: row.try_get(3)? },
            session_id: row.try_get(4)?,
            events: row.try_get::<_, i64>(5)?.unsigned_abs(),
        })
    };
    rows.iter().map(details).collect()
}
