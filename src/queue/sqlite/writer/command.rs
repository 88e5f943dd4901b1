//! What the writer is asked for.

use tokio::sync::oneshot;

use super::super::super::backlog::{Admitted, AdmittedRefused};
use super::super::Receipt;
use super::Answer;
use crate::event::{Rejected, Timestamp};

/// What the writer can be asked for.
pub(in super::super) enum Command {
    Enqueue { events: Written, waiting: Admitted, reply: oneshot::Sender<Answer<Receipt>> },
    Refuse { refused: Vec<Rejected>, waiting: AdmittedRefused },
    Ack { first: u64, last: u64, reply: oneshot::Sender<Answer<()>> },
    AckRejected { first: u64, last: u64, reply: oneshot::Sender<Answer<()>> },
    Bury { seq: u64, dead_letter: Box<Rejected>, reply: oneshot::Sender<Answer<()>> },
    BuryRow { first: u64, dead_letters: Vec<Rejected>, reply: oneshot::Sender<Answer<()>> },
    Probe { reply: oneshot::Sender<Answer<()>> },
    Newest { reply: oneshot::Sender<Answer<u64>> },
    Scrub { reply: oneshot::Sender<Answer<()>> },
}

/// Events of one request as they will lie in the file, made by whoever asks: the thread has enough
/// to do.
#[derive(Debug)]
pub(in super::super) struct Written {
    /// Their entries, see [`super::segment`].
    pub(in super::super) body: Vec<u8>,
    /// How many they are.
    pub(in super::super) events: u64,
    /// Their size, as the queue's bound counts it.
    pub(in super::super) bytes: u64,
    /// When they were taken in.
    pub(in super::super) received_at: Timestamp,
}

impl Command {
    pub(super) fn events(&self) -> u64 {
        match self {
            Self::Enqueue { events, .. } => events.events,
            _ => 0,
        }
    }

    /// Whether it takes a transaction of its own.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Scrub { .. })
    }
}
