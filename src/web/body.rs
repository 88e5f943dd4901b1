//! Request bodies: read up to a limit, out of a budget of memory that all of them share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::error::Error;
use crate::clock::moment;

/// Memory that bodies in flight may take together.
pub(crate) const BUDGET: usize = 64 << 20;

/// Times the limit that is read, and thrown away, of a body over it. A client that is still
/// sending when the connection closes may never see the answer.
const READ_ON: usize = 2;

/// Bodies that are decoded at once. A decoder's window takes up to 16 MiB beside the body.
const DECODERS: usize = 4;

/// The time in which a body has to end, or a step of it has to come. What stays away, or drips, must
/// not keep its share of the budget.
const STEP_TIME: Duration = Duration::from_secs(30);

/// The smallest step in bytes, and the part of what has come that it is at least. A body of 16 KiB
/// may take as long as a step, one of 16 MiB an hour: whoever holds more memory has to send faster.
const STEP: usize = 16 << 10;
const STEP_PART: usize = 16;

/// Bytes that bodies in flight may take together. One pointer: every request has a copy of it.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    taken: AtomicUsize,
    decoders: Arc<Semaphore>,
}

/// A part of the budget, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    bytes: usize,
    budget: Budget,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Parts { taken: AtomicUsize::new(0), decoders: Arc::new(Semaphore::new(DECODERS)) }))
    }

    /// A place to decode a body, once one is free.
    pub(super) async fn decoder(&self) -> OwnedSemaphorePermit {
        self.0.decoders.clone().acquire_owned().await.expect("the semaphore is never closed")
    }

    /// A share of nothing, which can grow.
    pub(super) fn share(&self) -> Share {
        Share { bytes: 0, budget: self.clone() }
    }

    /// Bytes that are taken now.
    pub(super) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes `bytes` more, or fails if others have them.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= BUDGET);
        let taken = &self.budget.0.taken;
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).map_err(|_| Error::Busy)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body, or its beginning and what was wrong with the rest.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    /// Bytes that came after those, and were thrown away.
    pub(super) more: usize,
    pub(super) share: Share,
    pub(super) problem: Option<Error>,
}

/// How far a body has come, and how far it has to come until when.
#[derive(Debug)]
struct Pace {
    came: usize,
    goal: usize,
    /// Set when there is something to wait for; most bodies are here at once.
    deadline: Option<Instant>,
}

impl Pace {
    fn new() -> Self {
        Self { came: 0, goal: STEP, deadline: None }
    }

    fn came(&mut self, bytes: usize) {
        self.came = self.came.saturating_add(bytes);
        if self.came >= self.goal {
            self.goal = self.came.saturating_add(STEP.max(self.came / STEP_PART));
            self.deadline = None;
        }
    }

    fn deadline(&mut self) -> Instant {
        *self.deadline.get_or_insert_with(|| moment() + STEP_TIME)
    }
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(mut body: Body, limit: usize, budget: &Budget) -> Received {
    let mut received = Received { bytes: Vec::new(), more: 0, share: budget.share(), problem: None };
    let mut pace = Pace::new();
    loop {
        // A timer is set only where there is something to wait for.
        let frame = match body.frame().now_or_never() {
            Some(frame) => Ok(frame),
            None => timeout_at(pace.deadline(), body.frame()).await,
        };
        let frame = match frame {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return received,
            Ok(Some(Err(_))) => {
                received.problem = Some(Error::Incomplete);
                return received;
            }
            Err(_) => {
                received.problem = Some(Error::TimedOut);
                return received;
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        pace.came(data.len());
        let kept = data.len().min(limit - received.bytes.len());
        let (data, rest) = data.split_at(kept);
        if let Err(busy) = received.share.grow(data.len()) {
            received.problem = Some(busy);
            return received;
        }
        received.bytes.extend_from_slice(data);
        if !rest.is_empty() {
            received.problem.get_or_insert_with(|| too_large(limit));
            received.more += rest.len();
            if received.more > limit.saturating_mul(READ_ON) {
                return received;
            }
        }
    }
}

/// The answer to a body over its limit.
pub(super) fn too_large(limit: usize) -> Error {
    Error::TooLarge(format!("The body is larger than {limit} bytes (EYE_MAX_BODY)."))
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    /// Pieces of that size, as many as these, with a pause before each; then the end, or nothing more.
    fn drip(bytes: usize, pieces: usize, pause: Duration, ends: bool) -> Body {
        let pieces = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(vec![b'x'; bytes])
        });
        match ends {
            true => Body::from_stream(pieces),
            false => Body::from_stream(pieces.chain(stream::pending())),
        }
    }

    /// Whether such a body is cut off, and the time that it took.
    async fn is_cut_off(body: Body) -> (bool, Duration) {
        let (budget, start) = (Budget::new(), moment());
        let received = read(body, BUDGET, &budget).await;
        (matches!(received.problem, Some(Error::TimedOut)), moment() - start)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stays_away_gives_its_share_back() {
        let budget = Budget::new();
        let received = read(drip(1000, 1, Duration::ZERO, false), BUDGET, &budget).await;
        assert!(matches!(received.problem, Some(Error::TimedOut)));
        assert_eq!(budget.taken(), 1000);
        drop(received);
        assert_eq!(budget.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_off_and_one_that_is_slow_is_not() {
        let second = Duration::from_secs(1);
        // A byte now and then buys no time, at the beginning or after much has come at once.
        assert_eq!(is_cut_off(drip(1, 10_000, second, true)).await, (true, STEP_TIME));
        let at_once = stream::iter([Ok::<_, axum::Error>(vec![b'x'; 1 << 20].into())]);
        let rest = drip(100, 10_000, second, true).into_data_stream();
        assert_eq!(is_cut_off(Body::from_stream(at_once.chain(rest))).await, (true, STEP_TIME));
        // 1 KiB/s is slow, and does for a small body; 64 KiB/s does for a large one.
        assert_eq!(is_cut_off(drip(1 << 10, 100, second, true)).await, (false, 100 * second));
        assert_eq!(is_cut_off(drip(64 << 10, 256, second, true)).await, (false, 256 * second));
        // Who holds much has to send faster.
        let (cut_off, after) = is_cut_off(drip(1 << 10, 1 << 14, second, true)).await;
        assert!(cut_off && after > 400 * second, "{after:?}");
    }
}
