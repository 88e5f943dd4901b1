//! From the feed to one connection.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::filter::LiveRequest;
use super::frame::{HEARTBEAT, frame, gap};
use super::tail::{ITEMS, Item, Watcher};
use crate::store::Place;

/// A comment is sent when nothing else was for so long.
const QUIET: Duration = Duration::from_secs(15);

/// How long a connection may take none of what waits for it, which are so many pieces.
const PATIENCE: Duration = Duration::from_secs(30);
const PIECES: usize = 4;

/// How often it is seen whether it has fallen too far behind meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// The body of a stream, which begins behind that place.
pub(super) fn body(watcher: Watcher, request: LiveRequest, place: Place) -> Body {
    let (pieces, taken) = mpsc::channel(PIECES);
    tokio::spawn(async move {
        let mut pump = Pump { watcher, request, place, pieces };
        // It ends with its reader, with the server, or because the reader was too slow.
        let _ = pump.run().await;
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
}

/// The stream is over.
struct Over;

impl Pump {
    async fn run(&mut self) -> Result<(), Over> {
        // At once, so that the reader sees that it is connected.
        self.send(HEARTBEAT).await?;
        self.catch_up().await?;
        loop {
            let Watcher { chunks, stop, .. } = &mut self.watcher;
            let received = tokio::select! {
                () = stop.cancelled() => return Err(Over),
                () = self.pieces.closed() => return Err(Over),
                received = tokio::time::timeout(QUIET, chunks.recv()) => received,
            };
            match received {
                Err(_) => self.send(HEARTBEAT).await?,
                Ok(Ok(items)) => self.show(&items).await?,
                Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => return Err(Over),
            }
        }
    }

    /// Reads the store until nothing more is there; what comes later is in the chunks.
    async fn catch_up(&mut self) -> Result<(), Over> {
        loop {
            // Whoever cannot be told everything now is to come again.
            let news = self.watcher.store.stored_after(self.place, ITEMS).await.map_err(|_| Over)?;
            if news.missed {
                self.send(gap()).await?;
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
        let is_new = |item: &&Item| item.place > self.place && self.request.shows(&item.stored);
        let frames: Vec<Bytes> = items.iter().filter(is_new).map(|item| item.frame.clone()).collect();
        self.send_all(&frames).await?;
        self.place = items.last().map_or(self.place, |last| last.place.max(self.place));
        Ok(())
    }

    async fn send_all(&self, frames: &[Bytes]) -> Result<(), Over> {
        match frames {
            [] => Ok(()),
            [one] => self.send(one.clone()).await,
            many => self.send(many.concat().into()).await,
        }
    }

    /// Waits for the connection, but neither for long nor past the ring's end: others would be shown what this one
    /// misses.
    async fn send(&self, piece: Bytes) -> Result<(), Over> {
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
