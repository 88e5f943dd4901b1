//! A handler that reads the body, sends it back and does nothing else, in a process of its own with
//! the runtime of `the-eye serve`.

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use axum::serve::ListenerExt;

/// Set in the process that is the empty handler.
pub(crate) const EMPTY: &str = "THE_EYE_BENCH_EMPTY";

pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = Router::new().route("/events", post(async |body: Bytes| (StatusCode::CREATED, body)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("listening on http://{}/events", listener.local_addr().unwrap());
        axum::serve(listener.tap_io(|connection| drop(connection.set_nodelay(true))), app).await.unwrap();
    });
}
