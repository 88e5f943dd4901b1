//! The Eye inside another axum application, under `/eye`:
//!
//! ```sh
//! cargo run --example embed
//! curl http://127.0.0.1:3000/eye/events
//! ```

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use axum::Router;
use axum::routing::get;
use the_eye::{Access, CancellationToken, Eye};

/// The host's own routes, and The Eye beside them.
pub fn app(eye: &Eye) -> Router {
    Router::new().route("/", get(async || "the host's own page")).nest("/eye", eye.router())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let eye = Eye::builder(Access::Open).data_dir("data").build().await?;
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/eye/events", listener.local_addr()?);

    let stop = CancellationToken::new();
    let worker = tokio::spawn({
        let (worker, stop) = (eye.worker(), stop.clone());
        async move { worker.run(stop).await }
    });
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let streams = eye.clone();
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = tokio::signal::ctrl_c() => (),
        }
        // They have no end of their own, and would be waited for.
        streams.end_streams();
    };
    axum::serve(listener, app(&eye)).with_graceful_shutdown(end).await?;

    // First the requests, then the worker: what is acknowledged is in the queue in any case.
    stop.cancel();
    worker.await?;
    Ok(())
}
