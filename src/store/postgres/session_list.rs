//! Lists of sessions: a walk over events, of which each session's last one stands for it.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row, Transaction};

use super::list::kinds;
use super::partitions;
use super::selection::List;
use super::values::{Values, position};
use crate::store::blocks::{ALL, Mark, Stretch};
use crate::store::session::MOST_WALKED;
use crate::store::{Filter, Order, Position, Session, SessionQuery, Sessions};

/// Events that are walked by in the first query, and in each one after it: most pages end with the first.
const FIRST_STRIDE: usize = 250;
const STRIDE: usize = 2500;

/// Blocks that are looked through at once for the events of some kinds.
const BLOCKS: u64 = 40;

/// A page of sessions; nothing if events have to be counted anew.
pub(super) async fn page(transaction: &Transaction<'_>, query: &SessionQuery) -> Result<Option<Sessions>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let application = query.application.clone();
    let (start_time, end_time) = (query.start_time, query.end_time);
    let filter = Filter { start_time, end_time, application, ..Filter::default() };
    let Some(list) = List::new(transaction, &filter, &known).await? else { return Ok(Some(Sessions::default())) };
    let wanted = query.size as usize;
    let mut walk = Walk { list: &list, order: query.order, next: query.after, found: Vec::new() };
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
    Ok(Some(Sessions { items: details(&list, &numbers).await?, next }))
}

/// One session, if it has events, of an application if one is given; nothing if events have to be counted anew.
pub(super) async fn by_id(
    transaction: &Transaction<'_>,
    session_id: &str,
    application: Option<&str>,
) -> Result<Option<Option<Session>>, Error> {
    let (counted, known) = tokio::try_join!(partitions::are_counted(transaction), kinds(transaction))?;
    if !counted {
        return Ok(None);
    }
    let filter = Filter { application: application.map(str::to_owned), ..Filter::default() };
    let Some(list) = List::new(transaction, &filter, &known).await? else { return Ok(Some(None)) };
    if session_id.contains('\0') {
        return Ok(Some(None));
    }
    let sql = "SELECT number FROM session WHERE session_id = $1";
    let rows = transaction.query_typed(sql, &[(&session_id, Type::TEXT)]).await?;
    let number = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(Some(details(&list, number.as_slice()).await?.pop()))
}

/// A page that is being found.
struct Walk<'a> {
    list: &'a List<'a>,
    order: Order,
    /// Where to go on, unless the walk is at its end.
    next: Option<Position>,
    /// Sessions by number, each with the event that stands for it.
    found: Vec<(i64, Position)>,
}

impl Walk<'_> {
    /// Walks by so many events, and says whether there may be more.
    async fn step(&mut self, events: usize) -> Result<bool, Error> {
        let whole = self.list.stretch;
        let rest = self.next.take().map_or(whole, |row| whole.after(row, self.order));
        if rest.is_empty() {
            return Ok(false);
        }
        let stretches = match &self.list.kinds {
            None => vec![rest],
            // They may be few and far between: only blocks that have some are walked through.
            Some(_) => self.list.first_blocks(ALL, rest, self.order, BLOCKS).await?,
        };
        let is_all = self.list.kinds.is_none() || (stretches.len() as u64) < BLOCKS;
        let mut values = Values::default();
        let (direction, back) = (self.order.sql(), self.order.reversed().sql());
        let in_order = |direction| format!("ORDER BY timestamp {direction}, id {direction}, application {direction}");
        let (forth, back) = (in_order(direction), in_order(back));
        let stride = values.number(events as u64);
        let end = |end: fn(&Stretch) -> Mark| stretches.iter().map(end).collect::<Vec<_>>();
        let (from, to) = (end(|stretch| stretch.from), end(|stretch| stretch.to));
        let parts = [values.marks(&from), values.marks(&to)].concat().join(", ");
        let [from, to] =
            ["", "to_"].map(|end| ["timestamp", "id", "application"].map(|part| format!("part.{end}{part}")));
        let rows = self.list.rows([&from, &to], &mut values);
        let last = values.mark(whole.to).join(", ");
        let kinds = self.list.kinds_in_sql("AND later.", &mut values);
        let sql = format!(
            "WITH walked AS MATERIALIZED (SELECT key.* \
                 FROM unnest({parts}) AS part (timestamp, id, application, to_timestamp, to_id, to_application), \
                 LATERAL (SELECT timestamp, id, application, session FROM event WHERE {rows} {forth} LIMIT {stride}) AS key \
                 {forth} LIMIT {stride}), \
             newest AS (SELECT DISTINCT ON (session) * FROM walked \
                 ORDER BY session, timestamp DESC, id DESC, application DESC) \
             (SELECT timestamp, id, application, session, 0::bigint FROM newest WHERE NOT EXISTS (SELECT FROM event AS later \
                  WHERE later.session = newest.session AND later.timestamp >= newest.timestamp \
                  AND (later.timestamp, later.id, later.application) > (newest.timestamp, newest.id, newest.application) \
                  AND (later.timestamp, later.id, later.application) < ({last}) {kinds}) {forth}) \
             UNION ALL \
             (SELECT timestamp, id, application, NULL, count(*) OVER () FROM walked {back} LIMIT 1)"
        );
        for row in &self.list.transaction.query_typed(&sql, &values.list()).await? {
            let at = position(row, 0)?;
            match row.try_get::<_, Option<i64>>(3)? {
                Some(session) => self.found.push((session, at)),
                None => self.next = (!is_all || row.try_get::<_, i64>(4)? >= events as i64).then_some(at),
            }
        }
        Ok(self.next.is_some())
    }
}

/// What a list shows of these sessions, in their order, as far as they are of the list's kinds and whatever the times.
/// Those of many are counted by the tally.
async fn details(list: &List<'_>, sessions: &[i64]) -> Result<Vec<Session>, Error> {
    let mut values = Values::default();
    let numbers = values.bind(sessions.to_vec(), Type::INT8_ARRAY);
    let counted = values.bind(list.counted_kinds(), Type::INT4_ARRAY);
    let kinds = list.kinds_in_sql("AND ", &mut values);
    let sql = format!(
        "SELECT first.timestamp, first.id, first.application, last.timestamp, last.id, last.application, session_id, events.events \
         FROM unnest({numbers}) WITH ORDINALITY AS wanted (number, place) JOIN session USING (number) \
         LEFT JOIN (SELECT list, sum(events) AS events FROM (SELECT list, events FROM total WHERE kind = ANY ({counted}) \
                 UNION ALL SELECT list, events FROM tally_change WHERE kind = ANY ({counted})) AS part \
             WHERE list = ANY ({numbers}) GROUP BY list) AS many ON many.list = number, \
         LATERAL (SELECT timestamp, id, application FROM event WHERE session = number {kinds} \
                  ORDER BY timestamp, id, application LIMIT 1) AS first, \
         LATERAL (SELECT timestamp, id, application FROM event WHERE session = number {kinds} \
                  ORDER BY timestamp DESC, id DESC, application DESC LIMIT 1) AS last, \
         LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM tallied_session AS tallied WHERE tallied.session = number) \
             THEN many.events::bigint ELSE (SELECT count(*) FROM event WHERE session = number {kinds}) END AS events) AS events \
         ORDER BY place"
    );
    let rows = list.transaction.query_typed(&sql, &values.list()).await?;
    let details = |row: &Row| {
        Ok(Session {
            first: position(row, 0)?,
            last: position(row, 3)?,
            session_id: row.try_get(6)?,
            events: row.try_get::<_, i64>(7)?.unsigned_abs(),
        })
    };
    rows.iter().map(details).collect()
}
