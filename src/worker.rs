//! From the queue to the store: claim, insert, ack.
//!
//! Ack comes after the insert's commit: a crash between the two repeats an event, which the store
//! passes over, and never loses one. When the store is away the claim is given back and tried
//! again later, as often as it takes. When the store refuses a batch for the events' sake, the
//! batch is halved until the one bad event is alone, and that one is buried. Nothing here counts
//! attempts: only a refusal speaks against an event.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Stopwatch};
use crate::event::{Event, Rejected, RejectedKind, Retention};
use crate::metrics::Metrics;
use crate::queue::{Most, Queue, QueueError};
use crate::store::{Store, StoreError};

/// Bounds of one batch: enough that the pages it changes are changed by many events each, little enough
/// for memory.
const BATCH: Most = Most { entries: 50_000, bytes: 32 << 20 };
/// The one after a batch that could not be stored: a disk that is nearly full may have room for that much.
const SMALL_BATCH: Most = Most { entries: 1000, bytes: 1 << 20 };
const REJECTED_BATCH: Most = Most { entries: 1000, bytes: 16 << 20 };

/// A batch begins at most this often, so that a trickle of events does not flush for each.
const PACE: Duration = Duration::from_millis(100);

/// How often it is seen whether something has expired, and how much is removed at once.
const EXPIRY_PACE: Duration = Duration::from_secs(60);
const EXPIRED: usize = 1000;

/// Waiting times while the queue or the store is away: what comes back is noticed within seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Stores what the queue holds.
#[derive(Debug, Clone)]
pub struct Worker {
    queue: Arc<dyn Queue>,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    clock: Clock,
    retention: Retention,
}

