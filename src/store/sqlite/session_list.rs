//! Lists of sessions: a walk over events, of which each session's last one stands for it.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::selection::{List, known};
use super::{key, tally};
use crate::sqlite::{always_there, rows};
use crate::store::blocks::{ALL, Mark, Stretch};
use crate::store::session::MOST_WALKED;
use crate::store::{Filter, Order, Position, Session, SessionQuery, Sessions};

/// What it counts to look through a block for the events of some kinds, in events that are walked by.
const BLOCK: usize = 100;

/// A page of sessions.
pub(super) fn page(connection: &Connection, query: &SessionQuery) -> rusqlite::Result<Sessions> {
    let known = known(connection)?;
    let application = query.application.clone();
    let (start_time, end_time) = (query.start_time, query.end_time);
    let filter = Filter { start_time, end_time, application, ..Filter::default() };
    let Some(list) = List::new(connection, &filter, &known)? else { return Ok(Sessions::default()) };
    let rest = query.after.map_or(list.stretch, |row| list.stretch.after(row, query.order));
    let wanted = query.size as usize;
    let mut walk = Walk {
        list: &list,
        order: query.order,
        wanted,
        seen: HashSet::new(),
        walked: 0,
        found: Vec::new(),
        next: None,
    };
    if !rest.is_empty() {
        walk.run(rest)?;
    }
    let Walk { mut found, next, .. } = walk;
    let next = match found.len() > wanted {
        true => {
            found.truncate(wanted);
            found.last().map(|(_, at)| *at)
        }
        false => next,
    };
    let items = found.iter().map(|(session, _)| always_there(details(&list, *session)));
    Ok(Sessions { items: items.collect::<rusqlite::Result<_>>()?, next })
}

/// One session, if it has events; of an application, if one is given.
pub(super) fn by_id(
    connection: &Connection,
    session_id: &str,
    application: Option<String>,
) -> rusqlite::Result<Option<Session>> {
    let known = known(connection)?;
    let filter = Filter { application, ..Filter::default() };
    let Some(list) = List::new(connection, &filter, &known)? else { return Ok(None) };
    let Some(number) = super::sessions::number(connection, session_id)? else { return Ok(None) };
    details(&list, number).optional()
}

/// A page that is being found.
struct Walk<'a> {
    list: &'a List<'a>,
    order: Order,
    wanted: usize,
    /// Sessions that were met.
    seen: HashSet<i64>,
    /// Events that were walked by.
    walked: usize,
    /// Sessions by number, each with the event that stands for it; one more than is wanted.
    found: Vec<(i64, Position)>,
    /// Where to go on, if the walk became too long.
    next: Option<Position>,
}

impl Walk<'_> {
    fn run(&mut self, stretch: Stretch) -> rusqlite::Result<()> {
        if self.list.kinds.is_none() {
            return self.along(stretch).map(drop);
        }
        // An application's events may be few and far between: only blocks that have some are walked through.
        let list = self.list;
        let (connection, kinds) = (list.connection, list.counted_kinds());
        let first = match stretch.from {
            Mark::FIRST => Mark::FIRST,
            from => tally::start_before(connection, ALL, from.next())?.unwrap_or(Mark::FIRST),
        };
        tally::walk(connection, ALL, kinds, (first, stretch.to), self.order, |block| {
            let end = tally::start_after(connection, ALL, block.start.next())?;
            self.walked += BLOCK;
            self.along(Stretch { from: block.start.max(stretch.from), to: end.min(stretch.to) })
        })
    }

    /// Walks along a stretch, and says whether to go on behind it.
    fn along(&mut self, stretch: Stretch) -> rusqlite::Result<bool> {
        let (clauses, values) = self.list.rows(stretch);
        let direction = self.order.sql();
        let sql = format!("SELECT timestamp, id, session {clauses} ORDER BY timestamp {direction}, id {direction}");
        let mut events = self.list.connection.prepare_cached(&sql)?;
        let mut events = events.query(params_from_iter(values))?;
        while let Some(row) = events.next()? {
            let (at, session) = (position(row)?, row.get(2)?);
            // Newest first, the first event of a session that is met here is its last one, or all of it was before.
            let is_known = self.order == Order::Descending && !self.seen.insert(session);
            if !is_known && self.is_last(session, at)? {
                self.found.push((session, at));
                if self.found.len() > self.wanted {
                    return Ok(false);
                }
            }
            self.walked += 1;
            if self.walked >= MOST_WALKED {
                self.next = Some(at);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether no event of that session comes later in the list.
    fn is_last(&self, session: i64, at: Position) -> rusqlite::Result<bool> {
        let kinds = self.list.kinds_in_sql("AND ");
        let sql = format!(
            "SELECT NOT EXISTS (SELECT 1 FROM event INDEXED BY event_session \
             WHERE session = ?1 AND (timestamp, id) > (?2, ?3) AND (timestamp, id) < (?4, ?5) {kinds})"
        );
        let (at, end) = (Mark::from(at), self.list.stretch.to);
        let range = params![session, at.time, at.key(), end.time, end.key()];
        self.list.connection.prepare_cached(&sql)?.query_row(range, |row| row.get(0))
    }
}

/// A session as far as it is of the list's kinds, whatever the times. No row if it has no such event.
fn details(list: &List<'_>, session: i64) -> rusqlite::Result<Session> {
    let connection = list.connection;
    let kinds = list.kinds_in_sql("AND ");
    let end = |order: Order| {
        let direction = order.sql();
        let sql = format!(
            "SELECT timestamp, id FROM event INDEXED BY event_session WHERE session = ?1 {kinds} \
             ORDER BY timestamp {direction}, id {direction} LIMIT 1"
        );
        connection.prepare_cached(&sql)?.query_row([session], position)
    };
    let first = end(Order::Ascending)?;
    let session_id: String = always_there(
        connection
            .prepare_cached("SELECT session_id FROM session WHERE number = ?1")?
            .query_row([session], |row| row.get(0)),
    )?;
    let last = always_there(end(Order::Descending))?;
    let events = list.of_session(session)?.count()?;
    Ok(Session { session_id, events, first, last })
}

fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    let (id, application) = key::read(row, 1)?;
    Ok(Position { time: rows::timestamp(row, 0)?, id, application })
}
