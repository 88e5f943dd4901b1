//! What was stored, in the order in which it was: for those who watch.
//!
//! The keys of the newest 100,000 events and rejected events at least are kept beside them, in the
//! transaction that stores them, and read again by whoever follows: any number of processes, none of which
//! has to be told anything. Events have no number of their own, which would be an index more.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::blocks::Mark;
use crate::event::{Event, Rejected};

/// Keys that are kept at least.
pub(super) const KEPT: u64 = 100_000;

/// Keys of one entry.
pub(super) const KEYS: usize = 512;

/// Bytes from which on no more is read at once; how much the last items have is only known then.
pub(super) const BYTES: usize = 1 << 20;

/// Which table the keys of an entry are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Events,
    Rejected,
}

/// A place in the order of storing: right behind an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The transaction that stored it, where several may at once.
    pub(super) transaction: u64,
    /// The entry of the feed.
    pub(super) entry: u64,
    /// How many of the entry's items.
    pub(super) items: u32,
}

/// What was stored behind a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Oldest first, each with the place behind it.
    pub items: Vec<(Place, Stored)>,
    /// Where to go on.
    pub end: Place,
    /// Whether there may be more at once.
    pub more: bool,
    /// Whether some before these are not known any more.
    pub missed: bool,
}

/// Something that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// An event.
    Event(Event),
    /// A rejected one.
    Rejected(Rejected),
}

impl Stored {
    /// Bytes it takes in memory, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Event(event) => event.size(),
            Self::Rejected(rejected) => rejected.footprint(),
        }
    }
}

/// Bytes of a key.
const KEY: usize = 24;

/// Keys as an entry holds them.
pub(super) fn write_keys(keys: impl Iterator<Item = Mark>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(KEY * keys.size_hint().0);
    for key in keys {
        bytes.extend_from_slice(&key.time.to_be_bytes());
        bytes.extend_from_slice(key.id.as_bytes());
    }
    bytes
}

/// The keys that an entry holds.
pub(super) fn read_keys(bytes: &[u8]) -> impl Iterator<Item = Mark> {
    bytes.as_chunks::<KEY>().0.iter().map(|key| {
        let (time, id) = key.split_first_chunk().expect("it has 24 bytes");
        Mark { time: i64::from_be_bytes(*time), id: Uuid::from_slice(id).expect("16 are left") }
    })
}

/// How many keys an entry holds.
pub(super) fn items(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len() / KEY).expect("an entry holds some hundred")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.transaction, self.entry, self.items)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '-');
        let mut next = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).ok_or(());
        let (transaction, entry, items) = (next()?, next()?, next()?);
        let place = Self {
            transaction: transaction.parse().map_err(drop)?,
            entry: entry.parse().map_err(drop)?,
            items: items.parse().map_err(drop)?,
        };
        // Databases count up to there.
        let most = i64::MAX.unsigned_abs();
        if place.transaction > most || place.entry > most { Err(()) } else { Ok(place) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written() {
        let keys = [Mark::FIRST, Mark::LAST, Mark { time: -1, id: Uuid::from_u128(7) }];
        let bytes = write_keys(keys.into_iter());
        assert_eq!(items(&bytes), 3);
        assert!(read_keys(&bytes).eq(keys));
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let place = Place { transaction: 7, entry: u64::MAX / 2, items: 512 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "1-2", "1-2-3-4", "1--2", "+1-2-3", "1-2-x", "1-18446744073709551615-3", "1-2-4294967296"] {
            assert_eq!(wrong.parse::<Place>(), Err(()), "{wrong}");
        }
    }
}
