//! The embedded queue: a SQLite file of its own, one writer thread, and group commit.
//!
//! Every request hands its events to the writer and waits. The writer takes whatever waits, writes
//! it in one transaction, flushes once, and answers all of them (see [`writer`]). So the flush,
//! which is what a durable answer costs, is shared by everyone who came while the last one ran.
//!
//! **What a crash does.** A transaction that was not flushed is gone with its requests, which were
//! never answered. One that was flushed is there when the file is opened again. What a worker had
//! claimed is free again, since a lease lives in the memory of its process.
//!
//! **Who may open it.** One process that takes events in and one that stores them; a lock beside
//! the file for each role keeps a second one out.

mod claim;
mod damaged;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod leases;
mod lock;
mod schema;
mod segment;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tokio::sync::{Notify, oneshot};

use super::backlog::{Backlog, Bounds};
use super::{Claim, Depth, Durability, Lease, Most, Queue, QueueError, Receipt, Role, Seqs};
use crate::event::{Event, NewEvent, Rejected, Timestamp};
use crate::metrics::Metrics;
use crate::sqlite::{self, Damage, Migrations, OpenError, Readers, Rescued, always_there};
use claim::Found;
use leases::Leases;
use lock::Lock;
use schema::SCHEMA;
use writer::{Command, Writer, Written};

/// How often a process looks for what another one did to the file, which cannot signal.
const LOOK: Duration = Duration::from_millis(50);

/// How often it looks where there is no other one, should a signal ever be missed.
const RARE_LOOK: Duration = Duration::from_secs(1);

/// The embedded queue.
#[derive(Debug)]
pub struct SqliteQueue {
    writer: Writer,
    readers: Readers,
    events: Arc<Leases>,
    rejected: Arc<Leases>,
    signals: Arc<Signals>,
    metrics: Arc<Metrics>,
    backlog: Backlog,
    bounds: Bounds,
    look: Duration,
    _locks: Vec<Lock>,
}

/// How to open the embedded queue.
#[derive(Debug, Clone)]
pub struct SqliteQueueOptions {
    /// The database file.
    pub path: PathBuf,
    /// What this process does with it.
    pub role: Role,
    /// Events it may hold.
    pub max_events: u64,
    /// Bytes of events it may hold.
    pub max_bytes: u64,
    /// Refused events it may hold.
    pub max_refused: u64,
    /// Bytes that stay free on its disk, or a tenth of a small one: what stores the events needs some to make
    /// room.
    pub reserve: u64,
    /// Whether to bring the file up to date.
    pub migrations: Migrations,
}

/// What the writer tells those who wait.
#[derive(Debug, Default)]
struct Signals {
    /// Events can be claimed.
    arrived: Notify,
    /// Rejected events can be claimed.
    rejected: Notify,
    /// Something was stored or buried.
    removed: Notify,
}

impl SqliteQueue {
    /// Opens the queue, and creates it where there is none.
    pub fn open(options: &SqliteQueueOptions, metrics: Arc<Metrics>) -> Result<Self, OpenError> {
        let path = &options.path;
        let locks = Lock::take(path, options.role)?;
        let connection = sqlite::open_current(path, &SCHEMA, options.migrations)?;
        let signals = Arc::new(Signals::default());
        let rejected = Arc::new(Leases::default());
        let damage = Damage::of(path);
        let shared = writer::Shared {
            signals: signals.clone(),
            rejected: rejected.clone(),
            metrics: metrics.clone(),
            damage: damage.clone(),
        };
        let writer = Writer::start(connection, options.clone(), shared)
            .map_err(|error| OpenError::new(path, error.to_string()))?;
        Ok(Self {
            writer,
            readers: Readers::new(path, damage),
            events: Arc::default(),
            rejected,
            signals,
            metrics,
            backlog: Backlog::default(),
            bounds: Bounds { events: options.max_events, bytes: options.max_bytes },
            look: if options.role == Role::Both { RARE_LOOK } else { LOOK },
            _locks: locks,
        })
    }

    /// Brings the file up to date and says how many migrations that took.
    pub fn migrate(path: &Path) -> Result<usize, OpenError> {
        sqlite::migrate(path, &SCHEMA)
    }

    /// Copies what can be read of a damaged file into a new one; `None` if it is no queue.
    pub fn rescue(old: &Path, new: &Path) -> Result<Option<Vec<Rescued>>, OpenError> {
        sqlite::rescue(old, new, &SCHEMA)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<writer::Answer<T>>) -> Command) -> writer::Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.writer.send(command(reply));
        answer.await.unwrap_or_else(|_| Err(QueueError::Unavailable("its writer has stopped".to_owned())))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        self.readers.run(work).await.map_err(|error| {
            self.metrics.database_error("queue");
            QueueError::Unavailable(error.to_string())
        })
    }

    async fn lease<T: Send + 'static, D: Send + 'static>(
        &self,
        leases: &Arc<Leases>,
        read: impl Fn(&Connection, leases::Gap) -> rusqlite::Result<Found<T, D>> + Send + 'static,
    ) -> Result<Leased<T, D>, QueueError> {
        let leases = leases.clone();
        self.read(move |connection| {
            // Held while reading: two workers must not find the same entries free.
            let mut held = leases.lock();
            for gap in held.gaps() {
                let entries = match read(connection, gap)? {
                    Found::Entries(entries) => entries,
                    Found::Damaged(row) => return Ok(Leased::Damaged(row)),
                };
                if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
                    let (first, last) = (first.seq, last.seq);
                    held.add(first, last);
                    drop(held);
                    let give_back = move |_: &Seqs| leases.lock().remove(first);
                    let lease = Lease::new(Seqs::Stretch { first, last }, give_back);
                    return Ok(Leased::Claim(Some(Claim { entries, lease })));
                }
            }
            Ok(Leased::Claim(None))
        })
        .await
    }
}

