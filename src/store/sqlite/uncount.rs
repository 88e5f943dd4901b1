//! The tally after events were removed: less in blocks and sums, and no block where no event is any more. What a
//! block begins with is a key, so one whose first event went begins with the next one.
//!
//! The first block of a list begins before everything and always stays. An upper block begins where a block begins, and
//! moves with that.

use rusqlite::{Connection, OptionalExtension, params};

use super::key::read_mark;
use super::tally::{self, ANY, Counted, Counts, by_kind};
use super::upper::UPPER;
use crate::store::blocks::{ALL, MANY, Mark};

/// Takes removed events, which are in its order, out of the list of all.
pub(super) fn from_all(connection: &Connection, events: &[Counted]) -> rusqlite::Result<()> {
    let moved = from_list(connection, ALL, events)?;
    from_upper(connection, events, &moved)
}

/// Takes removed events of a session of many, which are in order, out of its list. If it is of many no more, it has
/// none.
pub(super) fn from_session(connection: &Connection, session: i64, events: &[Counted]) -> rusqlite::Result<()> {
    let before = tally::total(connection, session, &[ANY])?;
    if before == 0 {
        return Ok(());
    }
    if before.saturating_sub(events.len() as u64) < u64::from(MANY) {
        return tally::forget(connection, session);
    }
    from_list(connection, session, events).map(drop)
}

/// Says which blocks begin somewhere else now, and where those do that are still there.
fn from_list(connection: &Connection, list: i64, events: &[Counted]) -> rusqlite::Result<Vec<(Mark, Option<Mark>)>> {
    let mut moved = Vec::new();
    let mut rest = events;
    while let Some(first) = rest.first() {
        let block = tally::block_of(connection, list, first.mark)?;
        let end = tally::start_after(connection, list, block.start.next())?;
        let (here, behind) = rest.split_at(rest.partition_point(|event| event.mark < end));
        subtract(connection, list, block.start, &by_kind(here))?;
        if block.start != Mark::FIRST {
            if block.events == here.len() as u64 {
                tally::remove(connection, list, [&ANY], block.start)?;
                moved.push((block.start, None));
            } else if first.mark == block.start {
                let start = first_event(connection, list, block.start, end)?;
                tally::begin_at(connection, list, block.start, start)?;
                moved.push((block.start, Some(start)));
            }
        }
        rest = behind;
    }
    let counts = by_kind(events);
    for sql in [
        "UPDATE total SET events = events - ?3 WHERE list = ?1 AND kind = ?2",
        "DELETE FROM total WHERE list = ?1 AND kind = ?2 AND events = 0 AND ?3 > 0",
    ] {
        let mut change = connection.prepare_cached(sql)?;
        for (kind, events) in &counts {
            change.execute(params![list, kind, events])?;
        }
    }
    Ok(moved)
}

fn from_upper(connection: &Connection, events: &[Counted], moved: &[(Mark, Option<Mark>)]) -> rusqlite::Result<()> {
    let mut rest = events;
    while let Some(first) = rest.first() {
        let start = tally::start_before(connection, UPPER, first.mark.next())?.unwrap_or(Mark::FIRST);
        let end = tally::start_after(connection, UPPER, start.next())?;
        let (here, behind) = rest.split_at(rest.partition_point(|event| event.mark < end));
        subtract(connection, UPPER, start, &by_kind(here))?;
        rest = behind;
    }
    for (start, to) in moved {
        if tally::start_after(connection, UPPER, *start)? != *start {
            continue;
        }
        let end = tally::start_after(connection, UPPER, start.next())?;
        let to = match to {
            Some(to) => *to,
            None => tally::start_after(connection, ALL, *start)?,
        };
        match to < end {
            true => tally::begin_at(connection, UPPER, *start, to)?,
            // None of its blocks is left.
            false => tally::remove(connection, UPPER, [&ANY], *start)?,
        }
    }
    Ok(())
}

/// Takes from a block; that it has nothing is said of all kinds together alone.
fn subtract(connection: &Connection, list: i64, start: Mark, counts: &Counts) -> rusqlite::Result<()> {
    for sql in [
        "UPDATE tally SET events = events - ?5 WHERE list = ?1 AND kind = ?2 AND timestamp = ?3 AND id = ?4",
        "DELETE FROM tally WHERE list = ?1 AND kind = ?2 AND timestamp = ?3 AND id = ?4 AND events = 0 AND kind > 0 AND ?5 > 0",
    ] {
        let mut change = connection.prepare_cached(sql)?;
        for (kind, events) in counts {
            change.execute(params![list, kind, start.time, start.key(), events])?;
        }
    }
    Ok(())
}

/// The first event there is of a list between two marks.
fn first_event(connection: &Connection, list: i64, from: Mark, to: Mark) -> rusqlite::Result<Mark> {
    let (index, session) = match list {
        ALL => ("", ""),
        _ => ("INDEXED BY event_session", "session = ?3 AND"),
    };
    let sql = format!(
        "SELECT timestamp, id FROM event {index} WHERE {session} (timestamp, id) >= (?1, ?2) ORDER BY timestamp, id LIMIT 1"
    );
    let key = from.key();
    let range = params![from.time, key, list];
    let parameters = if list == ALL { 2 } else { 3 };
    let first = connection.prepare_cached(&sql)?.query_row(&range[..parameters], |row| read_mark(row, 0)).optional()?;
    // A block that has events has a first one.
    crate::sqlite::always_there(first.filter(|first| *first < to).ok_or(rusqlite::Error::QueryReturnedNoRows))
}
