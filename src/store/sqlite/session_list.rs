//! Lists of sessions: a walk over events, of which each session's last one stands for it.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::selection::{Kinds, List, kinds};
use crate::sqlite::{always_there, rows};
use crate::store::blocks::Stretch;
use crate::store::session::MOST_WALKED;
use crate::store::{Filter, Order, Position, Session, SessionQuery, Sessions};

/// A page of sessions.
pub(super) fn page(connection: &Connection, query: &SessionQuery) -> rusqlite::Result<Sessions> {
    let known = kinds(connection)?;
    let filter = Filter { start_time: query.start_time, end_time: query.end_time, ..Filter::default() };
    let Some(list) = List::new(connection, &filter, &known)? else { return Ok(Sessions::default()) };
    let rest = query.after.map_or(list.stretch, |row| list.stretch.after(row, query.order));
    let wanted = query.size as usize;
    let mut walk = Walk { list: &list, order: query.order, wanted, found: Vec::new(), next: None };
    if !rest.is_empty() {
        walk.along(rest)?;
    }
    let Walk { mut found, next, .. } = walk;
    let next = match found.len() > wanted {
        true => {
            found.truncate(wanted);
            found.last().map(|(_, at)| *at)
        }
        false => next,
    };
    let items = found.iter().map(|(session, _)| details(connection, &known, *session));
    Ok(Sessions { items: items.collect::<rusqlite::Result<_>>()?, next })
}

/// One session, if it has events.
pub(super) fn by_id(connection: &Connection, session_id: &str) -> rusqlite::Result<Option<Session>> {
    let known = kinds(connection)?;
    let Some(number) = super::sessions::number(connection, session_id)? else { return Ok(None) };
    details(connection, &known, number).optional()
}

/// A page that is being found.
struct Walk<'a> {
    list: &'a List<'a>,
    order: Order,
    wanted: usize,
    /// Sessions by number, each with the event that stands for it; one more than is wanted.
    found: Vec<(i64, Position)>,
    /// Where to go on, if the walk became too long.
    next: Option<Position>,
}

impl Walk<'_> {
    fn along(&mut self, stretch: Stretch) -> rusqlite::Result<()> {
        let (clauses, values) = self.list.rows(stretch);
        let direction = self.order.sql();
        let sql = format!("SELECT timestamp, id, session {clauses} ORDER BY timestamp {direction}, id {direction}");
        let mut events = self.list.connection.prepare_cached(&sql)?;
        let mut events = events.query(params_from_iter(values))?;
        let mut seen = HashSet::new();
        let mut walked = 0;
        while let Some(row) = events.next()? {
            let (at, session) = (position(row)?, row.get(2)?);
            // Newest first, the first event of a session that is met here is its last one, or all of it was before.
            let is_known = self.order == Order::Descending && !seen.insert(session);
            if !is_known && self.is_last(session, at)? {
                self.found.push((session, at));
                if self.found.len() > self.wanted {
                    return Ok(());
                }
            }
            walked += 1;
            if walked == MOST_WALKED {
                self.next = Some(at);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether no event of that session comes later in the list.
    fn is_last(&self, session: i64, at: Position) -> rusqlite::Result<bool> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM event INDEXED BY event_session \
                   WHERE session = ?1 AND (timestamp, id) > (?2, ?3) AND (timestamp, id) < (?4, ?5))";
        let end = self.list.stretch.to;
        let range = params![session, at.time.as_micros(), at.id.as_bytes(), end.time, end.id.as_bytes()];
        self.list.connection.prepare_cached(sql)?.query_row(range, |row| row.get(0))
    }
}

fn details(connection: &Connection, known: &Kinds, session: i64) -> rusqlite::Result<Session> {
    let end = |order: Order| {
        let direction = order.sql();
        let sql = format!(
            "SELECT timestamp, id FROM event INDEXED BY event_session WHERE session = ?1 \
             ORDER BY timestamp {direction}, id {direction} LIMIT 1"
        );
        always_there(connection.prepare_cached(&sql)?.query_row([session], position))
    };
    let session_id: String = always_there(
        connection
            .prepare_cached("SELECT session_id FROM session WHERE number = ?1")?
            .query_row([session], |row| row.get(0)),
    )?;
    let (first, last) = (end(Order::Ascending)?, end(Order::Descending)?);
    let filter = Filter { session_id: Some(session_id.clone()), ..Filter::default() };
    let events = List::new(connection, &filter, known)?.map_or(Ok(0), |list| list.count())?;
    Ok(Session { session_id, events, first, last })
}

fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position { time: rows::timestamp(row, 0)?, id: rows::uuid(row, 1)? })
}
