//! The load: one thread that drives all connections, because a thread for each would measure the
//! scheduler. It shares the cores with what it measures, so it does little for each request and says
//! how much of a core that was.
//!
//! In a **closed** loop each connection sends as soon as it has its answer: the most there is. In an
//! **open** loop requests are due at a fixed rate, whatever becomes of the ones before, and a latency
//! counts from when the request was due: a server that stalls cannot make the load wait with it and
//! hide the stall.

mod closed;
mod connection;
mod latencies;
mod open;
mod source;

pub(crate) use closed::{closed, send_all};
pub(crate) use latencies::Latencies;
pub(crate) use open::open;
pub(crate) use source::Source;

use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;

use connection::Connection;

/// Connections of the rows about rates.
pub(crate) const CONNECTIONS: usize = 256;

/// Of so many answers one is looked at as a whole.
const SAMPLE: u64 = 1024;

/// What a load came to.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Answers in the time that was measured, and that time.
    pub(crate) answers: u64,
    pub(crate) seconds: f64,
    /// Answers to everything that was sent, the warm-up too.
    pub(crate) all: u64,
    /// Cores that this thread took meanwhile.
    pub(crate) cores: f64,
    pub(crate) latencies: Latencies,
}

impl Measured {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// All connections, and what tells which of them has something.
struct Connections {
    epoll: OwnedFd,
    all: Vec<Connection>,
    ready: Vec<epoll::Event>,
}

impl Connections {
    fn open(address: &str, count: usize) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let all: Vec<_> = (0..count).map(|_| Connection::open(address)).collect();
        for (number, connection) in all.iter().enumerate() {
            // Told once for each arrival: an answer that is all there takes one read.
            let flags = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, connection.stream(), EventData::new_u64(number as u64), flags).unwrap();
        }
        Self { epoll, all, ready: Vec::with_capacity(count) }
    }

    /// Waits until something comes or that much time is over; gives the numbers of those whose answer
    /// is all there.
    fn wait(&mut self, longest: Duration, done: &mut Vec<usize>) {
        let timeout = Timespec::try_from(longest).unwrap();
        self.ready.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.ready), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => (),
            Err(error) => panic!("{error}"),
        }
        done.clear();
        for event in &self.ready {
            let number = { event.data }.u64() as usize;
            if self.all[number].progress() {
                done.push(number);
            }
        }
    }
}

/// Time that is measured: from here to there, and the processor time that this thread took in it.
struct Window {
    from: Instant,
    to: Instant,
    busy: Option<Duration>,
}

impl Window {
    fn new(from: Instant, length: Duration) -> Self {
        Self { from, to: from + length, busy: None }
    }

    fn has(&mut self, now: Instant) -> bool {
        let inside = (self.from..self.to).contains(&now);
        if inside && self.busy.is_none() {
            self.busy = Some(crate::machine::thread_time());
        }
        inside
    }

    /// Cores that were taken since it began.
    fn cores(&self) -> f64 {
        let busy = self.busy.map_or(0.0, |before| (crate::machine::thread_time() - before).as_secs_f64());
        busy / self.from.elapsed().as_secs_f64()
    }
}
