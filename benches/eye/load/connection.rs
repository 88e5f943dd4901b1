//! One connection of a load: a request on its way out or an answer on its way in.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::source::{Request, Source};
use crate::http;

/// A connection that is never waited for.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    request: Request,
    sent: usize,
    answer: Box<[u8]>,
    filled: usize,
    /// How long the last answer to each kind of request was.
    expected: [usize; 3],
    /// When the request was sent, or was due.
    pub(super) since: Instant,
}

impl Connection {
    pub(super) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self {
            stream,
            request: Request::default(),
            sent: 0,
            answer: vec![0; 16 << 10].into(),
            filled: 0,
            expected: [0; 3],
            since: Instant::now(),
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends the next request; false if there is none.
    pub(super) fn send(&mut self, source: &mut Source, since: Instant) -> bool {
        if !source.next(&mut self.request) {
            return false;
        }
        (self.since, self.sent, self.filled) = (since, 0, 0);
        self.push();
        true
    }

    /// Writes and reads what can be; true once the answer is there.
    pub(super) fn progress(&mut self) -> bool {
        if self.sent < self.request.bytes().len() {
            self.push();
            return false;
        }
        loop {
            match self.stream.read(&mut self.answer[self.filled..]) {
                Ok(0) => panic!("the connection was closed: {}", self.text()),
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => panic!("{error}"),
            }
            if self.is_complete() {
                return true;
            }
        }
    }

    /// Looks at the whole answer.
    pub(super) fn verify(&self, source: &Source) {
        source.verify(self.request.bytes(), &self.answer[..self.filled]);
    }

    fn push(&mut self) {
        while let Some(rest) = self.request.bytes().get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn is_complete(&mut self) -> bool {
        let answer = &self.answer[..self.filled];
        let expected = &mut self.expected[self.request.kind];
        // Mostly the answer is as long as the last one, and its head need not be read for that.
        if self.filled != *expected || answer.last() != Some(&b'}') {
            match http::length(answer) {
                Some(length) if self.filled >= length => *expected = length,
                _ => return false,
            }
        }
        assert!(http::is_created(answer), "{}", self.text());
        true
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.answer[..self.filled]).into_owned()
    }
}
