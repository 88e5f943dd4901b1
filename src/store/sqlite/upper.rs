//! Blocks of blocks of the list of all events: what passes over many blocks passes over these.
//!
//! They are rows of the same table, of a list of their own, and begin where one of the blocks begins.

use rusqlite::{Connection, params};

use super::key::read_mark;
use super::tally::{self, ANY, Counted};
use crate::store::Order;
use crate::store::blocks::{ALL, Mark, Stretch};

/// Their list, which is no session's.
pub(super) const UPPER: i64 = -1;

/// Blocks of one when it is made, and the number at which it is cut up.
const FULL: usize = 64;
const TOO_FULL: usize = 2 * FULL;

/// Counts events that were inserted, which are in order, and in the blocks already.
pub(super) fn add(connection: &Connection, events: &[Counted]) -> rusqlite::Result<()> {
    if tally::start_before(connection, UPPER, Mark::LAST)?.is_none() {
        return build(connection);
    }
    let mut rest = events;
    while let Some(first) = rest.first() {
        let start = tally::start_before(connection, UPPER, first.mark.next())?.unwrap_or(Mark::FIRST);
        let end = tally::start_after(connection, UPPER, start.next())?;
        let (here, behind) = rest.split_at(rest.partition_point(|event| event.mark < end));
        tally::insert(connection, UPPER, start, &tally::by_kind(here))?;
        let blocks = starts(connection, Stretch { from: start, to: end })?;
        if blocks.len() > TOO_FULL {
            cut_up(connection, &blocks, end)?;
        }
        rest = behind;
    }
    Ok(())
}

/// Makes them of the blocks there are.
pub(super) fn build(connection: &Connection) -> rusqlite::Result<()> {
    cut_up(connection, &starts(connection, Stretch::WHOLE)?, Mark::LAST)
}

/// The events of some kinds in the blocks that begin in a stretch, which begins where one of them does.
pub(super) fn sum(connection: &Connection, kinds: &[i64], stretch: Stretch) -> rusqlite::Result<u64> {
    let sum = |list, from, to| tally::sum(connection, list, kinds, from, to);
    match within(connection, stretch)? {
        Some(upper) => Ok(sum(ALL, stretch.from, upper.from)?
            + sum(UPPER, upper.from, upper.to)?
            + sum(ALL, upper.to, stretch.to)?),
        None => sum(ALL, stretch.from, stretch.to),
    }
}

/// The part of a stretch that they fill, if any do as a whole.
pub(super) fn within(connection: &Connection, stretch: Stretch) -> rusqlite::Result<Option<Stretch>> {
    let from = tally::start_after(connection, UPPER, stretch.from)?;
    let to = match stretch.to {
        Mark::LAST => Mark::LAST,
        to => tally::start_before(connection, UPPER, to.next())?.unwrap_or(Mark::FIRST),
    };
    Ok((from < to).then_some(Stretch { from, to }))
}

/// Passes over as many of a stretch that they fill as have no more events than are to be passed over, and
/// gives what is left of it.
pub(super) fn pass_over(
    connection: &Connection,
    kinds: &[i64],
    filled: Stretch,
    order: Order,
    offset: &mut u64,
) -> rusqlite::Result<Stretch> {
    let mut next = None;
    tally::walk(connection, UPPER, kinds, (filled.from, filled.to), order, |upper| {
        let passed = *offset >= upper.events;
        match passed {
            true => *offset -= upper.events,
            false => next = Some(upper.start),
        }
        Ok(passed)
    })?;
    Ok(match (next, order) {
        (Some(start), Order::Ascending) => Stretch { from: start, ..filled },
        (Some(start), Order::Descending) => {
            Stretch { to: tally::start_after(connection, UPPER, start.next())?, ..filled }
        }
        (None, _) => Stretch { from: filled.to, to: filled.to },
    })
}

/// Where the blocks of a stretch begin.
fn starts(connection: &Connection, stretch: Stretch) -> rusqlite::Result<Vec<Mark>> {
    let sql = "SELECT timestamp, id FROM tally WHERE list = ?1 AND kind = ?2 \
               AND (timestamp, id) >= (?3, ?4) AND (timestamp, id) < (?5, ?6) ORDER BY timestamp, id";
    let Stretch { from, to } = stretch;
    connection
        .prepare_cached(sql)?
        .query_map(params![ALL, ANY, from.time, from.key(), to.time, to.key()], |row| read_mark(row, 0))?
        .collect()
}

/// Makes them of blocks, the last of which ends there, in place of the one that begins with the first.
fn cut_up(connection: &Connection, blocks: &[Mark], end: Mark) -> rusqlite::Result<()> {
    let mut kinds: Vec<i64> = connection
        .prepare_cached("SELECT number FROM kind")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    kinds.push(ANY);
    let pieces: Vec<Mark> = blocks.iter().copied().step_by(FULL).collect();
    let ends = pieces.iter().copied().skip(1).chain([end]);
    for (from, to) in pieces.iter().copied().zip(ends) {
        tally::remove(connection, UPPER, &kinds, from)?;
        let count = |kind: &i64| Ok((*kind, tally::sum(connection, ALL, &[*kind], from, to)?));
        let counts: rusqlite::Result<tally::Counts> =
            kinds.iter().map(count).filter(|count| !matches!(count, Ok((_, 0)))).collect();
        tally::insert(connection, UPPER, from, &counts?)?;
    }
    Ok(())
}
