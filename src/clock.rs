//! The one place that reads the clock and makes ids from it. Clippy bans `now()` elsewhere, so
//! that a test can say what time it is.

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use uuid::{ContextV7, Uuid};

use crate::event::Timestamp;

/// Keeps ids that are made in the same millisecond in order.
static IDS: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// What time it is.
#[derive(Debug, Clone, Copy, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands still, for tests.
    Fixed(Timestamp),
}

impl Clock {
    /// The time now.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Fixed(timestamp) => timestamp,
        }
    }

    /// A new UUIDv7.
    pub fn new_id(self) -> Uuid {
        let micros = self.now().as_micros().max(0);
        let (seconds, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
        let nanos = u32::try_from(rest * 1000).expect("less than a second");
        Uuid::new_v7(uuid::Timestamp::from_unix(&IDS, seconds, nanos))
    }
}

/// Measures how long something takes; clock steps do not touch it.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The same in seconds, as metrics want it.
    pub fn seconds(self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

/// The time now for deadlines: the runtime's, which tests can stop.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
pub(crate) fn moment() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that may read the clock")]
fn system_now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
    };
    Timestamp::from_micros(micros).unwrap_or(Timestamp::MAX)
}
