//! What one process holds of one stream, and what it does not know of yet. It speaks to nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::entry::{self, Item, Read};
use crate::queue::Most;

/// What this process holds.
#[derive(Debug)]
pub(super) struct Held<T> {
    /// Claimed, with the bytes that the queue counts.
    pub(super) leased: HashMap<u64, u64>,
    /// Not to be read, with their texts as they are; and those of them that are left where they are.
    pub(super) unreadable: BTreeMap<String, Vec<u8>>,
    pub(super) left: BTreeSet<String>,
    pub(super) ahead: BTreeMap<u64, T>,
    pub(super) owed: BTreeSet<u64>,
    /// Redis may count more as pending here than this knows of...
    pub(super) recheck: bool,
    /// ...or it was told to deliver, and has not answered: if nobody waits for that any more, it may too.
    pub(super) reading: bool,
}

impl<T: Item> Held<T> {
    pub(super) fn new() -> Self {
        let (leased, unreadable, left) = (HashMap::new(), BTreeMap::new(), BTreeSet::new());
        let (ahead, owed) = (BTreeMap::new(), BTreeSet::new());
        Self { leased, unreadable, left, ahead, owed, recheck: false, reading: false }
    }

    /// Whether Redis has to be asked what is pending here.
    pub(super) fn is_unsure(&self) -> bool {
        self.recheck || self.reading
    }

    /// Owes what is pending and not known of.
    pub(super) fn owe(&mut self, pending: Vec<u64>) {
        for seq in pending {
            let id = entry::id(seq);
            let unreadable = self.unreadable.contains_key(&id) || self.left.contains(&id);
            if !unreadable && !self.leased.contains_key(&seq) && !self.ahead.contains_key(&seq) {
                self.owed.insert(seq);
            }
        }
    }

    /// Whether a claim would be filled by what is read and older than that.
    pub(super) fn is_enough_before(&self, seq: u64, most: Most) -> bool {
        let (mut entries, mut bytes) = (0, 0);
        self.ahead.range(..seq).any(|(_, item)| {
            entries += 1;
            bytes += item.bytes();
            entries >= most.entries || bytes >= most.bytes
        })
    }

    /// Keeps what was read; says how many bytes those take that can be claimed.
    pub(super) fn keep(&mut self, entries: Vec<Read<T>>) -> usize {
        let mut bytes = 0;
        for entry in entries {
            match entry {
                Ok((seq, item)) => {
                    bytes += item.bytes();
                    self.ahead.insert(seq, item);
                }
                Err((id, texts)) => drop(self.unreadable.insert(id, texts)),
            }
        }
        bytes
    }

    /// Leaves an entry that cannot be read where it is.
    pub(super) fn leave(&mut self, id: String) {
        self.unreadable.remove(&id);
        self.left.insert(id);
    }

    /// Hears how many entries Redis counts as pending here.
    pub(super) fn compare(&mut self, pending: usize) {
        let unread = self.unreadable.len() + self.left.len();
        if pending > self.leased.len() + self.ahead.len() + self.owed.len() + unread {
            self.recheck = true;
        }
    }
}
