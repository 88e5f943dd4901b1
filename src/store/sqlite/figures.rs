//! What a stretch of time adds up to. Counts are sums of blocks, and of the rows between an edge of an
//! interval and the next block; the rest is estimated from rows that are read here and there.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::list::{SHORT, event};
use super::selection::{List, known};
use super::{tally, upper};
use crate::store::blocks::{ALL, Block, Mark, Stretch};
use crate::store::figures::{ByKind, Edge, MOST_PLACES, add_up, by_name, places};
use crate::store::page::Plan;
use crate::store::{Counts, Filter, Intervals, Order, Sample};

/// How many events of each kind lie in each interval.
pub(super) fn counts(connection: &Connection, intervals: &Intervals) -> rusqlite::Result<Vec<Counts>> {
    let known = known(connection)?;
    let filter = Filter { start_time: None, end_time: None, ..intervals.filter.clone() };
    let Some(list) = List::new(connection, &filter, &known)? else {
        return Ok(vec![Counts::new(); intervals.edges.len().saturating_sub(1)]);
    };
    let wanted: Vec<i64> = list.kinds.clone().unwrap_or_else(|| known.kinds.keys().copied().collect());
    let marks: Vec<Mark> = intervals.edges.iter().map(|&edge| edge.into()).collect();
    let stretches = marks.windows(2).map(|ends| Stretch { from: ends[0], to: ends[1] });
    let blocks = stretches.map(|stretch| list.in_blocks(&wanted, stretch)).collect::<rusqlite::Result<_>>()?;
    let nexts = marks.iter().copied().skip(1).chain([Mark::LAST]);
    let edges: Vec<_> =
        marks.iter().zip(nexts).map(|(&edge, next)| list.behind(edge, next)).collect::<rusqlite::Result<_>>()?;
    let named = |events: ByKind<i64>| by_name(events, |kind| known.kinds[kind].0.clone());
    Ok(add_up(blocks, &edges).into_iter().map(named).collect())
}

/// All events that a filter leaves, or about `size` of them.
pub(super) fn sample(connection: &Connection, filter: &Filter, size: u64) -> rusqlite::Result<Sample> {
    let known = known(connection)?;
    let Some(mut list) = List::new(connection, filter, &known)? else { return Ok(Sample::default()) };
    list.columns = SHORT;
    let count = list.count()?;
    let blocks = match list.blocks {
        Some(blocks) if !list.stretch.is_empty() => list.blocks_within(blocks)?,
        _ => Vec::new(),
    };
    if count <= size && blocks.len() <= MOST_PLACES || list.blocks.is_none() {
        let events = list.read(&Plan::all(count))?;
        let sessions = events.iter().map(|event| &event.session_id).collect::<HashSet<_>>().len();
        return Ok(Sample { count, events, sessions: sessions as u64 });
    }
    let mut sample = Sample { count, ..Sample::default() };
    for (block, rows) in places(&blocks, size) {
        list.read_neighbours(block, rows, &mut sample)?;
    }
    Ok(sample)
}

impl List<'_> {
    /// The events of the blocks that begin in a stretch.
    fn in_blocks(&self, kinds: &[i64], stretch: Stretch) -> rusqlite::Result<ByKind<i64>> {
        let Some(blocks) = self.blocks else { return Ok(ByKind::new()) };
        let first = tally::start_after(self.connection, blocks, stretch.from)?;
        if first >= stretch.to {
            return Ok(ByKind::new());
        }
        let sum = |&kind: &i64| {
            let events = match blocks {
                ALL => upper::sum(self.connection, &[kind], Stretch { from: first, ..stretch }),
                _ => tally::sum(self.connection, blocks, &[kind], first, stretch.to),
            };
            Ok((kind, events?))
        };
        kinds.iter().map(sum).collect()
    }

    /// What lies behind the edge of an interval.
    fn behind(&self, edge: Mark, next: Mark) -> rusqlite::Result<Edge<i64>> {
        let block = match self.blocks {
            Some(blocks) => tally::start_after(self.connection, blocks, edge)?,
            None => Mark::LAST,
        };
        let stretch = Stretch { from: edge, to: block.min(next) };
        if stretch.is_empty() {
            return Ok(Edge::default());
        }
        let (clauses, values) = self.rows(stretch);
        let mut rows = self.connection.prepare_cached(&format!("SELECT kind, count(*) {clauses} GROUP BY kind"))?;
        let rows = rows.query_map(params_from_iter(values), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Edge { rows: rows.collect::<rusqlite::Result<_>>()?, before_edge: next < block })
    }

    /// The blocks that have events in the stretch.
    fn blocks_within(&self, blocks: i64) -> rusqlite::Result<Vec<Block>> {
        let Stretch { from, to } = self.stretch;
        let first = match from {
            Mark::FIRST => Mark::FIRST,
            _ => tally::start_before(self.connection, blocks, from.next())?.unwrap_or(Mark::FIRST),
        };
        let mut found = Vec::new();
        tally::walk(self.connection, blocks, self.counted_kinds(), (first, to), Order::Ascending, |block| {
            found.push(block);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Reads some rows of a block, and looks whether they are the last ones of their session here.
    fn read_neighbours(&self, block: Block, most: u64, sample: &mut Sample) -> rusqlite::Result<()> {
        let end = match self.blocks {
            Some(blocks) => tally::start_after(self.connection, blocks, block.start.next())?,
            None => Mark::LAST,
        };
        let Stretch { from, to } = self.stretch;
        let part = Stretch { from: block.start.max(from), to: end.min(to) };
        let (clauses, values) = self.rows(part);
        let kinds = self.kinds_in_sql("AND later.");
        // The stretch ends where a time does.
        let sql = format!(
            "SELECT {SHORT}, NOT EXISTS (SELECT 1 FROM event AS later INDEXED BY event_session \
                 WHERE later.session = event.session AND (later.timestamp, later.id) > (event.timestamp, event.id) \
                 AND later.timestamp < ? {kinds}) \
             {clauses} ORDER BY timestamp, id LIMIT ?"
        );
        let mut rows = self.connection.prepare_cached(&sql)?;
        let most = Value::Integer(most.cast_signed());
        let values = [Value::Integer(to.time)].into_iter().chain(values).chain([most]);
        let mut rows = rows.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            sample.events.push(event(row, self.known)?);
            sample.sessions += u64::from(row.get::<_, bool>(8)?);
        }
        Ok(())
    }
}
