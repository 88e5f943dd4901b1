//! The socket as hyper sees it: what [`framing`](super::framing) refuses does not come through.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::{Framing, REFUSED, Verdict};
use super::phase::Phase;

/// A socket, followed.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    socket: S,
    framing: Framing,
    phase: Arc<Phase>,
    /// After a verdict that ends the connection: what hyper is still handed.
    last: Option<&'static [u8]>,
    refused: bool,
}

impl<S> Guarded<S> {
    /// Follows a connection from its first byte.
    pub(super) fn new(socket: S, phase: Arc<Phase>) -> Self {
        Self { socket, framing: Framing::default(), phase, last: None, refused: false }
    }

    /// Whether a head was refused that hyper would have taken.
    pub(super) fn has_refused(&self) -> bool {
        self.refused
    }

    /// The socket alone.
    pub(super) fn into_socket(self) -> S {
        self.socket
    }

    /// Looks at what was read behind `before`, and takes away what hyper may not see.
    fn judge(&mut self, buffer: &mut ReadBuf<'_>, before: usize) {
        let (keep, last) = match self.framing.follow(&buffer.filled()[before..]) {
            Verdict::Pass => return,
            Verdict::Refuse { keep } => {
                self.refused = true;
                (keep, REFUSED)
            }
            Verdict::End { keep } => (keep, &[][..]),
        };
        buffer.set_filled(before + keep);
        self.last = Some(last);
        self.hand_last(buffer);
    }

    fn hand_last(&mut self, buffer: &mut ReadBuf<'_>) {
        if let Some(last) = &mut self.last {
            let (now, later) = last.split_at(last.len().min(buffer.remaining()));
            buffer.put_slice(now);
            *last = later;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let guarded = self.get_mut();
        if guarded.last.is_some() {
            guarded.hand_last(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut guarded.socket).poll_read(cx, buffer))?;
        guarded.judge(buffer, before);
        guarded.phase.read(guarded.framing.heads(), guarded.framing.in_head());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let guarded = self.get_mut();
        let result = Pin::new(&mut guarded.socket).poll_write(cx, bytes);
        guarded.phase.writes(matches!(result, Poll::Ready(Ok(1..))));
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guarded = self.get_mut();
        let result = Pin::new(&mut guarded.socket).poll_write_vectored(cx, pieces);
        guarded.phase.writes(matches!(result, Poll::Ready(Ok(1..))));
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// hyper flushes when it has written all that it has.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guarded = self.get_mut();
        ready!(Pin::new(&mut guarded.socket).poll_flush(cx))?;
        guarded.phase.wrote_all();
        Poll::Ready(Ok(()))
    }

    /// Does nothing: how a connection is closed is decided in [`connection`](super::connection),
    /// which gets the socket back.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