/// What a lane had to lease.
enum Leased<T, D> {
    Claim(Option<Claim<T>>),
    Damaged(D),
}

#[async_trait]
impl Queue for SqliteQueue {
    async fn enqueue(&self, events: Vec<NewEvent>) -> Result<Receipt, QueueError> {
        let received_at = events.first().map_or(Timestamp::MIN, |first| first.event().received_at);
        let bytes = self.bounds.measure(events.iter().map(NewEvent::event))?;
        let waiting = self.backlog.admit(bytes)?;
        let mut body = Vec::with_capacity(events.iter().map(|event| segment::length(event.event())).sum());
        let count = events.len() as u64;
        for event in events {
            segment::write(event.event(), &mut body);
        }
        let events = Written { body, events: count, bytes, received_at };
        self.ask(|reply| Command::Enqueue { events, waiting, reply }).await
    }

    fn refuse(&self, mut refused: Vec<Rejected>) {
        let (waiting, dropped) = self.backlog.admit_refused(&mut refused);
        self.metrics.refused_dropped.inc_by(dropped);
        self.writer.send(Command::Refuse { refused, waiting });
    }

    async fn claim(&self, most: Most) -> Result<Option<Claim<Event>>, QueueError> {
        loop {
            match self.lease(&self.events, move |connection, gap| claim::events(connection, gap, most)).await? {
                Leased::Claim(claim) => return Ok(claim),
                Leased::Damaged(row) => self.bury_row(row).await?,
            }
        }
    }

    async fn claim_rejected(&self, most: Most) -> Result<Option<Claim<Rejected>>, QueueError> {
        loop {
            match self.lease(&self.rejected, move |connection, gap| claim::rejected(connection, gap, most)).await? {
                Leased::Claim(claim) => return Ok(claim),
                Leased::Damaged(row) => self.bury_rejected(row).await?,
            }
        }
    }

    async fn ack(&self, claim: Claim<Event>) -> Result<(), QueueError> {
        let (first, last) = claim.lease.seqs.ends();
        // The lease lives until the rows are gone.
        self.ask(|reply| Command::Ack { first, last, reply }).await
    }

    async fn ack_rejected(&self, claim: Claim<Rejected>) -> Result<(), QueueError> {
        let (first, last) = claim.lease.seqs.ends();
        self.ask(|reply| Command::AckRejected { first, last, reply }).await
    }

    async fn bury(&self, seq: u64, dead_letter: Rejected) -> Result<(), QueueError> {
        let dead_letter = Box::new(dead_letter);
        self.ask(|reply| Command::Bury { seq, dead_letter, reply }).await
    }

    async fn settled(&self, receipt: &Receipt) {
        let Receipt { first, last, .. } = *receipt;
        loop {
            let removed = self.signals.removed.notified();
            let waiting = self.read(move |connection| {
                let sql = format!("SELECT first, last, events, body FROM segment WHERE {}", segment::OVERLAPS);
                let mut rows = connection.prepare_cached(&sql)?;
                let mut found = rows.query(params![first, last])?;
                while let Some(row) = found.next()? {
                    let (start, end, events): (u64, u64, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    // One that is whole need not be looked into.
                    if events == end - start + 1 || segment::holds(start, row.get_ref(3)?.as_blob()?, first, last) {
                        return Ok(true);
                    }
                }
                Ok(false)
            });
            if let Ok(false) = waiting.await {
                return;
            }
            let _ = tokio::time::timeout(self.look, removed).await;
        }
    }

    async fn wait(&self) {
        let _ = tokio::time::timeout(self.look, self.signals.arrived.notified()).await;
    }

    async fn wait_rejected(&self) {
        let _ = tokio::time::timeout(self.look, self.signals.rejected.notified()).await;
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let unwritten = self.backlog.refused();
        self.read(move |connection| {
            let sql = "SELECT events, bytes, (SELECT count(*) FROM rejected), \
                       (SELECT received_at FROM segment ORDER BY first LIMIT 1) FROM state";
            always_there(connection.prepare_cached(sql)?.query_row([], |row| {
                let oldest: Option<i64> = row.get(3)?;
                Ok(Depth {
                    events: row.get(0)?,
                    bytes: row.get(1)?,
                    rejected: row.get::<_, u64>(2)? + unwritten,
                    oldest: oldest.and_then(Timestamp::from_micros),
                })
            }))
        })
        .await
    }

    async fn newest(&self) -> Result<u64, QueueError> {
        self.ask(|reply| Command::Newest { reply }).await
    }

    async fn is_past(&self, number: u64) -> Result<bool, QueueError> {
        self.read(move |connection| {
            // A dead letter has a number of its own, which may be greater.
            let sql = "SELECT NOT EXISTS (SELECT 1 FROM segment WHERE first <= ?1) \
                       AND NOT EXISTS (SELECT 1 FROM rejected WHERE seq <= ?1 OR kind = 'dead_letter')";
            connection.prepare_cached(sql)?.query_row([number], |row| row.get(0))
        })
        .await
    }

    async fn scrub(&self) -> Result<(), QueueError> {
        self.ask(|reply| Command::Scrub { reply }).await
    }

    fn residues(&self) -> Vec<&'static str> {
        vec!["Copies of the queue's file: backups, snapshots, and blocks of its disk that are free now."]
    }

    async fn probe(&self) -> Result<Durability, QueueError> {
        self.ask(|reply| Command::Probe { reply }).await.map(|()| Durability::Flushed)
    }
}
