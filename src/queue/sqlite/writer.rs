//! The writer thread: it gathers what waits, writes it in one transaction, flushes once, answers.
//!
//! It is the only one in its process that writes to the queue's file. An answer is sent only after
//! the commit has returned; if anything in the group fails, all of it is rolled back and everyone
//! in it is told so. After an error of the disk the connection is closed and opened again, and the
//! log moved into the database by a flush of its own: a flush that failed is never tried again as
//! if it were the same.

mod command;
mod mailbox;
mod transaction;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::{Leases, QueueError, Signals, SqliteQueueOptions};
use crate::clock::Stopwatch;
use crate::metrics::Metrics;
use crate::sqlite::{self, Damage, Fault, SameFile, always_there};
pub(super) use command::{Command, Written};
use mailbox::Mailbox;
use transaction::{Outcome, Transaction};

/// Bounds of one group. A group is what came during the last flush; these are for floods.
const GROUP_EVENTS: u64 = 20_000;
const GROUP_COMMANDS: usize = 10_000;

/// A group of so many commands came from a crowd: the next one waits for more of it.
const CROWD: usize = 8;

/// The longest that a crowd is waited for.
const LONGEST_REST: Duration = Duration::from_micros(300);

pub(super) type Answer<T> = Result<T, QueueError>;

/// What the thread has in common with the rest of its queue.
pub(super) struct Shared {
    pub(super) signals: Arc<Signals>,
    pub(super) rejected: Arc<Leases>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) damage: Damage,
}

/// The handle to the thread. The thread ends when the handle is dropped and everything is written.
pub(super) struct Writer {
    mailbox: Mailbox,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, options: SqliteQueueOptions, shared: Shared) -> io::Result<Self> {
        let mailbox = Mailbox::default();
        let same_file = SameFile::of(&options.path);
        let thread = Thread { connection: Some(connection), same_file, options, shared, failing: false };
        let inbox = Inbox(mailbox.clone());
        let thread = std::thread::Builder::new().name("queue-writer".to_owned()).spawn(move || thread.run(&inbox))?;
        Ok(Self { mailbox, thread: Some(thread) })
    }

    pub(super) fn send(&self, command: Command) {
        // If the thread is gone, the reply is dropped with the command, which the asker sees.
        self.mailbox.send(command);
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.mailbox.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was seen by everyone who waited for it.
            let _ = thread.join();
        }
    }
}

/// The thread's end of the mailbox: after a panic nobody must wait for a reply.
struct Inbox(Mailbox);

impl Drop for Inbox {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// What runs in the thread.
struct Thread {
    /// None after an error of the disk, until it can be opened again.
    connection: Option<Connection>,
    same_file: SameFile,
    options: SqliteQueueOptions,
    shared: Shared,
    /// Whether the last group failed; said once, not for every group of an outage.
    failing: bool,
}

impl Thread {
    fn run(mut self, inbox: &Inbox) {
        let mut waiting = VecDeque::new();
        loop {
            if waiting.is_empty() {
                inbox.0.take(&mut waiting);
            }
            let group = gather(&mut waiting);
            if group.is_empty() {
                if let Some(connection) = &self.connection {
                    self.shared.damage.spare(connection);
                }
                return;
            }
            let (commands, watch) = (group.len(), Stopwatch::start());
            self.write(group);
            if commands >= CROWD && waiting.is_empty() {
                // Those who were answered are about to come again. Written together they cost one
                // flush instead of many, so the thread rests for as long as it worked.
                std::thread::sleep(watch.elapsed().min(LONGEST_REST));
            }
        }
    }

    fn write(&mut self, group: Vec<Command>) {
        let watch = Stopwatch::start();
        let result = self.commit(&group);
        let events: u64 = group.iter().map(Command::events).sum();
        if events > 0 {
            self.shared.metrics.flush_events.observe(events as f64);
            self.shared.metrics.flush_seconds.observe(watch.seconds());
        }
        self.tell(result.as_ref().err());
        match result {
            Ok((outcomes, removed)) => {
                self.shared.metrics.refused_removed.inc_by(removed);
                for (command, outcome) in group.into_iter().zip(outcomes) {
                    self.answer(command, Ok(outcome));
                }
                if events > 0 {
                    self.shared.signals.arrived.notify_one();
                }
            }
            Err(error) => {
                self.shared.metrics.database_error("queue");
                for command in group {
                    self.answer(command, Err(error.clone()));
                }
            }
        }
    }

