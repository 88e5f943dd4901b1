//! Request bodies: read up to a limit, out of a budget of memory that all of them share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Error;

/// Memory that bodies in flight may take together.
pub(crate) const BUDGET: usize = 64 << 20;

/// Times the limit that is read, and thrown away, of a body over it. A client that is still
/// sending when the connection closes may never see the answer.
const READ_ON: usize = 2;

/// Bodies that are decoded at once. A decoder's window takes up to 16 MiB beside the body.
const DECODERS: usize = 4;

/// The longest that a body may pause. What stays away longer must not keep its share of the budget.
const PAUSE: Duration = Duration::from_secs(30);

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
    /// Whether there was more than that.
    pub(super) cut: bool,
    pub(super) share: Share,
    pub(super) problem: Option<Error>,
}

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(mut body: Body, limit: usize, budget: &Budget) -> Received {
    let mut received = Received { bytes: Vec::new(), cut: false, share: budget.share(), problem: None };
    let mut thrown_away = 0;
    loop {
        // A timer is set only where there is something to wait for.
        let frame = match body.frame().now_or_never() {
            Some(frame) => Ok(frame),
            None => tokio::time::timeout(PAUSE, body.frame()).await,
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
        let kept = data.len().min(limit - received.bytes.len());
        let (data, rest) = data.split_at(kept);
        if let Err(busy) = received.share.grow(data.len()) {
            received.problem = Some(busy);
            return received;
        }
        received.bytes.extend_from_slice(data);
        if !rest.is_empty() {
            received.cut = true;
            received.problem.get_or_insert_with(|| too_large(limit));
            thrown_away += rest.len();
            if thrown_away > limit.saturating_mul(READ_ON) {
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
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stays_away_gives_its_share_back() {
        let budget = Budget::new();
        let part = futures_util::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 1000])]);
        let never = futures_util::stream::pending();
        let body = Body::from_stream(futures_util::StreamExt::chain(part, never));
        let received = read(body, BUDGET, &budget).await;
        assert!(matches!(received.problem, Some(Error::TimedOut)));
        assert_eq!(budget.taken(), 1000);
        drop(received);
        assert_eq!(budget.taken(), 0);
    }
}
