//! What is between two programs, and can be broken: connections are cut, answers lost, bytes slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What happens to bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nothing.
    Good,
    /// Each piece is late by that much.
    Slow(Duration),
    /// What is asked arrives, and its answer is lost together with the connection.
    LoseAnswers,
    /// Nobody gets through.
    Down,
    /// The Eye asks PostgreSQL for commits that are not flushed, where it wanted them flushed.
    Unflushed,
}

/// A port in the place of another one.
pub struct Proxy {
    pub port: u16,
    /// Answers that were lost, and connections that were cut.
    pub lost: Arc<AtomicU64>,
    link: watch::Sender<Link>,
    /// Cuts all connections that there are.
    cut: Arc<Mutex<CancellationToken>>,
    _end: tokio_util::sync::DropGuard,
}

impl Proxy {
    /// One in the place of that port.
    pub async fn start(to: u16, link: Link) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (link, state) = watch::channel(link);
        let cut: Arc<Mutex<CancellationToken>> = Arc::default();
        let (lost, end) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let (cuts, losses, ended) = (Arc::clone(&cut), Arc::clone(&lost), end.clone());
        tokio::spawn(end.clone().run_until_cancelled_owned(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = cuts.lock().unwrap().clone();
                let tunnel = Tunnel { link: state.clone(), lost: losses.clone() };
                let ended = ended.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = tunnel.run(client, to) => (),
                        () = cut.cancelled() => (),
                        () = ended.cancelled() => (),
                    }
                });
            }
        }));
        Self { port, lost, link, cut, _end: end.drop_guard() }
    }

    /// What happens to bytes from now on.
    pub fn set(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// Cuts all connections that there are, wherever they are in what they say.
    pub fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection.
struct Tunnel {
    link: watch::Receiver<Link>,
    lost: Arc<AtomicU64>,
}

impl Tunnel {
    async fn run(self, mut client: TcpStream, to: u16) {
        if *self.link.borrow() == Link::Down {
            return;
        }
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (mut asked, mut answered) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        loop {
            let (count, is_answer) = tokio::select! {
                count = client.read(&mut asked) => (count, false),
                count = server.read(&mut answered) => (count, true),
            };
            let Ok(count @ 1..) = count else { return };
            let link = *self.link.borrow();
            if link == Link::Unflushed && !is_answer {
                replace(
                    &mut asked[..count],
                    b"'synchronous_commit', 'on', false",
                    b"'synchronous_commit', 'off',false",
                );
            }
            match (link, is_answer) {
                (Link::Down, _) => return,
                (Link::LoseAnswers, true) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                (Link::Slow(time), _) => tokio::time::sleep(time).await,
                _ => (),
            }
            let written = match is_answer {
                true => client.write_all(&answered[..count]).await,
                false => server.write_all(&asked[..count]).await,
            };
            if written.is_err() {
                return;
            }
        }
    }
}

/// Puts one text in the place of another one that is as long.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}
