//! What a stretch of time adds up to: counts that are exact, and a sample to estimate the rest by.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::Filter;
use super::blocks::Block;
use crate::event::{Event, EventKind, RejectedKind, Timestamp};

/// Rows of a sample that are read at each place. Neighbours are alike, so these are few.
const NEIGHBOURS: u64 = 50;

/// Blocks that a sample looks into at most: of each, all rows are passed over where a kind is rare.
pub(super) const MOST_PLACES: usize = 200;

/// Intervals whose events are to be counted by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intervals {
    /// Which events; its times are not looked at.
    pub filter: Filter,
    /// Where they begin, in order, and where the last one ends: none includes its end.
    pub edges: Vec<Timestamp>,
}

/// How many events of each kind there are, in no particular order; none of no events.
pub type Counts = Vec<(Arc<EventKind>, u64)>;

/// Some of the events that a filter leaves, spread over all of them; or all, if they are few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many events the filter leaves.
    pub count: u64,
    /// The sample. `data` of more than 16 KiB is left out, as `{}`: thousands of them would take much memory.
    pub events: Vec<Event>,
    /// How many events of the sample are the last ones of their session, among those that the filter leaves.
    /// Each session has one such event, so their share is that of sessions to events.
    pub sessions: u64,
}

/// Rejected events of one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReasonCount {
    /// Who rejected them.
    pub kind: RejectedKind,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: u64,
}

impl Sample {
    /// Whether it is all of the events.
    pub fn is_whole(&self) -> bool {
        self.events.len() as u64 >= self.count
    }

    /// How many sessions there are, by an estimate: those that are in the sample at least.
    pub fn sessions(&self) -> u64 {
        let seen = self.events.iter().map(|event| &event.session_id).collect::<HashSet<_>>().len();
        self.estimate(self.sessions).max(seen as u64)
    }

    /// What a number of events of the sample stands for.
    pub fn estimate(&self, of_the_sample: u64) -> u64 {
        let size = self.events.len() as u64;
        match self.is_whole() || size == 0 {
            true => of_the_sample,
            false => {
                let scaled = u128::from(of_the_sample) * u128::from(self.count) / u128::from(size);
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Events by the number of their kind.
pub(super) type ByKind<K> = BTreeMap<K, u64>;

/// What lies right behind the edge of an interval.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge<K> {
    /// The rows between it and the next block or the next edge, whichever comes first.
    pub(super) rows: ByKind<K>,
    /// Whether the next edge comes first.
    pub(super) before_edge: bool,
}

/// The events of each interval, from those of the blocks that begin in it, and from what its edges cut off.
pub(super) fn add_up<K: Copy + Ord>(blocks: Vec<ByKind<K>>, edges: &[Edge<K>]) -> Vec<ByKind<K>> {
    // Behind the edge, to the next block.
    let mut behind: Vec<ByKind<K>> = Vec::with_capacity(edges.len());
    for edge in edges.iter().rev() {
        let mut rows = edge.rows.clone();
        if let Some(next) = behind.last().filter(|_| edge.before_edge) {
            next.iter().for_each(|(kind, events)| *rows.entry(*kind).or_default() += events);
        }
        behind.push(rows);
    }
    behind.reverse();
    let interval = |(mut events, ends): (ByKind<K>, &[ByKind<K>])| {
        // The first rows are those of a block that began before; the last block goes on behind the end.
        ends[0].iter().for_each(|(kind, rows)| *events.entry(*kind).or_default() += rows);
        ends[1].iter().for_each(|(kind, rows)| *events.entry(*kind).or_default() -= rows);
        events.retain(|_, events| *events > 0);
        events
    };
    blocks.into_iter().zip(behind.windows(2)).map(interval).collect()
}

/// The same by kind, whatever numbers stand for it: one for each application.
pub(super) fn by_name<K>(counts: ByKind<K>, kind: impl Fn(&K) -> Arc<EventKind>) -> Counts {
    let mut named: BTreeMap<Arc<EventKind>, u64> = BTreeMap::new();
    for (number, events) in counts {
        *named.entry(kind(&number)).or_default() += events;
    }
    named.into_iter().collect()
}

/// Where a sample of about `size` events is read: blocks with about as many events between them, and how many rows
/// of each. One that is longer than that counts for several. The distance varies: places that are as far apart as
/// days are would all be of one hour.
pub(super) fn places(blocks: &[Block], size: u64) -> Vec<(Block, u64)> {
    let all: u64 = blocks.iter().map(|block| block.events).sum();
    let step = (all / (size / NEIGHBOURS).clamp(1, MOST_PLACES as u64)).max(1);
    let mut ranks = (0..).map(|number| number * step + within(step, number)).peekable();
    let mut passed = 0;
    let place = |block: &Block| {
        passed += block.events;
        let mut times = 0;
        while ranks.next_if(|rank| *rank < passed).is_some() {
            times += 1;
        }
        (times > 0).then_some((*block, times * NEIGHBOURS))
    };
    blocks.iter().filter_map(place).collect()
}

/// A place within a step, spread evenly over the numbers: multiples of the golden ratio.
fn within(step: u64, number: u64) -> u64 {
    let fraction = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    u64::try_from((fraction * u128::from(step)) >> 64).expect("less than the step")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::store::blocks::Mark;

    #[test]
    fn intervals_are_blocks_and_what_edges_cut_off() {
        // Events of one kind at 0 to 99, in blocks that begin at 0, 30, 40 and 90.
        let starts = [0, 30, 40, 90, 100];
        let edges = [5, 10, 20, 35, 40, 95, 120];
        let in_blocks = |from, to| {
            let blocks = starts.windows(2).filter(|block| (from..to).contains(&block[0]));
            blocks.map(|block| block[1] - block[0]).sum::<u64>()
        };
        let blocks = edges.windows(2).map(|ends| ByKind::from([(1, in_blocks(ends[0], ends[1]))])).collect();
        let behind = |(index, &edge): (usize, &u64)| {
            let block = starts.iter().copied().find(|start| *start >= edge).unwrap_or(edge);
            let next = edges.get(index + 1).copied().unwrap_or(u64::MAX);
            Edge { rows: ByKind::from([(1, next.min(block) - edge)]), before_edge: next < block }
        };
        let edges_behind: Vec<_> = edges.iter().enumerate().map(behind).collect();
        let found: Vec<u64> = add_up(blocks, &edges_behind).iter().map(|events| events.values().sum()).collect();
        assert_eq!(found, [5, 10, 15, 5, 55, 5]);
    }

    #[test]
    fn places_of_a_sample_are_as_many_events_apart() {
        let block =
            |(number, events): (u32, u64)| Block { start: Mark::before(i64::from(number), Uuid::nil()), events };
        let picked = |events: &[u64], size| {
            let blocks: Vec<_> = (0..).zip(events.iter().copied()).map(block).collect();
            places(&blocks, size).iter().map(|(block, rows)| (block.start.time, *rows)).collect::<Vec<_>>()
        };
        // One in each two, now the first and now the second.
        assert_eq!(picked(&[10; 10], 250), [(0, 50), (3, 50), (4, 50), (7, 50), (8, 50)]);
        assert_eq!(picked(&[1000, 1, 1, 1, 3000], 200), [(0, 50), (4, 150)]);
        assert_eq!(picked(&[3, 3], 1), [(0, 50)]);
        assert!(picked(&[], 10).is_empty());
    }

    #[test]
    fn a_whole_sample_is_not_scaled() {
        assert_eq!(Sample::default().estimate(0), 0);
        let sample = Sample { count: 10, ..Sample::default() };
        assert_eq!(sample.estimate(3), 3);
    }
}
