//! What was stored, in the order in which it was: for those who watch.
//!
//! The keys of the newest 100,000 events and rejected events at least are kept beside them, in the
//! transaction that stores them, and read again by whoever follows: any number of processes, none of which
//! has to be told anything. Events have no number of their own, which would be an index more.

use std::collections::HashSet;
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

/// Bytes of a key, without the number of its application.
const KEY: usize = 24;

/// Keys as an entry holds them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Time and id of each.
    pub(super) keys: Vec<u8>,
    /// The number of each one's application; nothing if none of them has one.
    pub(super) applications: Option<Vec<u8>>,
}

impl Keys {
    pub(super) fn of(marks: impl Iterator<Item = Mark>) -> Self {
        let mut keys = Vec::with_capacity(KEY * marks.size_hint().0);
        let mut applications: Vec<u8> = Vec::new();
        for mark in marks {
            if mark.application > 0 {
                // Those before it have none.
                applications.resize(keys.len() / KEY * 4, 0);
                applications.extend_from_slice(&mark.application.to_be_bytes());
            }
            keys.extend_from_slice(&mark.time.to_be_bytes());
            keys.extend_from_slice(mark.id.as_bytes());
        }
        if !applications.is_empty() {
            applications.resize(keys.len() / KEY * 4, 0);
        }
        Self { keys, applications: Some(applications).filter(|applications| !applications.is_empty()) }
    }

    /// The keys, in order.
    pub(super) fn read(&self) -> impl Iterator<Item = Mark> {
        let applications = self.applications.as_deref().unwrap_or_default().as_chunks::<4>().0;
        let applications = applications.iter().map(|number| u32::from_be_bytes(*number)).chain(std::iter::repeat(0));
        self.keys.as_chunks::<KEY>().0.iter().zip(applications).map(|(key, application)| {
            let (time, id) = key.split_first_chunk().expect("it has 24 bytes");
            Mark { time: i64::from_be_bytes(*time), id: Uuid::from_slice(id).expect("16 are left"), application }
        })
    }

    /// The same with keys that are nobody's in the place of those; nothing if it has none of them.
    pub(super) fn without(&self, gone: &HashSet<Mark>) -> Option<Self> {
        let is_gone = |mark: &Mark| gone.contains(mark);
        // No event is before all time.
        let left = |mark| if is_gone(&mark) { Mark::FIRST } else { mark };
        self.read().any(|mark| is_gone(&mark)).then(|| Self::of(self.read().map(left)))
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.keys.len() / KEY).expect("an entry holds some hundred")
    }
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
        let check = |marks: &[Mark]| {
            let keys = Keys::of(marks.iter().copied());
            assert_eq!(keys.len() as usize, marks.len());
            assert!(keys.read().eq(marks.iter().copied()), "{marks:?}");
            keys.applications.is_some()
        };
        let seven = Mark::before(-1, Uuid::from_u128(7));
        let of = |application| Mark { application, ..seven };
        assert!(
            !check(&[]) && !check(&[Mark::FIRST, Mark::LAST, seven]),
            "applications take room where there are some"
        );
        assert!(check(&[of(1), of(u32::MAX)]) && check(&[seven, seven, of(3), seven, of(4), seven]));
    }

    #[test]
    fn a_key_that_is_gone_leaves_its_place() {
        let at = |time, application| Mark { application, ..Mark::before(time, Uuid::from_u128(7)) };
        let keys = Keys::of([at(1, 0), at(2, 3), at(2, 4), at(3, 0)].into_iter());
        let left = keys.without(&HashSet::from([at(2, 3), at(1, 1)])).unwrap();
        assert!(left.read().eq([at(1, 0), Mark::FIRST, at(2, 4), at(3, 0)]));
        assert_eq!(keys.without(&HashSet::from([at(2, 0), at(1, 1)])), None);
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
