//! One reader of the store's feed for all who watch in this process. It runs while somebody does.
//!
//! Each watcher takes what it reads from a ring of chunks; who is too slow for that finds its place overwritten and is
//! cut off, so that nobody waits for anybody. A watcher that begins reads the store itself until it is where this is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::frame::frame;
use crate::event::TimestampFormat;
use crate::store::{News, Place, Store, Stored};

/// Watchers in one process, and chunks that one may be behind.
const WATCHERS: usize = 256;
const CHUNKS: usize = 64;

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
    tail: Mutex<Option<Tail>>,
}

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
    pub(super) stored: Stored,
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
        Self { store, format, room, stop, tail: Mutex::default() }
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
        // One that nobody listens to any more is about to end.
        if let Some(tail) = running.as_ref().filter(|tail| tail.chunks.receiver_count() > 0) {
            return (tail.chunks.subscribe(), tail.begun.clone());
        }
        let (chunks, receiver) = broadcast::channel(CHUNKS);
        let (begin, begun) = watch::channel(false);
        *running = Some(Tail { chunks: chunks.clone(), begun: begun.clone() });
        tokio::spawn(follow(self.store.clone(), self.format, chunks, begin, self.stop.clone()));
        (receiver, begun)
    }
}

/// Reads on until nobody listens.
async fn follow(
    store: Arc<dyn Store>,
    format: TimestampFormat,
    chunks: broadcast::Sender<Arc<[Item]>>,
    begin: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut place = None;
    let mut said = false;
    while chunks.receiver_count() > 0 && !stop.is_cancelled() {
        let read = match place {
            None => store.newest_place().await.map(|place| News { end: place, ..News::default() }),
            Some(place) => store.stored_after(place, ITEMS).await,
        };
        let more = match read {
            Ok(news) => {
                said = false;
                place = Some(news.end);
                begin.send_replace(true);
                let more = news.more;
                send(&chunks, news, format);
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

fn send(chunks: &broadcast::Sender<Arc<[Item]>>, news: News, format: TimestampFormat) {
    if news.items.is_empty() {
        return;
    }
    let items =
        news.items.into_iter().map(|(place, stored)| Item { place, frame: frame(place, &stored, format), stored });
    // That nobody is there any more is seen before the next look.
    let _ = chunks.send(items.collect());
}
