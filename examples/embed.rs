//! The Eye inside another axum application, under `/eye`:
//!
//! ```sh
//! cargo run --example embed
//! curl http://127.0.0.1:3000/eye/events
//! ```

use axum::Router;
use axum::routing::get;
use the_eye::{CancellationToken, Eye};

/// The host's own routes, and The Eye beside them.
pub fn app(eye: &Eye) -> Router {
    Router::new().route("/", get(async || "the host's own page")).nest("/eye", eye.router())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let eye = Eye::builder().data_dir("data").build().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;

    let stop = CancellationToken::new();
    let worker = tokio::spawn({
        let (worker, stop) = (eye.worker(), stop.clone());
        async move { worker.run(stop).await }
    });
    let end = async { tokio::signal::ctrl_c().await.expect("signals can be caught") };
    axum::serve(listener, app(&eye)).with_graceful_shutdown(end).await?;

    // First the requests, then the worker: what is acknowledged is in the queue in any case.
    stop.cancel();
    worker.await?;
    Ok(())
}
