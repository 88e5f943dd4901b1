//! One connection that waits for each answer: for looks at a server and for requests that are timed
//! one by one.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http;

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
    filled: usize,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self::with(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn with(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        Self { stream, answer: vec![0; 1 << 20], filled: 0 }
    }

    /// The body of a 200, and how long it took.
    pub(crate) fn get(&mut self, path: &str) -> (&str, Duration) {
        let start = Instant::now();
        self.send(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes());
        let took = start.elapsed();
        let answer = &self.answer[..self.filled];
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "GET {path}: {}", String::from_utf8_lossy(answer));
        (std::str::from_utf8(http::body(answer)).unwrap(), took)
    }

    /// The whole answer to a request.
    pub(crate) fn send(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).unwrap();
        self.filled = 0;
        loop {
            let read = match self.stream.read(&mut self.answer[self.filled..]) {
                // A machine that was suspended meanwhile.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.unwrap(),
            };
            assert!(read > 0, "the connection was closed");
            self.filled += read;
            if http::length(&self.answer[..self.filled]) == Some(self.filled) {
                return &self.answer[..self.filled];
            }
        }
    }

    /// How many events a list says it has.
    pub(crate) fn count(&mut self, path: &str) -> u64 {
        let (body, _) = self.get(path);
        let digits = body.strip_prefix("{\"count\":").unwrap().split(',').next().unwrap();
        digits.parse::<u64>().unwrap()
    }

    /// How many events wait in the queue.
    pub(crate) fn queued(&mut self) -> u64 {
        self.metric("eye_queue_depth")
    }

    /// A counter.
    pub(crate) fn metric(&mut self, name: &str) -> u64 {
        let (body, _) = self.get("/metrics");
        let value = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no metric {name}")).parse::<u64>().unwrap()
    }
}

/// What a Redis answers to one inline command.
pub(crate) fn ask_redis(address: &str, command: &str) -> String {
    let mut stream = TcpStream::connect(address.trim_end_matches('/')).unwrap();
    write!(stream, "{command}\r\nQUIT\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
