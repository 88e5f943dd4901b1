//! How many events lie where: lists cut into blocks, each with its number of events, of all kinds and
//! of each. From it a count is a sum, and a deep page a walk over blocks to the right one.
//!
//! It is kept in the transaction that inserts the events, so that what it says is exact. SQLite has one
//! writer at a time; nobody waits here who would not wait anyway.

use std::collections::BTreeMap;

use super::key::read_mark;
use crate::sqlite::always_there;
use crate::store::Order;
use crate::store::blocks::{ALL, Block, Mark};
use rusqlite::{Connection, OptionalExtension, params};

/// All kinds together. They count from 1, as sessions do.
pub(super) const ANY: i64 = 0;

/// Events of a block when it is made, and the number at which it is cut up. Rows of a block are counted where
/// a time lies in it, so blocks are small; a walk passes over them by [`super::upper`].
const FULL: u64 = 512;
const TOO_FULL: u64 = 2 * FULL;

/// Kinds whose blocks are merged as they are read; those of more are sorted, since SQLite joins no more
/// than 500 queries into one.
const MERGED: usize = 50;

/// An event, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) mark: Mark,
    pub(super) kind: i64,
}

/// Counts events that were inserted into a list, which are in its order.
pub(super) fn add(connection: &Connection, list: i64, events: &[Counted]) -> rusqlite::Result<()> {
    let Some(first) = events.first() else { return Ok(()) };
    if start_before(connection, list, first.mark.next())?.is_none() {
        return build(connection, list);
    }
    let mut rest = events;
    while let Some(first) = rest.first() {
        let block = block_of(connection, list, first.mark)?;
        let end = start_after(connection, list, block.start.next())?;
        let (here, behind) = rest.split_at(rest.partition_point(|event| event.mark < end));
        insert(connection, list, block.start, &by_kind(here))?;
        if block.events + here.len() as u64 > TOO_FULL {
            cut_up(connection, list, block.start, end)?;
        }
        rest = behind;
    }
    add_to_total(connection, list, &by_kind(events))
}

/// Makes the blocks of a list from the events that are in it.
pub(super) fn build(connection: &Connection, list: i64) -> rusqlite::Result<()> {
    forget(connection, list)?;
    let counts = cut_up(connection, list, Mark::FIRST, Mark::LAST)?;
    add_to_total(connection, list, &counts)
}

/// Removes the blocks of a list, and its sums.
pub(super) fn forget(connection: &Connection, list: i64) -> rusqlite::Result<()> {
    for table in ["tally", "total"] {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE list = ?1"))?.execute([list])?;
    }
    Ok(())
}

/// The events of some kinds in a whole list.
pub(super) fn total(connection: &Connection, list: i64, kinds: &[i64]) -> rusqlite::Result<u64> {
    let mut total = connection.prepare_cached("SELECT events FROM total WHERE list = ?1 AND kind = ?2")?;
    kinds.iter().map(|kind| Ok(total.query_row([list, *kind], |row| row.get(0)).optional()?.unwrap_or(0))).sum()
}

/// The start of the block that holds the place right before a mark, if the list has blocks.
pub(super) fn start_before(connection: &Connection, list: i64, mark: Mark) -> rusqlite::Result<Option<Mark>> {
    let sql = "SELECT timestamp, id FROM tally WHERE list = ?1 AND kind = 0 AND (timestamp, id) < (?2, ?3) \
               ORDER BY timestamp DESC, id DESC LIMIT 1";
    connection.prepare_cached(sql)?.query_row(params![list, mark.time, mark.key()], |row| read_mark(row, 0)).optional()
}

/// The start of the first block that begins at a mark or behind it, which is where the one before ends.
pub(super) fn start_after(connection: &Connection, list: i64, mark: Mark) -> rusqlite::Result<Mark> {
    let sql = "SELECT timestamp, id FROM tally WHERE list = ?1 AND kind = 0 AND (timestamp, id) >= (?2, ?3) \
               ORDER BY timestamp, id LIMIT 1";
    let end = connection
        .prepare_cached(sql)?
        .query_row(params![list, mark.time, mark.key()], |row| read_mark(row, 0))
        .optional()?;
    Ok(end.unwrap_or(Mark::LAST))
}

/// The events of some kinds in the blocks that begin between two marks, the second one not included.
pub(super) fn sum(connection: &Connection, list: i64, kinds: &[i64], from: Mark, to: Mark) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(events), 0) FROM tally WHERE list = ?1 AND kind = ?2 \
               AND (timestamp, id) >= (?3, ?4) AND (timestamp, id) < (?5, ?6)";
    let mut sum = connection.prepare_cached(sql)?;
    let sum = |kind: &i64| -> rusqlite::Result<u64> {
        let range = params![list, kind, from.time, from.key(), to.time, to.key()];
        sum.query_row(range, |row| row.get(0))
    };
    kinds.iter().map(sum).sum()
}

