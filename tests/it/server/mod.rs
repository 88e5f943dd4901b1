//! The server itself, below HTTP: bytes on a real socket, clients that are slow, silent or many, and
//! the end.

mod caps;
mod crowd;
mod end;
mod framing;
mod parser;
mod time;

use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use the_eye::config::Config;
use the_eye::{Access, CancellationToken, Eye, Limits, RunWorker, ServeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::support::page_view;

/// How long it may take until what has to happen has happened. It is no measure of anything.
const BOUND: Duration = Duration::from_secs(60);

/// A server with limits of its own, which stores nothing.
struct Server {
    eye: Eye,
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        Self::on(listener, limits, CancellationToken::new()).await
    }

    async fn on(listener: TcpListener, limits: Limits, shutdown: CancellationToken) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let eye = Eye::builder(Access::Open).config(Config::for_directory(folder.path())).build().await.unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().unwrap().port()));
        let options = ServeOptions { worker: RunWorker::No, drain_timeout: 4 * BOUND, limits };
        let serving = tokio::spawn(the_eye::run(listener, eye.clone(), options, shutdown.clone()));
        Self { eye, address, shutdown, serving, _folder: folder }
    }

    async fn connect(&self) -> Client {
        self.connect_from(1).await
    }

    /// From 127.0.0.N.
    async fn connect_from(&self, last: u8) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        Client(socket.connect(self.address).await.unwrap())
    }

    /// Sends that on a connection of its own, and gives all that comes back until it is closed.
    async fn tell(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    /// A line of `/metrics`.
    fn counts(&self, line: &str) -> bool {
        self.eye.metrics().encode().unwrap().lines().any(|found| found == line)
    }

    /// Events that were acknowledged.
    async fn accepted(&self) -> u64 {
        self.eye.depth().await.unwrap().events
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The other end of a connection.
struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// One answer, with a body that has a length.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        let read = async {
            loop {
                answer.push(self.0.read_u8().await.unwrap_or_else(|error| {
                    panic!("{error} after {:?}", String::from_utf8_lossy(&answer));
                }));
                if answer.ends_with(b"\r\n\r\n") {
                    break;
                }
            }
            let head = String::from_utf8(answer.clone()).unwrap().to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).await.unwrap();
            answer.extend(body);
        };
        tokio::time::timeout(BOUND, read).await.expect("an answer");
        String::from_utf8(answer).unwrap()
    }

    /// All that comes until the server closes, which it has to do by itself and without a reset.
    async fn rest(&mut self) -> String {
        let mut rest = String::new();
        let read = self.0.read_to_string(&mut rest);
        tokio::time::timeout(BOUND, read).await.expect("it is closed").unwrap();
        rest
    }
}

/// A request for a resource that is always there.
const GET: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A request that is taken in, with more headers and its body as it is.
fn post(headers: &str) -> String {
    let body = page_view().to_string();
    let length = body.len();
    format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The status codes of answers.
fn statuses(answers: &str) -> Vec<u16> {
    let starts = answers.split("HTTP/1.1 ").skip(1);
    starts.map(|answer| answer[..3].parse().unwrap()).collect()
}