    fn tell(&mut self, error: Option<&QueueError>) {
        match error {
            Some(error) if !self.failing => tracing::error!(error = %error, "the queue cannot be written"),
            None if self.failing => tracing::info!("the queue can be written again"),
            _ => (),
        }
        self.failing = error.is_some();
    }

    fn commit(&mut self, group: &[Command]) -> Answer<(Vec<Outcome>, u64)> {
        let unavailable = |error: rusqlite::Error| QueueError::Unavailable(error.to_string());
        self.shared.damage.check().map_err(unavailable)?;
        // It stays open: put back, it is what it was.
        self.same_file.check().map_err(unavailable)?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => sqlite::reopen(&self.options.path).map_err(|error| {
                self.shared.damage.look(&error);
                unavailable(error)
            })?,
        };
        // What a worker has claimed is on its way to the store, which has a bound of its own.
        let claimed = self.shared.rejected.lock().last();
        // All that it asks for is counted, but for the row of sums.
        let result = match group {
            [Command::Scrub { .. }] => sqlite::scrub(&connection).map(|()| (vec![Outcome::Done], 0)),
            _ => always_there(Transaction::run(&mut connection, group, &self.options, claimed)),
        };
        if let Err(error) = &result {
            self.shared.damage.look(error);
            self.shared.damage.spare(&connection);
        }
        match result {
            Ok(done) => {
                self.connection = Some(connection);
                Ok(done)
            }
            Err(error) => match sqlite::fault(&error) {
                // Dropped: what it believes to be on the disk may not be there.
                Fault::Io => {
                    sqlite::abandon(connection);
                    Err(QueueError::Unavailable(error.to_string()))
                }
                Fault::Full => {
                    self.connection = Some(connection);
                    Err(QueueError::Full("there is no room on the disk".to_owned()))
                }
                Fault::Refused | Fault::Unavailable => {
                    self.connection = Some(connection);
                    Err(QueueError::Unavailable(error.to_string()))
                }
            },
        }
    }

    fn answer(&self, command: Command, outcome: Answer<Outcome>) {
        match command {
            Command::Enqueue { reply, waiting, .. } => {
                drop(waiting);
                let receipt = outcome.and_then(|outcome| match outcome {
                    Outcome::Receipt(receipt) => Ok(receipt),
                    Outcome::Full(what) => Err(QueueError::Full(what)),
                    Outcome::Newest(_) | Outcome::Done => Err(lost_its_place()),
                });
                let _ = reply.send(receipt);
            }
            Command::Newest { reply } => {
                let _ = reply.send(outcome.and_then(|outcome| match outcome {
                    Outcome::Newest(number) => Ok(number),
                    _ => Err(lost_its_place()),
                }));
            }
            Command::Scrub { reply } => {
                let _ = reply.send(outcome.map(drop));
            }
            Command::Refuse { refused, waiting } => {
                if outcome.is_err() {
                    self.shared.metrics.refused_dropped.inc_by(refused.len() as u64);
                }
                drop(waiting);
                self.shared.signals.rejected.notify_one();
            }
            Command::Ack { reply, .. }
            | Command::AckRejected { reply, .. }
            | Command::Bury { reply, .. }
            | Command::BuryRow { reply, .. } => {
                let _ = reply.send(outcome.map(drop));
                self.shared.signals.removed.notify_waiters();
                self.shared.signals.rejected.notify_one();
            }
            Command::Probe { reply } => {
                let _ = reply.send(outcome.and_then(|outcome| match outcome {
                    Outcome::Full(what) => Err(QueueError::Full(what)),
                    _ => Ok(()),
                }));
            }
        }
    }
}

fn lost_its_place() -> QueueError {
    QueueError::Unavailable("the writer lost its place".to_owned())
}

/// The commands of the next group, taken from those that wait.
fn gather(waiting: &mut VecDeque<Command>) -> Vec<Command> {
    let mut events = 0;
    if waiting.front().is_some_and(Command::is_alone) {
        return waiting.drain(..1).collect();
    }
    let fits = |command: &&Command| {
        let fits = events < GROUP_EVENTS && !command.is_alone();
        events += command.events();
        fits
    };
    let group = waiting.iter().take(GROUP_COMMANDS).take_while(fits).count();
    waiting.drain(..group).collect()
}
