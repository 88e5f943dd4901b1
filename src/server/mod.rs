//! Serving: from a bound listener to a clean end.
//!
//! The end comes in order: no new connections, open requests answered, the worker stopped after
//! the batch in hand, and what is left in the queue stored while time allows. What is still there
//! when time is up stays in the queue, durable, for the next start.
//!
//! Connections are served by hyper, in a loop of our own ([`accept`]) because a server that anyone can
//! reach needs bounds: on connections, on how long a client may take, and on what counts as a request.

mod accept;
mod caps;
mod connection;
mod files;
mod framing;
mod guarded;
mod phase;
mod serving;

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Stopwatch;
use crate::eye::Eye;
use caps::Caps;
pub(crate) use files::raise_limit;
use serving::Serving;

/// How often traffic is summed up in the log.
const SUMMARY: Duration = Duration::from_secs(10);

/// What to serve beside the API, and how long the end may take.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Whether this process stores events too.
    pub worker: RunWorker,
    /// How long open requests and the queue may take at the end.
    pub drain_timeout: Duration,
    /// What clients may take.
    pub limits: Limits,
}

/// What clients may take of a server. Bodies have bounds of their own, wherever the router is mounted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; those beyond are answered with 503.
    pub connections: usize,
    /// The same from one address (of IPv6, from one network of 64 bits).
    pub connections_per_address: usize,
    /// How long a request's head may take, from its first byte to its end.
    pub head: Duration,
    /// How long a connection may be without a request.
    pub idle: Duration,
    /// How long a connection without a request is kept at the end, and how long a client may take to
    /// close its side after the last answer; a quarter of the time to drain at most.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 5_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            farewell: Duration::from_millis(500),
        }
    }
}

/// Whether a process stores events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunWorker {
    /// It does.
    Yes,
    /// Another one does.
    No,
}

/// Serves until `shutdown` is cancelled, and ends as described above. The listener's socket takes nothing any
/// more then, in no process that holds it too.
pub async fn run(listener: TcpListener, eye: Eye, options: ServeOptions, shutdown: CancellationToken) {
    let stop_worker = CancellationToken::new();
    let tasks = TaskTracker::new();
    if options.worker == RunWorker::Yes {
        let (worker, stop) = (eye.worker(), stop_worker.clone());
        tasks.spawn(async move { worker.run(stop).await });
    }
    let summary = tokio::spawn(summarize(eye.clone()));
    let ServeOptions { limits, drain_timeout, .. } = options;
    let caps = Caps::new(files::room_for(limits.connections), limits.connections_per_address);
    let shared = Arc::new(Serving::new(eye.clone(), limits, drain_timeout));
    let serving = tokio::spawn(accept::serve(listener, caps, shared, shutdown.clone()));
    let abort = serving.abort_handle();
    shutdown.cancelled().await;
    eye.end_streams();

    let watch = Stopwatch::start();
    let left = || options.drain_timeout.saturating_sub(watch.elapsed());
    // A client that takes nothing may not take the time of the worker too.
    if tokio::time::timeout(options.drain_timeout / 2, serving).await.is_err() {
        tracing::warn!("some requests were not finished in time");
        abort.abort();
    }
    stop_worker.cancel();
    tasks.close();
    let drain = async {
        tasks.wait().await;
        eye.flush_refused().await;
        if options.worker == RunWorker::Yes {
            eye.worker().sweep().await;
        }
    };
    if tokio::time::timeout(left(), drain).await.is_err() {
        tracing::warn!("the queue was not stored in time; the rest is stored after the next start");
    }
    summary.abort();
    eye.log_summary().await;
}

/// Runs the worker alone until `shutdown` is cancelled, and gives the batch in hand that much time.
/// What is not stored stays in the queue: other processes may go on filling it.
pub async fn run_worker(eye: Eye, drain_timeout: Duration, shutdown: CancellationToken) {
    let summary = tokio::spawn(summarize(eye.clone()));
    let (worker, stop) = (eye.worker(), shutdown.clone());
    let working = tokio::spawn(async move { worker.run(stop).await });
    shutdown.cancelled().await;
    if tokio::time::timeout(drain_timeout, working).await.is_err() {
        tracing::warn!("the last batch was not stored in time; it is still in the queue");
    }
    summary.abort();
    eye.log_summary().await;
}

/// Says every ten seconds what happened, if something did.
async fn summarize(eye: Eye) {
    loop {
        tokio::time::sleep(SUMMARY).await;
        eye.log_summary().await;
    }
}
