//! The shared queue: streams of one Redis, which any number of processes fill and empty.
//!
//! **What is in Redis.** `PREFIX:events` is the queue: acknowledged events that are not stored yet,
//! each an entry with a number of ours (`NUMBER-0`), in order. `PREFIX:refused` and `PREFIX:dead`
//! are the lane of rejected events: refusals, of which the oldest make room, and dead letters, which
//! stay. `PREFIX:state` has the last number, the bytes of all events, and the queue's generation.
//! `PREFIX:worker:NAME` is a worker's sign of life. Everything that has to happen as one step is a
//! script ([`scripts`]).
//!
//! **Durable** is what Redis flushes before it answers ([`durability`]); with any other setting the
//! queue works and says that it promises less.
//!
//! **What a crash does.** Of the API: what was written is in the queue, and what was not was never
//! answered. Of a worker: what it held is taken over by another one within five seconds
//! ([`watch`]). Of Redis: what was flushed is there when it is back, and connections are made anew.
//!
//! **A lease** is a pending entry of the consumer group. It has no time of its own: however long a
//! worker takes, nobody takes from it while it gives signs of life. One that is taken for dead and is
//! not does no harm: the store passes over what it has.

mod address;
mod durability;
mod entry;
mod held;
mod keys;
mod lane;
mod link;
mod scripts;
mod shared;
mod watch;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::{RedisError, Value};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::backlog::{Backlog, Bounds};
use super::{Claim, Depth, Durability, Most, Queue, QueueError, Receipt, Role};
use crate::clock::Clock;
use crate::event::{Event, NewEvent, Rejected, RejectedKind};
use crate::metrics::Metrics;
pub use address::RedisOpenError;
use address::{client, name};
use keys::Keys;
use lane::Lane;
use link::{Link, message};
pub use shared::RedisQueueOptions;
use shared::{GROUP, Shared, failure};
use watch::{Generation, Watch, Watched};
use writer::{Request, Writer};

/// How often a process looks for what another one did, which does not signal.
const LOOK: Duration = Duration::from_millis(50);

/// How long Redis may take to answer: a write is flushed, and the rest is quick.
const WRITE: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);

/// The shared queue.
#[derive(Debug)]
pub struct RedisQueue {
    shared: Arc<Shared>,
    writer: Writer,
    events: Arc<Lane<Event>>,
    refused: Arc<Lane<Rejected>>,
    dead: Arc<Lane<Rejected>>,
    /// The connection of what a worker does.
    work: Link,
    /// The connection of everything else but writes.
    looks: Link,
    backlog: Backlog,
    bounds: Bounds,
    watch: JoinHandle<()>,
}

impl RedisQueue {
    /// Opens the queue. It is there even if Redis is not yet.
    pub fn open(options: &RedisQueueOptions, metrics: Arc<Metrics>) -> Result<Self, RedisOpenError> {
        let (client, prefix) = client(&options.url)?;
        let (writes, looks) = (Link::new(client.clone(), WRITE), Link::new(client.clone(), ANSWER));
        let work = Link::new(client.clone(), ANSWER);
        let shared = Arc::new(Shared {
            keys: Keys::new(&prefix),
            options: options.clone(),
            clock: options.clock,
            metrics,
            writes,
            generation: Generation::default(),
            arrived: Notify::new(),
            rejected_arrived: Notify::new(),
        });
        let keys = &shared.keys;
        // Another name for each process, so that nobody takes another's entries for its own.
        let me = Clock::System.new_id().to_string();
        let (events, refused, dead) = (
            Arc::new(Lane::new(&work, &keys.events, &keys.state, &me)),
            Arc::new(Lane::new(&work, &keys.refused, &keys.state, &me)),
            Arc::new(Lane::new(&work, &keys.dead, &keys.state, &me)),
        );
        let watched = vec![watched(&events), watched(&refused), watched(&dead)];
        let worker = (options.role != Role::Api).then_some((me, watched));
        let (link, signs) = (Link::new(client.clone(), ANSWER), Link::new(client, ANSWER));
        let watch = Watch { shared: shared.clone(), link, signs, worker };
        Ok(Self {
            writer: Writer::start(shared.clone()),
            watch: tokio::spawn(watch.run()),
            backlog: Backlog::default(),
            bounds: Bounds { events: options.max_events, bytes: options.max_bytes },
            shared,
            events,
            refused,
            dead,
            work,
            looks,
        })
    }