/// Why a batch was not stored this time.
#[derive(Debug, thiserror::Error)]
enum Outage {
    #[error(transparent)]
    Queue(#[from] QueueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Worker {
    /// A worker between that queue and that store.
    pub fn new(queue: Arc<dyn Queue>, store: Arc<dyn Store>, metrics: Arc<Metrics>, clock: Clock) -> Self {
        Self { queue, store, metrics, clock, retention: Retention::default() }
    }

    /// The same, which removes what has been kept for so long.
    #[must_use]
    pub fn keeping(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Works until `stop` is cancelled, and finishes the batch in hand.
    pub async fn run(&self, stop: CancellationToken) {
        tokio::join!(self.store_events(&stop), self.store_rejected(&stop), self.remove_expired(&stop));
    }

    /// Works until the queue is empty; the caller bounds the time.
    pub async fn drain(&self) {
        loop {
            let (events, rejected) = tokio::join!(self.event_batch(BATCH), self.rejected_batch());
            match (events, rejected) {
                (Ok(0), Ok(0)) => match self.queue.depth().await {
                    Ok(depth) if depth.events == 0 && depth.rejected == 0 => return,
                    // Somebody else's claim, or refusals on their way to the disk.
                    _ => tokio::time::sleep(PACE).await,
                },
                (Ok(_), Ok(_)) => (),
                _ => tokio::time::sleep(FIRST_PAUSE).await,
            }
        }
    }

    /// Stores what is free to be stored, until nothing is; what other workers hold is theirs.
    pub(crate) async fn sweep(&self) {
        loop {
            match tokio::join!(self.event_batch(BATCH), self.rejected_batch()) {
                (Ok(0), Ok(0)) => return,
                (Ok(_), Ok(_)) => (),
                _ => tokio::time::sleep(FIRST_PAUSE).await,
            }
        }
    }

    async fn store_events(&self, stop: &CancellationToken) {
        let mut pause = Pause::default();
        while !stop.is_cancelled() {
            let watch = Stopwatch::start();
            let most = if pause.outages == 0 { BATCH } else { SMALL_BATCH };
            match self.event_batch(most).await {
                Ok(count) => {
                    pause.over();
                    let rest = PACE.saturating_sub(watch.elapsed());
                    if count == 0 {
                        until(stop, self.queue.wait()).await;
                    } else if count < most.entries {
                        until(stop, tokio::time::sleep(rest)).await;
                    }
                }
                Err(outage) => until(stop, pause.begin(&outage)).await,
            }
        }
    }

    /// Removes what has expired, in small steps with as much time between them as each of them took.
    async fn remove_expired(&self, stop: &CancellationToken) {
        if self.retention.is_for_ever() {
            return;
        }
        while !stop.is_cancelled() {
            let watch = Stopwatch::start();
            match self.store.remove_expired(self.retention.expiry(self.clock.now()), EXPIRED).await {
                Ok(0) => until(stop, tokio::time::sleep(EXPIRY_PACE)).await,
                Ok(events) => {
                    self.metrics.expired.inc_by(events);
                    until(stop, tokio::time::sleep(watch.elapsed())).await;
                }
                Err(error) => {
                    tracing::warn!(error = %error, "what has expired could not be removed; trying again");
                    until(stop, tokio::time::sleep(EXPIRY_PACE)).await;
                }
            }
        }
    }

    async fn store_rejected(&self, stop: &CancellationToken) {
        let mut pause = Pause::default();
        while !stop.is_cancelled() {
            match self.rejected_batch().await {
                Ok(count) => {
                    pause.over();
                    match count {
                        0 => until(stop, self.queue.wait_rejected()).await,
                        _ => until(stop, tokio::time::sleep(PACE)).await,
                    }
                }
                Err(outage) => until(stop, pause.begin(&outage)).await,
            }
        }
    }

    /// Stores one batch of events and says how many it had.
    async fn event_batch(&self, most: Most) -> Result<usize, Outage> {
        let Some(mut claim) = self.queue.claim(most).await? else { return Ok(0) };
        let watch = Stopwatch::start();
        // Only the entries are taken out: the lease ends with the claim.
        let (seqs, events): (Vec<u64>, Vec<Event>) =
            claim.entries.drain(..).map(|entry| (entry.seq, entry.item)).unzip();
        let count = events.len();
        let new = self.insert(seqs, events.into()).await?;
        self.queue.ack(claim).await?;
        self.metrics.batch_events.observe(count as f64);
        self.metrics.batch_seconds.observe(watch.seconds());
        let duration_ms = watch.elapsed().as_secs_f64() * 1000.0;
        tracing::debug!(batch.size = count, batch.new = new, duration_ms, "a batch was stored");
        Ok(count)
    }

    /// Inserts all events but those the store refuses one by one, which it buries.
    async fn insert(&self, seqs: Vec<u64>, events: Arc<[Event]>) -> Result<usize, Outage> {
        let mut new = 0;
        let mut parts = vec![(seqs, events)];
        while let Some((seqs, events)) = parts.pop() {
            match self.store.insert(events.clone()).await {
                Ok(inserted) => {
                    new += inserted.new;
                    self.metrics.stored.inc_by(inserted.new as u64);
                    self.metrics.repeated.inc_by((events.len() - inserted.new) as u64);
                }
                Err(StoreError::Refused(reason)) => match (&*seqs, &*events) {
                    ([seq], [event]) => self.bury(*seq, event, &reason).await?,
                    _ => {
                        let middle = events.len() / 2;
                        // The first half comes off first, so that events keep their order.
                        parts.push((seqs[middle..].to_vec(), events[middle..].into()));
                        parts.push((seqs[..middle].to_vec(), events[..middle].into()));
                    }
                },
                Err(outage) => return Err(outage.into()),
            }
        }
        Ok(new)
    }

    async fn bury(&self, seq: u64, event: &Event, reason: &str) -> Result<(), QueueError> {
        let dead_letter = Rejected::dead_letter(self.clock.new_id(), event, reason);
        self.queue.bury(seq, dead_letter).await?;
        tracing::error!(event.id = %event.id, reason, "the store refused an event: it is a dead letter now");
        self.metrics.dead_lettered.inc();
        Ok(())
    }

    async fn rejected_batch(&self) -> Result<usize, Outage> {
        let Some(mut claim) = self.queue.claim_rejected(REJECTED_BATCH).await? else { return Ok(0) };
        let rejected: Arc<[Rejected]> = claim.entries.drain(..).map(|entry| entry.item).collect();
        let count = rejected.len();
        let dead_letters = rejected.iter().filter(|rejected| rejected.kind == RejectedKind::DeadLetter).count();
        self.store.insert_rejected(rejected).await?;
        self.queue.ack_rejected(claim).await?;
        let refused = count - dead_letters;
        tracing::warn!(batch.refused = refused, batch.dead_letters = dead_letters, "rejected events were stored");
        Ok(count)
    }
}

/// Growing pauses during one outage, which is said once when it begins and once when it is over.
#[derive(Debug, Default)]
struct Pause {
    outages: u32,
}

impl Pause {
    async fn begin(&mut self, outage: &Outage) {
        if self.outages == 0 {
            tracing::error!(error = %outage, "nothing can be stored for now; events wait in the queue");
        }
        let length = FIRST_PAUSE.saturating_mul(1 << self.outages.min(10)).min(LONGEST_PAUSE);
        self.outages += 1;
        tokio::time::sleep(length).await;
    }

    fn over(&mut self) {
        if self.outages > 0 {
            tracing::info!(tries = self.outages, "events are stored again");
        }
        self.outages = 0;
    }
}

async fn until(stop: &CancellationToken, what: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => (),
        () = what => (),
    }
}