/// Goes through the blocks that begin between two marks, in that order, and have events of these
/// kinds, for as long as `visit` says to.
pub(super) fn walk(
    connection: &Connection,
    list: i64,
    kinds: &[i64],
    (from, to): (Mark, Mark),
    order: Order,
    mut visit: impl FnMut(Block) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let direction = order.sql();
    let of_kinds = |kinds: &str| {
        format!(
            "SELECT timestamp, id, events FROM tally WHERE list = ?1 AND kind {kinds} AND events > 0 \
             AND (timestamp, id) >= (?2, ?3) AND (timestamp, id) < (?4, ?5)"
        )
    };
    let of_kind = |kind: &i64| of_kinds(&format!("= {kind}"));
    let parts = match kinds.len() {
        0..=MERGED => kinds.iter().map(of_kind).collect::<Vec<_>>().join(" UNION ALL "),
        _ => {
            let kinds: Vec<_> = kinds.iter().map(i64::to_string).collect();
            of_kinds(&format!("IN ({})", kinds.join(", ")))
        }
    };
    let sql = format!("{parts} ORDER BY timestamp {direction}, id {direction}");
    let mut blocks = connection.prepare_cached(&sql)?;
    let mut rows = blocks.query(params![list, from.time, from.key(), to.time, to.key()])?;
    let mut last: Option<Block> = None;
    while let Some(row) = rows.next()? {
        let block = Block { start: read_mark(row, 0)?, events: row.get(2)? };
        match &mut last {
            // The same block, of another kind.
            Some(last) if last.start == block.start => last.events += block.events,
            _ => {
                if let Some(complete) = last.replace(block)
                    && !visit(complete)?
                {
                    return Ok(());
                }
            }
        }
    }
    last.map_or(Ok(true), visit).map(drop)
}

/// The block that an event lies in, of a list that has blocks.
pub(super) fn block_of(connection: &Connection, list: i64, mark: Mark) -> rusqlite::Result<Block> {
    let sql = "SELECT timestamp, id, events FROM tally WHERE list = ?1 AND kind = 0 AND (timestamp, id) <= (?2, ?3) \
               ORDER BY timestamp DESC, id DESC LIMIT 1";
    always_there(connection.prepare_cached(sql)?.query_row(params![list, mark.time, mark.key()], |row| {
        Ok(Block { start: read_mark(row, 0)?, events: row.get(2)? })
    }))
}

/// Makes blocks of the events between two marks, the second one not included, in place of the one
/// that begins there. Says how many events of each kind there are.
fn cut_up(connection: &Connection, list: i64, start: Mark, end: Mark) -> rusqlite::Result<Counts> {
    let (index, session) = match list {
        ALL => ("", ""),
        _ => ("INDEXED BY event_session", "session = ?5 AND"),
    };
    let sql = format!(
        "SELECT timestamp, id, kind FROM event {index} WHERE {session} (timestamp, id) >= (?1, ?2) \
         AND (timestamp, id) < (?3, ?4) ORDER BY timestamp, id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let (start_key, end_key) = (start.key(), end.key());
    let range = params![start.time, start_key, end.time, end_key, list];
    let parameters = if list == ALL { 4 } else { 5 };
    let mut rows = select.query(&range[..parameters])?;
    let mut pieces: Vec<(Mark, Counts)> = Vec::new();
    let mut all = Counts::new();
    let mut in_piece = FULL;
    while let Some(row) = rows.next()? {
        if in_piece == FULL {
            let from = if pieces.is_empty() { start } else { read_mark(row, 0)? };
            pieces.push((from, Counts::new()));
            in_piece = 0;
        }
        in_piece += 1;
        let kind = row.get(2)?;
        for counts in pieces.last_mut().map(|(_, counts)| counts).into_iter().chain([&mut all]) {
            *counts.entry(ANY).or_default() += 1;
            *counts.entry(kind).or_default() += 1;
        }
    }
    remove(connection, list, all.keys(), start)?;
    for (from, counts) in &pieces {
        insert(connection, list, *from, counts)?;
    }
    Ok(all)
}

/// Removes what a block says of some kinds.
pub(super) fn remove<'a>(
    connection: &Connection,
    list: i64,
    kinds: impl IntoIterator<Item = &'a i64>,
    start: Mark,
) -> rusqlite::Result<()> {
    let sql = "DELETE FROM tally WHERE list = ?1 AND kind = ?2 AND timestamp = ?3 AND id = ?4";
    let mut remove = connection.prepare_cached(sql)?;
    for kind in kinds {
        remove.execute(params![list, kind, start.time, start.key()])?;
    }
    Ok(())
}

/// Makes a block begin somewhere else, where its events are the same.
pub(super) fn begin_at(connection: &Connection, list: i64, start: Mark, to: Mark) -> rusqlite::Result<()> {
    let sql = "UPDATE tally SET timestamp = ?4, id = ?5 \
               WHERE list = ?1 AND kind IN (SELECT number FROM kind UNION ALL SELECT 0) AND timestamp = ?2 AND id = ?3";
    connection.prepare_cached(sql)?.execute(params![list, start.time, start.key(), to.time, to.key()]).map(drop)
}

/// Events by kind, [`ANY`] among them.
pub(super) type Counts = BTreeMap<i64, u64>;

pub(super) fn by_kind(events: &[Counted]) -> Counts {
    let mut counts = Counts::from([(ANY, events.len() as u64)]);
    for event in events {
        *counts.entry(event.kind).or_default() += 1;
    }
    counts
}

/// Adds to a block, or makes it.
pub(super) fn insert(connection: &Connection, list: i64, start: Mark, counts: &Counts) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO tally (list, kind, timestamp, id, events) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT DO UPDATE SET events = events + excluded.events",
    )?;
    for (kind, events) in counts {
        insert.execute(params![list, kind, start.time, start.key(), events])?;
    }
    Ok(())
}

fn add_to_total(connection: &Connection, list: i64, counts: &Counts) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO total (list, kind, events) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET events = events + excluded.events",
    )?;
    for (kind, events) in counts {
        add.execute(params![list, kind, events])?;
    }
    Ok(())
}
