//! What is on its way into a queue, and the bounds of that: a disk or a server that hangs must not
//! fill the memory with requests that their clients gave up long ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::QueueError;
use crate::event::{Event, Rejected};

/// Bytes of events, and of refused events, that may wait to be written.
const EVENT_BYTES: u64 = 64 << 20;
const REFUSED_BYTES: u64 = 16 << 20;

/// What a queue may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Events.
    pub(super) events: u64,
    /// Bytes of events.
    pub(super) bytes: u64,
}

impl Bounds {
    /// The bytes of these events, or an error if no queue of this size can ever hold them.
    pub(super) fn measure<'a>(self, events: impl Iterator<Item = &'a Event>) -> Result<u64, QueueError> {
        let (count, bytes) = events.fold((0, 0), |(count, bytes), event| (count + 1, bytes + event.size() as u64));
        match count > self.events || bytes > self.bytes {
            true => Err(QueueError::TooLarge(format!(
                "The batch is larger than the queue may be ({} events, {} bytes).",
                self.events, self.bytes
            ))),
            false => Ok(bytes),
        }
    }
}

/// What waits to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicU64,
    refused: AtomicU64,
    refused_bytes: AtomicU64,
}

/// Events that wait for as long as this lives.
#[derive(Debug)]
pub(super) struct Admitted {
    bytes: u64,
    backlog: Backlog,
}

/// Refused events that wait for as long as this lives.
#[derive(Debug)]
pub(super) struct AdmittedRefused {
    count: u64,
    bytes: u64,
    backlog: Backlog,
}

impl Backlog {
    /// Lets so many bytes of events in, if not too many wait already.
    pub(super) fn admit(&self, bytes: u64) -> Result<Admitted, QueueError> {
        let before = self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        let admitted = Admitted { bytes, backlog: self.clone() };
        // One request alone is let in whatever its size.
        match before > 0 && before + bytes > EVENT_BYTES {
            true => Err(QueueError::Full("too much waits to be written".to_owned())),
            false => Ok(admitted),
        }
    }

    /// Lets refused events in as far as there is room, and says how many were dropped.
    pub(super) fn admit_refused(&self, refused: &mut Vec<Rejected>) -> (AdmittedRefused, u64) {
        let waiting = self.0.refused_bytes.load(Ordering::Relaxed);
        let mut bytes = 0;
        let fits = |refused: &&Rejected| {
            let size = refused.footprint() as u64;
            // What fits is kept, and of one request alone whatever it brings: that is bounded already.
            let fits = waiting == 0 || waiting + bytes + size <= REFUSED_BYTES;
            bytes += if fits { size } else { 0 };
            fits
        };
        let kept = refused.iter().take_while(fits).count();
        let dropped = refused.len() - kept;
        refused.truncate(kept);
        self.0.refused.fetch_add(kept as u64, Ordering::Relaxed);
        self.0.refused_bytes.fetch_add(bytes, Ordering::Relaxed);
        (AdmittedRefused { count: kept as u64, bytes, backlog: self.clone() }, dropped as u64)
    }

    /// Refused events that wait.
    pub(super) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.backlog.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for AdmittedRefused {
    fn drop(&mut self) {
        self.backlog.0.refused.fetch_sub(self.count, Ordering::Relaxed);
        self.backlog.0.refused_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
