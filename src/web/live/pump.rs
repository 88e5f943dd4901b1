//! From the feed to one connection.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::filter::LiveRequest;
use super::frame::{frame, gap, heartbeat};
use super::tail::{ITEMS, Item, Watcher};
use crate::store::Place;

/// A comment is sent when nothing else was for about so long.
const QUIET: Duration = Duration::from_secs(15);

/// How long a connection may take none of what waits for it, which are so many pieces.
const PATIENCE: Duration = Duration::from_secs(30);
const PIECES: usize = 4;

/// Bytes that are gathered into one piece.
const SMALL: usize = 64 << 10;

/// How often it is seen whether it has fallen too far behind meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// The body of a stream, which begins behind that place and ends when its reader may not read any more.
pub(super) fn body(
    watcher: Watcher,
    request: LiveRequest,
    place: Place,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Body {
    let (pieces, taken) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let stop = watcher.stop.clone();
        let mut pump = Pump { watcher, request, place, pieces, has_sent: true };
        // It ends with the server, with its reader or the reader's key, or because the reader was too slow.
        tokio::select! {
            () = stop.cancelled() => (),
            () = ended => (),
            _ = pump.run() => (),
        }
    });
    let next = async |mut taken: mpsc::Receiver<Bytes>| {
        let piece = taken.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), taken))
    };
    Body::from_stream(stream::unfold(taken, next))
}

struct Pump {
    watcher: Watcher,
    request: LiveRequest,
    /// Where the reader is.
    place: Place,
    pieces: mpsc::Sender<Bytes>,
    /// Whether anything was sent since the last look.
    has_sent: bool,
}

/// The stream is over.
struct Over;

impl Pump {
    async fn run(&mut self) -> Result<(), Over> {
        // At once, so that the reader sees that it is connected.
        self.send(heartbeat(self.place)).await?;
        self.catch_up().await?;
        let mut looks = tokio::time::interval(QUIET);
        loop {
            tokio::select! {
                () = self.pieces.closed() => return Err(Over),
                _ = looks.tick() => {
                    // It says where the reader is, too: what its filter leaves out is not read again after a break.
                    if !std::mem::take(&mut self.has_sent) {
                        self.send(heartbeat(self.place)).await?;
                        self.has_sent = false;
                    }
                }
                received = self.watcher.chunks.recv() => match received {
                    Ok(items) => self.show(&items).await?,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return Err(Over),
                },
            }
        }
    }

    /// Reads the store until nothing more is there; what comes later is in the chunks.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            // Whoever cannot be told everything now is to come again.
            let news = self.watcher.store.stored_after(self.place, ITEMS).await.map_err(|_| Over)?;
            if news.missed {
                self.send(gap(news.end)).await?;
            }
            let shown = news.items.iter().filter(|(_, stored)| self.request.shows(stored));
            let frames = shown.map(|(place, stored)| frame(*place, stored, self.watcher.format)).collect::<Vec<_>>();
            self.place = news.end;
            self.send_all(&frames).await?;
            if !news.more {
                return Ok(());
            }
        }
    }

    async fn show(&mut self, items: &Arc<[Item]>) -> Result<(), Over> {
        let is_shown = |item: &Item| item.stored.as_ref().is_none_or(|stored| self.request.shows(stored));
        let is_new = |item: &&Item| item.place > self.place && is_shown(item);
        let frames: Vec<Bytes> = items.iter().filter(is_new).map(|item| item.frame.clone()).collect();
        self.send_all(&frames).await?;
        self.place = items.last().map_or(self.place, |last| last.place.max(self.place));
        Ok(())
    }

    /// Small ones in one piece; large ones are shared by all who watch, and not copied.
    async fn send_all(&mut self, frames: &[Bytes]) -> Result<(), Over> {
        if frames.iter().map(Bytes::len).sum::<usize>() <= SMALL {
            return if frames.is_empty() { Ok(()) } else { self.send(frames.concat().into()).await };
        }
        for frame in frames {
            self.send(frame.clone()).await?;
        }
        Ok(())
    }

    /// Waits for the connection, but neither for long nor past the ring's end: others would be shown what this one
    /// misses.
    async fn send(&mut self, piece: Bytes) -> Result<(), Over> {
        self.has_sent = true;
        let sending = self.pieces.send_timeout(piece, PATIENCE);
        let overrun = async {
            while !self.watcher.is_overrun() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            sent = sending => sent.map_err(|_| Over),
            () = overrun => Err(Over),
        }
    }
}
