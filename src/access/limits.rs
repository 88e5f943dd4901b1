//! How many events one may send: a rate, and the room that ten seconds of it make.
//!
//! A batch of a hundred events spends a hundred. Limits of addresses are kept in a table of bounded size: where more
//! addresses come than it holds, the one that was away longest is forgotten, and begins anew.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use lru::LruCache;

/// Seconds of its rate that one may send at once.
const WINDOW: u32 = 10;

/// Parts of a table, each with a lock of its own.
const SHARDS: usize = 16;

/// Events in a second, in the long run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(NonZeroU32);

/// What one may still send.
pub struct Limiter {
    rate: Rate,
    bucket: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
}

/// What is left behind what was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The limit.
    pub rate: Rate,
    /// Events that may be sent at once.
    pub remaining: u32,
}

/// Why nothing was spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Not now, but when that time is over.
    Until(Rate, Duration),
    /// Never: there is not so much room.
    Never(Rate),
}

/// Limits of many, all with one rate.
pub struct Limiters<K> {
    rate: Rate,
    shards: Box<[Mutex<LruCache<K, Limiter>>]>,
    hasher: RandomState,
}

impl Rate {
    /// So many events in a second.
    pub fn per_second(events: NonZeroU32) -> Self {
        Self(events)
    }

    /// Events in a second.
    pub fn events(self) -> NonZeroU32 {
        self.0
    }

    /// Events that may be sent at once.
    pub fn burst(self) -> NonZeroU32 {
        self.0.saturating_mul(const { NonZeroU32::new(WINDOW).expect("not nought") })
    }

    /// The seconds in which so many may be sent.
    pub fn window(self) -> u32 {
        self.burst().get().div_ceil(self.0.get())
    }

    /// Seconds until there is room for a burst again.
    pub fn seconds_until_full(self, remaining: u32) -> u32 {
        self.burst().get().saturating_sub(remaining).div_ceil(self.0.get())
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let events = text.strip_suffix("/s").and_then(|events| events.parse().ok());
        events.map(Self).ok_or_else(|| "a rate is a number of events in a second, such as 100/s".to_owned())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl Limiter {
    /// One that nothing was spent of.
    pub fn new(rate: Rate) -> Self {
        let quota = Quota::per_second(rate.0).allow_burst(rate.burst());
        let clock = DefaultClock::default();
        let bucket = RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware();
        Self { rate, bucket, clock }
    }

    /// Its rate.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Spends so many events, all or none.
    ///
    /// # Errors
    /// Says when there is room for them.
    pub fn spend(&self, events: NonZeroU32) -> Result<Spent, Limited> {
        match self.bucket.check_n(events) {
            Ok(Ok(state)) => Ok(Spent { rate: self.rate, remaining: state.remaining_burst_capacity() }),
            Ok(Err(not_yet)) => Err(Limited::Until(self.rate, not_yet.wait_time_from(self.clock.now()))),
            Err(_) => Err(Limited::Never(self.rate)),
        }
    }
}

impl<K: Hash + Eq> Limiters<K> {
    /// A table for so many at once.
    pub fn new(rate: Rate, most: usize) -> Self {
        let most = NonZeroUsize::new(most.div_ceil(SHARDS)).unwrap_or(NonZeroUsize::MIN);
        let shards = (0..SHARDS).map(|_| Mutex::new(LruCache::new(most))).collect();
        Self { rate, shards, hasher: RandomState::new() }
    }

    /// Spends so many events of one of them, all or none.
    ///
    /// # Errors
    /// Says when there is room for them.
    pub fn spend(&self, whose: K, events: NonZeroU32) -> Result<Spent, Limited> {
        let shard = usize::try_from(self.hasher.hash_one(&whose) % SHARDS as u64).unwrap_or_default();
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        shard.get_or_insert(whose, || Limiter::new(self.rate)).spend(events)
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiter({})", self.rate)
    }
}

impl<K> fmt::Debug for Limiters<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiters({})", self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(count: u32) -> NonZeroU32 {
        NonZeroU32::new(count).unwrap()
    }

    fn rate(count: u32) -> Rate {
        Rate::per_second(events(count))
    }

    #[test]
    fn a_rate_is_events_in_a_second() {
        assert_eq!("100/s".parse(), Ok(rate(100)));
        assert_eq!(rate(100).to_string(), "100/s");
        assert_eq!((rate(100).burst().get(), rate(100).window()), (1000, 10));
        for wrong in ["", "100", "0/s", "-1/s", "1.5/s", "100/m", "many/s", "4294967296/s"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
        assert_eq!(rate(u32::MAX).window(), 1);
    }

    #[test]
    fn events_are_spent_and_not_requests() {
        // So slow that nothing comes back while this runs.
        let limiter = Limiter::new(rate(1));
        assert_eq!(limiter.spend(events(4)).unwrap().remaining, 6);
        assert_eq!(limiter.spend(events(6)).unwrap().remaining, 0);
        let Err(Limited::Until(_, wait)) = limiter.spend(events(2)) else { panic!("nothing was left") };
        assert!(wait > Duration::from_millis(1), "{wait:?}");
        assert_eq!(limiter.spend(events(11)), Err(Limited::Never(rate(1))));
    }

    #[test]
    fn what_one_spends_is_nobody_elses() {
        let limiters = Limiters::new(rate(1), 100);
        assert_eq!(limiters.spend("a", events(10)).unwrap().remaining, 0);
        assert!(limiters.spend("a", events(1)).is_err());
        assert_eq!(limiters.spend("b", events(1)).unwrap().remaining, 9);
    }

    #[test]
    fn ten_million_addresses_take_no_more_room_than_the_table_has() {
        const MOST: usize = 65_536;
        let limiters = Limiters::new(rate(1), MOST);
        let memory_at = |address: u128| address.is_multiple_of(1_000_000).then(resident_kib).flatten();
        let mut memory = Vec::new();
        for address in 1..=10_000_000_u128 {
            assert!(limiters.spend(address, events(1)).is_ok());
            memory.extend(memory_at(address));
        }
        assert!((MOST / 2..=MOST).contains(&limiters.len()), "{}", limiters.len());
        // From one million on to ten: what the allocator does is not nothing, but nine times as much would be.
        if let (Some(first), Some(last)) = (memory.first(), memory.last()) {
            assert!(*last < first + first / 4, "{memory:?} KiB");
        }
    }

    /// Where the system tells.
    fn resident_kib() -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}
