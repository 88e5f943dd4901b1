//! What operators and their tools look at: `/healthz`, `/readyz` and `/metrics`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::App;
use super::answer::Answer;
use super::error::Error;
use crate::metrics::Metrics;
use crate::queue::{Durability, Queue, QueueError};

/// The process lives.
pub(super) async fn healthz() -> Answer {
    Answer::new(StatusCode::OK, r#"{"status":"ok"}"#)
}

/// Queue and store answer, and there is room for another event.
pub(super) async fn readyz(State(app): State<App>) -> Answer {
    let (queue, store) = tokio::join!(app.queue.probe(), app.store.probe());
    let ready = queue.is_ok() && store.is_ok();
    let mut parts = serde_json::json!({
        "status": if ready { "ok" } else { "unavailable" },
        "queue": match &queue {
            Ok(_) => "ok",
            Err(QueueError::Full(_) | QueueError::TooLarge(_)) => "full",
            Err(QueueError::Unavailable(_)) => "unavailable",
        },
        "store": if store.is_ok() { "ok" } else { "unavailable" },
    });
    if let Ok(Durability::AtRisk(why)) = &queue {
        parts["at_risk"] = format!("acknowledged with 202, since it may be lost at a power cut: {why}").into();
    }
    // What exactly is wrong is for the operator, not for whoever asks.
    let problems = [queue.err().map(|error| error.to_string()), store.err().map(|error| error.to_string())];
    for error in problems.into_iter().flatten() {
        tracing::warn!(error, "not ready");
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Answer::new(status, parts.to_string())
}

/// The counters, and what the queue holds now.
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Error> {
    look_at_queue(&app.metrics, app.queue.as_ref(), &app).await;
    app.metrics.body_bytes.set(i64::try_from(app.budget.taken()).unwrap_or(i64::MAX));
    app.metrics.live_streams.set(i64::try_from(app.live.watchers()).unwrap_or(i64::MAX));
    let text = app.metrics.encode().map_err(|_| Error::Internal)?;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, content_type)], text).into_response())
}

async fn look_at_queue(metrics: &Metrics, queue: &dyn Queue, app: &App) {
    let Ok(depth) = queue.depth().await else {
        // What was true a while ago would look as if all were well.
        metrics.queue_depth.set(-1);
        metrics.queue_bytes.set(-1);
        metrics.queue_lag.set(f64::NAN);
        return;
    };
    let now = app.clock.now().as_micros();
    let lag = depth.oldest.map_or(0, |oldest| (now - oldest.as_micros()).max(0));
    metrics.queue_depth.set(i64::try_from(depth.events).unwrap_or(i64::MAX));
    metrics.queue_bytes.set(i64::try_from(depth.bytes).unwrap_or(i64::MAX));
    metrics.queue_lag.set(lag as f64 / 1e6);
}
