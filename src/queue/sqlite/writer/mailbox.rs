//! Where commands wait for the writer: taken out all at once, so that what waits costs no
//! allocation of its own, and a sender wakes the thread only if it sleeps.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Command;

/// Both ends of it.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    /// The thread waits for the first command.
    asleep: bool,
    /// One of the ends is gone: nothing more is sent, or nothing more is taken out.
    closed: bool,
}

impl Mailbox {
    /// Puts a command in. Once the mailbox is closed it is dropped, and its reply with it.
    pub(super) fn send(&self, command: Command) {
        let mut waiting = self.lock();
        if waiting.closed {
            return;
        }
        waiting.commands.push_back(command);
        let asleep = std::mem::take(&mut waiting.asleep);
        drop(waiting);
        if asleep {
            self.0.arrived.notify_one();
        }
    }

    /// Waits for commands and takes all of them, in order; none once it is closed and empty. What
    /// it leaves in exchange has to be empty.
    pub(super) fn take(&self, taken: &mut VecDeque<Command>) {
        let mut waiting = self.lock();
        while waiting.commands.is_empty() && !waiting.closed {
            waiting.asleep = true;
            waiting = self.0.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.asleep = false;
        std::mem::swap(&mut waiting.commands, taken);
    }

    /// Takes no more; what is in it can still be taken out.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.0.arrived.notify_one();
    }

    /// Closes it and drops what is in it.
    pub(super) fn abandon(&self) {
        self.close();
        // Not under the lock: whoever waits for a reply may send another command.
        let abandoned = std::mem::take(&mut self.lock().commands);
        drop(abandoned);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
