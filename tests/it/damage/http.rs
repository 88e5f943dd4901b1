//! What clients see of damage.

use rusqlite::Connection;
use serde_json::json;
use the_eye::CancellationToken;

use super::harm::{Harm, With, length};
use crate::support::{Pair, TestEye, page_view, page_view_with};

/// Together they fill many pages.
fn large(number: usize) -> serde_json::Value {
    let data = json!({ "host": "a.example", "path": "/", "form": "x".repeat(2000 + number) });
    page_view_with(&json!({ "category": "form_interaction", "name": "submit", "data": data }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_queue_is_a_503_that_says_which_and_reading_goes_on() {
    let eye = TestEye::on(Pair::Embedded).await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    for number in 0..50 {
        let event = large(number);
        eye.post(&event.to_string()).await.expect(201);
    }
    let path = eye.dir.path().join("data/queue.db");
    Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    for page in 1..length(&path) / 4096 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noughts }.to(&path);
    }
    let (worker, stop) = (eye.eye.worker(), CancellationToken::new());
    let working = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(10));
    let ready = loop {
        looks.tick().await;
        let ready = eye.get("/readyz").await;
        if ready.status != 200 {
            break ready.expect(503);
        }
    };
    assert_eq!(ready.text, r#"{"queue":"unavailable","status":"unavailable","store":"ok"}"#);
    let refused = eye.post(&page_view().to_string()).await.expect(503);
    assert_eq!(refused.header("retry-after"), "1");
    assert!(!refused.text.contains("queue.db"), "where files are is nobody's business: {}", refused.text);
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
    eye.get("/healthz").await.expect(200);
    eye.get("/metrics").await.expect(200);
    // The worker tries again at its leisure, and ends when it is told to.
    assert!(eye.eye.metrics().encode().unwrap().lines().any(|line| line.contains("database_errors")));
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_a_503_that_says_which_and_events_are_taken_in() {
    let eye = TestEye::on(Pair::Embedded).await;
    for number in 0..50 {
        let event = large(number);
        eye.post(&event.to_string()).await.expect(201);
    }
    eye.drain().await;
    let path = eye.dir.path().join("data/events.db");
    Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    for page in 1..length(&path) / 4096 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Ones }.to(&path);
    }
    let refused = eye.get("/events?page_size=1000").await.expect(503);
    assert_eq!(refused.header("retry-after"), "1");
    let ready = eye.get("/readyz").await.expect(503);
    assert_eq!(ready.text, r#"{"queue":"ok","status":"unavailable","store":"unavailable"}"#);
    // It is durable in the queue, and stays there until the file is mended.
    eye.post(&page_view().to_string()).await.expect(201);
    assert_eq!(eye.eye.depth().await.unwrap().events, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_taken_away_are_missed_at_once_and_taken_again_when_they_are_back() {
    let eye = TestEye::on(Pair::Embedded).await;
    eye.post(&page_view().to_string()).await.expect(201);
    let data = eye.dir.path().join("data");
    for (name, status, ready) in [
        ("queue.db", 503, r#"{"queue":"unavailable","status":"unavailable","store":"ok"}"#),
        ("events.db", 201, r#"{"queue":"ok","status":"unavailable","store":"unavailable"}"#),
    ] {
        std::fs::rename(data.join(name), data.join("elsewhere")).unwrap();
        eye.post(&page_view().to_string()).await.expect(status);
        assert_eq!(eye.get("/readyz").await.expect(503).text, ready);
        std::fs::rename(data.join("elsewhere"), data.join(name)).unwrap();
        eye.get("/readyz").await.expect(200);
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 2);
}
