//! The processes under test: The Eye as it is shipped, and the empty handler.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bare::handler::EMPTY;
use crate::client::Client;
use crate::machine;

/// What a queue may hold here: no row is about a full one.
const LARGE_QUEUE: [(&str, &str); 2] = [("EYE_QUEUE_MAX", "200000000"), ("EYE_QUEUE_MAX_BYTES", "64GiB")];

/// A process, killed when it is no longer needed.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Empty where it does not listen.
    pub(crate) address: String,
    counts: bool,
}

impl Server {
    /// The API and a worker in one process.
    pub(crate) fn serve(data: &Path) -> Self {
        Self::start(&mut eye(data, &["serve"]))
    }

    /// The API alone.
    pub(crate) fn api(data: &Path) -> Self {
        Self::start(&mut eye(data, &["serve", "--no-worker"]))
    }

    /// The worker alone.
    pub(crate) fn worker(data: &Path) -> Self {
        Self::start(&mut eye(data, &["worker"]))
    }

    /// The handler that does nothing.
    pub(crate) fn empty() -> Self {
        let mut server = Self::start(Command::new(std::env::current_exe().unwrap()).env(EMPTY, "1"));
        server.counts = false;
        server
    }

    /// Starts it and does not wait for anything.
    pub(crate) fn unheard(command: &mut Command, address: &str) -> Self {
        Self { child: command.spawn().unwrap(), address: address.to_owned(), counts: true }
    }

    /// Starts it and waits until it says that it is there.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = VecDeque::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said:?}")).unwrap();
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split("/events").next().unwrap().to_owned();
            }
            if line.contains("storing what the queue holds") {
                break String::new();
            }
            said.push_back(line);
        };
        // What is not read would stop it once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, counts: true }
    }

    /// Whether it has counters; the empty handler has none.
    pub(crate) fn counts(&self) -> bool {
        self.counts
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// Resident memory now, and the most there ever was.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let process = self.child.id();
        (machine::memory(process, "VmRSS"), machine::memory(process, "VmHWM"))
    }

    /// Waits until the worker has stored everything, and says how long that took.
    pub(crate) fn drained(&self) -> Duration {
        let (start, mut client) = (Instant::now(), self.client());
        while client.queued() > 0 {
            assert!(start.elapsed() < Duration::from_secs(300), "the queue was not stored in five minutes");
            std::thread::sleep(Duration::from_millis(10));
        }
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with that data directory and none of the environment's settings.
pub(crate) fn eye(data: &Path, arguments: &[&str]) -> Command {
    let shipped = std::env::var_os("BENCH_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_the-eye").into(), PathBuf::from);
    let mut command = Command::new(shipped);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("EYE_") || name.to_string_lossy().starts_with("POSTGRES_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).envs(LARGE_QUEUE).env("EYE_DATA_DIR", data).current_dir(data);
    if arguments.first() == Some(&"serve") {
        command.env("EYE_LISTEN", "127.0.0.1:0");
    }
    command
}
