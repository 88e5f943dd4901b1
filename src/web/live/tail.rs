//! One reader of the store's feed for all who watch in this process. It runs while somebody does.
//!
//! Each watcher takes what it reads from a ring of chunks; who is too slow for that finds its place overwritten and is
//! cut off, so that nobody waits for anybody. A watcher that begins reads the store itself until it is where this is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::frame::{frame, gap};
use crate::event::{Event, Rejected, TimestampFormat};
use crate::store::{News, Place, Store, Stored};

/// Watchers in one process, and chunks that one may be behind.
const WATCHERS: usize = 256;
const CHUNKS: usize = 32;

/// Items of a chunk, about.
pub(super) const ITEMS: usize = 256;

/// How long a watcher waits for a store that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the store is asked. Workers store at most ten times a second.
const PACE: Duration = Duration::from_millis(200);

/// Who watches in this process.
#[derive(Debug)]
pub(crate) struct Live {
    store: Arc<dyn Store>,
    format: TimestampFormat,
    room: Arc<Semaphore>,
    stop: CancellationToken,
    tail: Slot,
}

/// The tail that runs, if one does.
type Slot = Arc<Mutex<Option<Tail>>>;

/// What a running tail shares.
#[derive(Debug, Clone)]
struct Tail {
    chunks: broadcast::Sender<Arc<[Item]>>,
    /// Set once it knows where it began.
    begun: watch::Receiver<bool>,
}

/// Something that was stored, as a stream shows it.
#[derive(Debug)]
pub(super) struct Item {
    /// Behind it.
    pub(super) place: Place,
    /// What a filter looks at: the frame has the rest. Nothing where some items are missing.
    pub(super) stored: Option<Stored>,
    pub(super) frame: Bytes,
}

/// One who watches.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) chunks: broadcast::Receiver<Arc<[Item]>>,
    pub(super) stop: CancellationToken,
    pub(super) store: Arc<dyn Store>,
    pub(super) format: TimestampFormat,
    _room: OwnedSemaphorePermit,
}

impl Watcher {
    /// Whether chunks have been overwritten that it has not taken, or are about to be.
    pub(super) fn is_overrun(&self) -> bool {
        self.chunks.len() >= CHUNKS
    }
}

impl Live {
    pub(crate) fn new(store: Arc<dyn Store>, format: TimestampFormat) -> Self {
        let (room, stop) = (Arc::new(Semaphore::new(WATCHERS)), CancellationToken::new());
        Self { store, format, room, stop, tail: Slot::default() }
    }

    /// Waits until streams are ended: the process is about to stop, and nothing is to be waited for any more.
    pub(crate) async fn ended(&self) {
        self.stop.cancelled().await;
    }

    /// Ends all streams, and takes no new ones.
    pub(crate) fn end(&self) {
        self.stop.cancel();
    }

    /// How many watch.
    pub(crate) fn watchers(&self) -> usize {
        WATCHERS - self.room.available_permits()
    }

    /// Another one; nothing if there are too many, the store is away, or the end has come.
    pub(super) async fn watch(&self) -> Option<Watcher> {
        let room = self.room.clone().try_acquire_owned().ok().filter(|_| !self.stop.is_cancelled())?;
        let (chunks, mut begun) = self.subscribe();
        // What comes before that is read from the store, and what comes behind it from the chunks.
        let begun = tokio::time::timeout(PATIENCE, begun.wait_for(|begun| *begun)).await;
        begun.ok()?.ok()?;
        let (stop, store) = (self.stop.clone(), self.store.clone());
        Some(Watcher { chunks, stop, store, format: self.format, _room: room })
    }

    fn subscribe(&self) -> (broadcast::Receiver<Arc<[Item]>>, watch::Receiver<bool>) {
        let mut running = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = running.as_ref() {
            return (tail.chunks.subscribe(), tail.begun.clone());
        }
        let (chunks, receiver) = broadcast::channel(CHUNKS);
        let (begin, begun) = watch::channel(false);
        *running = Some(Tail { chunks: chunks.clone(), begun: begun.clone() });
        let follower =
            Follower { store: self.store.clone(), format: self.format, chunks, begin, slot: self.tail.clone() };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => (),
                () = follower.run() => (),
            }
        });
        (receiver, begun)
    }
}

/// Reads the feed for those who listen.
struct Follower {
    store: Arc<dyn Store>,
    format: TimestampFormat,
    chunks: broadcast::Sender<Arc<[Item]>>,
    begin: watch::Sender<bool>,
    slot: Slot,
}

impl Follower {
    /// Reads on until nobody listens.
    async fn run(&self) {
        let mut place = None;
        let mut said = false;
        while self.is_wanted() {
            let read = match place {
                None => self.store.newest_place().await.map(|place| News { end: place, ..News::default() }),
                Some(place) => self.store.stored_after(place, ITEMS).await,
            };
            let more = match read {
                Ok(news) => {
                    (place, said) = (Some(news.end), false);
                    let more = news.more;
                    self.begin.send_replace(true);
                    send(&self.chunks, news, self.format);
                    more
                }
                Err(error) => {
                    if !said {
                        tracing::warn!(error = %error, "what is stored cannot be followed for now");
                    }
                    said = true;
                    false
                }
            };
            if !more {
                tokio::time::sleep(PACE).await;
            }
        }
    }

    /// Whether somebody listens. If not, the next one starts another tail: who joins does so under the same lock.
    fn is_wanted(&self) -> bool {
        let mut running = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = self.chunks.receiver_count() > 0;
        if !is_wanted {
            *running = None;
        }
        is_wanted
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // After a panic, too, nobody joins what does not run.
        let mut running = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|tail| tail.chunks.same_channel(&self.chunks)) {
            *running = None;
        }
    }
}

fn send(chunks: &broadcast::Sender<Arc<[Item]>>, news: News, format: TimestampFormat) {
    let gap = news.missed.then(|| Item { place: news.end, stored: None, frame: gap(news.end) });
    let item = |(place, stored): (Place, Stored)| {
        let frame = frame(place, &stored, format);
        Item { place, stored: Some(without_texts(stored)), frame }
    };
    let items: Arc<[Item]> = gap.into_iter().chain(news.items.into_iter().map(item)).collect();
    if !items.is_empty() {
        // That nobody is there any more is seen before the next look.
        let _ = chunks.send(items);
    }
}

/// The same without what takes memory and no filter looks at.
fn without_texts(stored: Stored) -> Stored {
    match stored {
        Stored::Event(event) => Stored::Event(Event { data: String::new(), ..event }),
        Stored::Rejected(rejected) => {
            Stored::Rejected(Rejected { body: Vec::new(), errors: String::new(), ..rejected })
        }
    }
}
