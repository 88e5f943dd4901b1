//! What a connection is about, as far as its clock has to know. The socket's side says what is
//! read, the service's side what is answered; both are polled by one task, and the atomics are
//! there for the compiler alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// What is known of a connection.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// Heads that were read to their end.
    heads: AtomicU64,
    /// Requests that were given to the service.
    given: AtomicU64,
    in_head: AtomicBool,
    in_hand: AtomicBool,
    moved: AtomicBool,
    unwritten: AtomicBool,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The first byte of a request.
    Request,
    /// The rest of a head.
    Head,
}

/// A request in hand, until its answer is written or given up.
#[derive(Debug)]
pub(super) struct InHand(Arc<Phase>);

impl Phase {
    /// What the client has to send for things to go on; nothing while a request is in hand.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        match (self.in_hand.load(Relaxed), self.in_head.load(Relaxed)) {
            (true, _) => None,
            (false, true) => Some(Awaited::Head),
            (false, false) => Some(Awaited::Request),
        }
    }

    /// Notes how far the socket was read.
    pub(super) fn read(&self, heads: u64, in_head: bool) {
        self.heads.store(heads, Relaxed);
        if self.in_head.swap(in_head, Relaxed) != in_head {
            self.moved.store(true, Relaxed);
        }
    }

    /// Notes that something is to be written, and whether the client took a part of it.
    pub(super) fn writes(&self, took: bool) {
        self.unwritten.store(true, Relaxed);
        if took {
            self.moved.store(true, Relaxed);
        }
    }

    /// Notes that everything is written.
    pub(super) fn wrote_all(&self) {
        self.unwritten.store(false, Relaxed);
    }

    /// Whether a part of an answer is still here.
    pub(super) fn has_unwritten(&self) -> bool {
        self.unwritten.load(Relaxed)
    }

    /// Whether the time that is allowed begins anew; says it once.
    pub(super) fn has_moved(&self) -> bool {
        self.moved.load(Relaxed) && self.moved.swap(false, Relaxed)
    }

    /// Takes a request in hand.
    pub(super) fn begin(self: &Arc<Self>) -> InHand {
        self.given.fetch_add(1, Relaxed);
        self.in_hand.store(true, Relaxed);
        InHand(self.clone())
    }
}

impl InHand {
    /// Whether the next request was read already, or a part of it.
    pub(super) fn is_followed(&self) -> bool {
        self.0.heads.load(Relaxed) > self.0.given.load(Relaxed) || self.0.in_head.load(Relaxed)
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.in_hand.store(false, Relaxed);
        self.0.moved.store(true, Relaxed);
    }
}