    /// The server of a URL, without secrets; an error says what is wrong with it.
    pub fn server(url: &str) -> Result<String, String> {
        let (client, _) = client(url).map_err(|error| error.problem)?;
        Ok(name(&client))
    }

    /// Waits until Redis answers.
    pub async fn wait_for(url: &str, waiting: impl Fn(&str)) -> Result<(), RedisOpenError> {
        let (client, _) = client(url)?;
        let server = name(&client);
        let link = Link::new(client, ANSWER);
        while let Err(error) = link.run::<()>(&redis::cmd("PING")).await {
            waiting(&format!("waiting for `{server}`: {}", message(&error)));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok(())
    }

    /// Makes a dead letter of an entry that is no event: somebody wrote it by hand, or a version of this
    /// program that is not this one. Nobody knows its bytes, so the sum keeps them.
    async fn bury_unreadable(&self, id: &str, texts: Vec<u8>) -> Result<(), QueueError> {
        let reason = "the entry of the queue cannot be read as an event";
        tracing::error!(id, reason, "an entry of the queue in Redis is a dead letter now");
        let dead_letter = Rejected {
            id: self.shared.clock.new_id(),
            kind: RejectedKind::DeadLetter,
            reason: reason.to_owned(),
            errors: serde_json::json!({ "detail": reason }).to_string(),
            received_at: self.shared.clock.now(),
            size: texts.len() as u64,
            body: texts,
            truncated: false,
            session_id: None,
            category: None,
            name: None,
            application: None,
        };
        self.move_to_dead(id, 0, &dead_letter).await?;
        self.events.forget(id);
        self.shared.metrics.dead_lettered.inc();
        Ok(())
    }

    async fn move_to_dead(&self, id: &str, bytes: u64, dead_letter: &Rejected) -> Result<(), QueueError> {
        let keys = &self.shared.keys;
        let mut script = scripts::call(&scripts::BURY, &[&keys.events, &keys.dead, &keys.state]);
        script.arg(GROUP).arg(id).arg(bytes).arg(entry::rejected_texts(dead_letter));
        self.work.run::<()>(&script).await.map_err(|error| self.failed(failure(&error)))?;
        self.shared.rejected_arrived.notify_one();
        Ok(())
    }

    fn failed(&self, error: QueueError) -> QueueError {
        self.shared.metrics.database_error("queue");
        error
    }
}

impl Drop for RedisQueue {
    fn drop(&mut self) {
        // From here on there is no sign of life: somebody else takes over what is still held.
        self.watch.abort();
    }
}

#[async_trait]
impl Queue for RedisQueue {
    async fn enqueue(&self, events: Vec<NewEvent>) -> Result<Receipt, QueueError> {
        let events: Vec<_> = events.into_iter().map(NewEvent::into_event).collect();
        let bytes = self.bounds.measure(events.iter())?;
        let waiting = self.backlog.admit(bytes)?;
        self.writer.ask(|reply| Request::Enqueue { events, bytes, waiting, reply }).await
    }

    fn refuse(&self, mut refused: Vec<Rejected>) {
        let (waiting, dropped) = self.backlog.admit_refused(&mut refused);
        self.shared.metrics.refused_dropped.inc_by(dropped);
        self.writer.send(Request::Refuse { refused, waiting });
    }

    async fn claim(&self, most: Most) -> Result<Option<Claim<Event>>, QueueError> {
        let claim = self.events.claim(most).await.map_err(|error| self.failed(error))?;
        while let Some((id, texts)) = self.events.unreadable() {
            self.bury_unreadable(&id, texts).await?;
        }
        Ok(claim)
    }

    async fn claim_rejected(&self, most: Most) -> Result<Option<Claim<Rejected>>, QueueError> {
        for lane in [&self.dead, &self.refused] {
            let claim = lane.claim(most).await.map_err(|error| self.failed(error))?;
            while let Some((id, _)) = lane.unreadable() {
                let stream = lane.stream();
                tracing::error!(id, stream, "a rejected event in Redis cannot be read: it is left there");
                lane.leave(id);
            }
            if claim.is_some() {
                return Ok(claim);
            }
        }
        Ok(None)
    }

    async fn ack(&self, claim: Claim<Event>) -> Result<(), QueueError> {
        self.events.ack(claim.lease).await.map_err(|error| self.failed(error))
    }

