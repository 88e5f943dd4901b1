//! `cargo bench --bench ingest`: how fast one machine takes events in, beside a handler that does
//! nothing, in one run.
//!
//! Server and load share the cores, so only ratios mean something. The rounds alternate between
//! the two sides. At the end it posts 100,000 mixed events and times the first and the last page.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures and prints"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const EVENT: &str = r#"{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"page interaction","name":"pageview","data":{"host":"www.example.com","path":"/products/1"},"timestamp":"2021-01-01 09:15:27.243860"}"#;

/// Set in the process that is the empty handler.
const EMPTY: &str = "THE_EYE_BENCH_EMPTY";

fn main() {
    if std::env::var_os(EMPTY).is_some() {
        return empty_handler();
    }
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let eye = Server::start(
        Command::new(env!("CARGO_BIN_EXE_the-eye")).args(["--listen", "127.0.0.1:0"]).current_dir(folder.path()),
    );
    Client::new(&eye.address).get("/healthz");
    println!("start to first answer: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("idle resident memory: {:.1} MB", eye.resident() as f64 / 1e6);

    let empty = Server::start(Command::new(std::env::current_exe().unwrap()).env(EMPTY, "1"));
    let other_folder = tempfile::tempdir().unwrap();
    let api = Server::start(
        Command::new(env!("CARGO_BIN_EXE_the-eye"))
            .args(["serve", "--no-worker", "--listen", "127.0.0.1:0"])
            .current_dir(other_folder.path()),
    );
    let (mut queued, mut stored) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let [nothing, api, eye] = [&empty, &api, &eye].map(|server| load(&server.address));
        queued.push(api / nothing);
        stored.push(eye / nothing);
        println!(
            "round {round}: empty handler {nothing:.0}/s, durable {api:.0}/s ({:.2}), durable and stored {eye:.0}/s ({:.2})",
            api / nothing,
            eye / nothing
        );
    }
    for (what, mut ratios) in [("durable", queued), ("durable, and stored by the same process", stored)] {
        ratios.sort_by(f64::total_cmp);
        let (least, median, most) = (ratios[0], ratios[ROUNDS / 2], ratios[ROUNDS - 1]);
        println!("single POSTs, {CONNECTIONS} connections, {what}: median ratio {median:.2} ({least:.2} to {most:.2})");
    }
    println!("resident memory after the load: {:.1} MB", eye.resident() as f64 / 1e6);
    drop((eye, api, empty));
    pages();
}

/// 100,000 mixed events, as NDJSON and singly, and the time of the first and the last page.
fn pages() {
    let folder = tempfile::tempdir().unwrap();
    let eye = Server::start(
        Command::new(env!("CARGO_BIN_EXE_the-eye")).args(["--listen", "127.0.0.1:0"]).current_dir(folder.path()),
    );
    let mut client = Client::new(&eye.address);
    for batch in 0..99 {
        let lines: String = (0..1000).map(|row| mixed(batch * 1000 + row) + "\n").collect();
        client.post("application/x-ndjson", &lines);
    }
    for number in 99_000..100_000 {
        client.post("application/json", &mixed(number));
    }
    // First in, first out: when this one is stored, all are.
    client.send("POST /events HTTP/1.1\r\nPrefer: wait=30", "application/json", EVENT);
    let first = client.get("/events?page_size=10");
    assert!(first.starts_with("{\"count\":100001,"), "{first:.80}");
    for path in ["/events", "/events?page=last", "/events?category=form_interaction&page=last", "/events?session_id=s7"]
    {
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let start = Instant::now();
                client.get(path);
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("100,001 events, {path}: median {:.1} ms, longest {:.1} ms", times[10], times[19]);
    }
}

fn mixed(number: u32) -> String {
    let (category, name, more) = match number % 3 {
        0 => ("page interaction", "pageview", ""),
        1 => ("page_interaction", "cta_click", r#","element":"buy""#),
        _ => ("form_interaction", "submit", r#","form":{"a":1.10}"#),
    };
    let (minute, second) = (number / 60 % 60, number % 60);
    let hour = number / 3600 % 24;
    format!(
        r#"{{"session_id":"s{}","category":"{category}","name":"{name}","data":{{"host":"a.example","path":"/{number}"{more}}},"timestamp":"2021-01-01T{hour:02}:{minute:02}:{second:02}Z"}}"#,
        number % 5000
    )
}

/// Requests per second that got their answer, from one thread that drives all connections: a
/// thread for each would measure the scheduler.
#[tokio::main(flavor = "current_thread")]
async fn load(address: &str) -> f64 {
    let answers = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> =
        (0..CONNECTIONS).map(|_| tokio::spawn(post_without_end(address.to_owned(), answers.clone()))).collect();
    // The first moments are for warming up.
    tokio::time::sleep(ROUND / 6).await;
    let (before, start) = (answers.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(ROUND).await;
    let rate = (answers.load(Ordering::Relaxed) - before) as f64 / start.elapsed().as_secs_f64();
    for client in clients {
        client.abort();
    }
    rate
}

async fn post_without_end(address: String, answers: Arc<AtomicU64>) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = request("POST /events HTTP/1.1", "application/json", EVENT);
    let mut buffer = vec![0; 4096];
    loop {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut filled = 0;
        loop {
            let read = stream.read(&mut buffer[filled..]).await.unwrap();
            assert!(read > 0, "the connection was closed");
            filled += read;
            if body(&buffer[..filled]).is_some() {
                break;
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

fn request(head: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!("{head}\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The body of an answer, which has to be a 2xx with a length, once all of it is there.
fn body(answer: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, rest) = text.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 2"), "{text}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    (rest.len() == length.parse::<usize>().unwrap()).then_some(rest)
}

/// Reads the body and does nothing with it.
#[tokio::main]
async fn empty_handler() {
    let app = Router::new().route("/events", post(async |body: Bytes| (axum::http::StatusCode::CREATED, body)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprint_address(&listener);
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |tcp| drop(tcp.set_nodelay(true))), app).await.unwrap();
}

#[expect(clippy::print_stderr, reason = "as the-eye says where it listens")]
fn eprint_address(listener: &tokio::net::TcpListener) {
    eprintln!("listening on http://{}/events", listener.local_addr().unwrap());
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "the server ended");
        }
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let address = line.split("http://").nth(1).unwrap().split("/events").next().unwrap().to_owned();
        Self { child, address }
    }

    /// Bytes of memory, as Linux counts them.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection, one request at a time.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    fn new(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    fn get(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1"), "text/plain", "")
    }

    fn post(&mut self, content_type: &str, body: &str) {
        self.send("POST /events HTTP/1.1", content_type, body);
    }

    /// Sends a request and reads its answer.
    fn send(&mut self, head: &str, content_type: &str, text: &str) -> String {
        self.stream.write_all(request(head, content_type, text).as_bytes()).unwrap();
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the connection was closed");
            filled += read;
            if let Some(answer) = body(&self.buffer[..filled]) {
                return answer.to_owned();
            }
        }
    }
}
