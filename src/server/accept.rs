//! The accept loop: who gets a connection, and who is told that there is no place.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::caps::{Caps, Full};
use super::connection;
use super::serving::{Serving, TurnedAway};

/// How long a client may take nothing of what was sent to it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients without a place that are waited for, so that they see the answer. Those beyond are cut
/// off, and may see a reset instead.
const TURNED_AWAY: usize = 256;

/// The pause after an error that the next try would only repeat.
const PAUSE: Duration = Duration::from_millis(50);

/// Connections that may turn out to have ended while the queue is emptied.
const MOST_FAILED: usize = 4096;

/// Serves who connects, until `shutdown` is cancelled and all of them are done. When it is dropped,
/// connections end where they are.
pub(super) async fn serve(listener: TcpListener, caps: Arc<Caps>, serving: Arc<Serving>, shutdown: CancellationToken) {
    let mut door =
        Door { caps, serving, turned_away: Arc::new(Semaphore::new(TURNED_AWAY)), connections: JoinSet::new() };
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(_) = door.connections.join_next() => (),
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => door.open(stream, address),
                Err(error) => pause_after(&error).await,
            },
        }
    }
    door.serving.stop();
    door.take_the_rest(listener);
    while door.connections.join_next().await.is_some() {}
}

struct Door {
    caps: Arc<Caps>,
    serving: Arc<Serving>,
    turned_away: Arc<Semaphore>,
    connections: JoinSet<()>,
}

impl Door {
    /// Gives a connection its task, or sends it away.
    fn open(&mut self, stream: TcpStream, address: SocketAddr) {
        let socket = SockRef::from(&stream);
        // Answers are small and waited for: they must not wait for more to send.
        let _ = socket.set_tcp_nodelay(true);
        // Whoever takes nothing of an answer, or is gone without a word, gives its connection back.
        let _ = socket.set_tcp_user_timeout(Some(PATIENCE));
        match self.caps.admit(address.ip()) {
            Ok(place) => {
                let serving = self.serving.clone();
                self.connections.spawn(async move {
                    let _counted = Counted::new(&serving);
                    connection::serve(stream, &serving).await;
                    drop(place);
                });
            }
            Err(full) => self.turn_away(stream, full),
        }
    }

    fn turn_away(&mut self, stream: TcpStream, full: Full) {
        self.serving.turned_away(TurnedAway::Full(full));
        let detail = match full {
            Full::Total => "There are too many connections. Try again later.",
            Full::Address => "There are too many connections from this address. Try again later.",
        };
        let more = "Retry-After: 1\r\n";
        connection::say_and_end(&stream, &connection::answer("503 Service Unavailable", more, detail));
        if let Ok(permit) = self.turned_away.clone().try_acquire_owned() {
            let patience = self.serving.limits().farewell;
            self.connections.spawn(async move {
                connection::see_off(stream, patience).await;
                drop(permit);
            });
        }
    }

    /// Takes in who is connected already as far as the system is concerned, and may have sent a
    /// request: the rest of the queue before `accept`, which would be reset with the listener.
    fn take_the_rest(&mut self, listener: TcpListener) {
        // From here on nobody gets into the queue: packets for the listener are dropped (the filter
        // is "return 0"), so that none comes between the last look and the close. Who connects in
        // that moment tries again, and is refused. Where there are no filters the moment is short.
        const RETURN: u16 = 0x06;
        let _ = SockRef::from(&listener).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]);
        // The runtime may not have heard of them yet, the system has.
        let Ok(listener) = listener.into_std() else { return };
        let mut failed = 0;
        loop {
            match listener.accept() {
                Ok((stream, address)) => {
                    let nonblocking = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
                    if let Ok(stream) = nonblocking {
                        self.open(stream, address);
                    }
                }
                Err(error) if is_of_one_connection(&error) && failed < MOST_FAILED => failed += 1,
                Err(_) => return,
            }
        }
    }
}

/// A connection in the gauge, however its task ends.
struct Counted<'a>(&'a Serving);

impl<'a> Counted<'a> {
    fn new(serving: &'a Serving) -> Self {
        serving.count_open(1);
        Self(serving)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count_open(-1);
    }
}

/// After an error that the next try would only repeat, waits a little: when files are used up, others
/// are closing theirs.
async fn pause_after(error: &io::Error) {
    if !is_of_one_connection(error) {
        tracing::warn!(error = %error, "no connection can be accepted");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether an error of `accept` tells of a connection that ended in the queue, and the next may be
/// good.
fn is_of_one_connection(error: &io::Error) -> bool {
    use ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, TimedOut};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | TimedOut)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_errors_that_would_come_again_are_waited_for() {
        for (errno, waits) in [
            (Errno::MFILE, true),
            (Errno::NFILE, true),
            (Errno::NOBUFS, true),
            (Errno::NOMEM, true),
            (Errno::CONNABORTED, false),
            (Errno::INTR, false),
        ] {
            let before = crate::clock::moment();
            pause_after(&errno.into()).await;
            assert_eq!(crate::clock::moment() - before, if waits { PAUSE } else { Duration::ZERO }, "{errno}");
        }
    }
}