    async fn ack_rejected(&self, claim: Claim<Rejected>) -> Result<(), QueueError> {
        let (first, _) = claim.lease.seqs.ends();
        let lane = if self.dead.leased(first).is_some() { &self.dead } else { &self.refused };
        lane.ack(claim.lease).await.map_err(|error| self.failed(error))
    }

    async fn bury(&self, seq: u64, dead_letter: Rejected) -> Result<(), QueueError> {
        self.move_to_dead(&entry::id(seq), self.events.leased(seq).unwrap_or_default(), &dead_letter).await
    }

    async fn settled(&self, receipt: &Receipt) {
        let mut command = redis::cmd("XRANGE");
        command.arg(&self.shared.keys.events).arg(entry::id(receipt.first)).arg(entry::id(receipt.last));
        command.arg("COUNT").arg(1);
        loop {
            let left: Result<Vec<Value>, RedisError> = self.looks.run(&command).await;
            if left.is_ok_and(|left| left.is_empty()) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn wait(&self) {
        let _ = tokio::time::timeout(LOOK, self.shared.arrived.notified()).await;
    }

    async fn wait_rejected(&self) {
        let _ = tokio::time::timeout(LOOK, self.shared.rejected_arrived.notified()).await;
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        // Before Redis is asked: what is written meanwhile would be missed by both.
        let unwritten = self.backlog.refused();
        let keys = &self.shared.keys;
        let mut commands = redis::pipe();
        for stream in [&keys.events, &keys.refused, &keys.dead] {
            commands.cmd("XLEN").arg(stream);
        }
        commands.cmd("HGET").arg(&keys.state).arg("bytes");
        commands.cmd("XRANGE").arg(&keys.events).arg("-").arg("+").arg("COUNT").arg(1);
        let (events, refused, dead, bytes, oldest): (u64, u64, u64, Option<u64>, Value) =
            self.looks.read_all(&commands).await.map_err(|error| self.failed(failure(&error)))?;
        let oldest = entry::read_all::<Event>(&oldest).into_iter().find_map(Result::ok);
        Ok(Depth {
            events,
            bytes: bytes.unwrap_or_default(),
            rejected: refused + dead + unwritten,
            oldest: oldest.map(|(_, event)| event.received_at),
        })
    }

    async fn newest(&self) -> Result<u64, QueueError> {
        // The writer keeps to the order in which it is asked. A full queue takes refusals all the same.
        match self.writer.ask(|reply| Request::Probe { reply }).await {
            Ok(_) | Err(QueueError::Full(_)) => (),
            Err(error) => return Err(error),
        }
        let mut command = redis::cmd("HGET");
        command.arg(&self.shared.keys.state).arg("seq");
        let newest: Option<u64> = self.looks.run(&command).await.map_err(|error| self.failed(failure(&error)))?;
        Ok(newest.unwrap_or_default())
    }

    async fn is_past(&self, number: u64) -> Result<bool, QueueError> {
        let (keys, last) = (&self.shared.keys, entry::id(number));
        let mut commands = redis::pipe();
        // Events first: one that is buried meanwhile is then seen as what it has become, whose number is its own.
        for (stream, last) in [(&keys.events, &*last), (&keys.refused, &*last), (&keys.dead, "+")] {
            commands.cmd("XRANGE").arg(stream).arg("-").arg(last).arg("COUNT").arg(1);
        }
        let left: [Vec<Value>; 3] =
            self.looks.read_all(&commands).await.map_err(|error| self.failed(failure(&error)))?;
        Ok(left.iter().all(Vec::is_empty))
    }

    async fn scrub(&self) -> Result<(), QueueError> {
        // The files are Redis's, and there may be more in them than ours.
        Ok(())
    }

    fn residues(&self) -> Vec<&'static str> {
        vec![
            "Redis: its append-only file until it is rewritten (BGREWRITEAOF), its snapshots, its replicas and backups of these.",
        ]
    }

    async fn probe(&self) -> Result<Durability, QueueError> {
        let asked = tokio::time::timeout(ANSWER, self.writer.ask(|reply| Request::Probe { reply }));
        asked.await.unwrap_or_else(|_| Err(QueueError::Unavailable("it did not answer in time".to_owned())))
    }
}

fn watched<T: entry::Item>(lane: &Arc<Lane<T>>) -> Watched {
    let (stream, lane) = (lane.stream().to_owned(), lane.clone());
    Watched { stream, compare: Box::new(move |pending| lane.compare(pending)) }
}
