//! Which entries are claimed. A claim covers a stretch of numbers, and new entries come only at
//! the end, so a few pairs of numbers say it all. They live in memory: a lease must not outlive
//! the process that holds it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last number that SQLite can give a row.
const LAST: u64 = i64::MAX as u64;

/// The claims of one lane.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Held>);

/// First and last numbers of what is claimed.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<u64, u64>);

/// A stretch of numbers of which none is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Leases {
    pub(super) fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(super) fn add(&mut self, first: u64, last: u64) {
        self.0.insert(first, last);
    }

    pub(super) fn remove(&mut self, first: u64) {
        self.0.remove(&first);
    }

    /// The last number that is claimed, or 0.
    pub(super) fn last(&self) -> u64 {
        self.0.last_key_value().map_or(0, |(_, &last)| last)
    }

    /// What lies between the claims, in order.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = 0;
        for (&first, &last) in &self.0 {
            if first > next {
                gaps.push(Gap { first: next, last: first - 1 });
            }
            next = last + 1;
        }
        gaps.push(Gap { first: next, last: LAST });
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_lie_between_the_claims() {
        let mut held = Held::default();
        assert_eq!(held.gaps(), [Gap { first: 0, last: LAST }]);
        held.add(10, 19);
        held.add(5, 9);
        held.add(30, 30);
        let (before, between, after) =
            (Gap { first: 0, last: 4 }, Gap { first: 20, last: 29 }, Gap { first: 31, last: LAST });
        assert_eq!(held.gaps(), [before, between, after]);
        held.remove(5);
        held.remove(30);
        assert_eq!(held.gaps(), [Gap { first: 0, last: 9 }, Gap { first: 20, last: LAST }]);
    }
}
