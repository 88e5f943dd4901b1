//! Serving: from a bound listener to a clean end.
//!
//! The end comes in order: no new connections, open requests answered, the worker stopped after
//! the batch in hand, and what is left in the queue stored while time allows. What is still there
//! when time is up stays in the queue, durable, for the next start.

use std::time::Duration;

use axum::serve::ListenerExt;
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Stopwatch;
use crate::eye::Eye;

/// How long a client may take nothing of what was sent to it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often traffic is summed up in the log.
const SUMMARY: Duration = Duration::from_secs(10);

/// What to serve beside the API, and how long the end may take.
#[derive(Debug, Clone, Copy)]
pub struct ServeOptions {
    /// Whether this process stores events too.
    pub worker: RunWorker,
    /// How long open requests and the queue may take at the end.
    pub drain_timeout: Duration,
}

/// Whether a process stores events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunWorker {
    /// It does.
    Yes,
    /// Another one does.
    No,
}

/// Serves until `shutdown` is cancelled, and ends as described above.
pub async fn run(listener: TcpListener, eye: Eye, options: ServeOptions, shutdown: CancellationToken) {
    let stop_worker = CancellationToken::new();
    let tasks = TaskTracker::new();
    if options.worker == RunWorker::Yes {
        let (worker, stop) = (eye.worker(), stop_worker.clone());
        tasks.spawn(async move { worker.run(stop).await });
    }
    let summary = tokio::spawn(summarize(eye.clone()));
    let listener = listener.tap_io(|connection| {
        // Answers are small and waited for: they must not wait for more to send.
        let _ = connection.set_nodelay(true);
        // Whoever takes nothing of an answer, or is gone without a word, gives its connection back.
        let _ = SockRef::from(&*connection).set_tcp_user_timeout(Some(PATIENCE));
    });
    let server = axum::serve(listener, eye.router::<()>()).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let serving = tokio::spawn(server.into_future());
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
