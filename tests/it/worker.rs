//! The worker, between the real queue and the real store, when the store is not well.

use rusqlite::Connection;
use serde_json::json;

use crate::support::{TestEye, page_view_with, refuse_session};

fn database(eye: &TestEye) -> std::path::PathBuf {
    eye.dir.path().join("data/events.db")
}

/// Posts events of one session, and gives the answer.
async fn post_of(eye: &TestEye, session_id: &str, headers: &[(&str, &str)]) -> crate::support::Answer {
    let event = page_view_with(&json!({ "session_id": session_id })).to_string();
    let headers = [&[("content-type", "application/json")], headers].concat();
    eye.request(reqwest::Method::POST, "/events", &headers, event.into_bytes()).await.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_is_buried_and_the_rest_flows() {
    let eye = TestEye::without_worker(|_| ()).await;
    refuse_session(&database(&eye), "poison");
    let events: Vec<_> = (0..100)
        .map(|number| page_view_with(&json!({ "session_id": if number == 37 { "poison" } else { "good" } })))
        .collect();
    eye.post(&json!(events).to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events?page_size=1").await.json()["count"], 99);
    let rejected = eye.get("/rejected").await.json();
    assert_eq!(rejected["count"], 1);
    let dead_letter = &rejected["results"][0];
    assert_eq!((&dead_letter["kind"], &dead_letter["truncated"]), (&json!("dead_letter"), &json!(false)));
    assert!(dead_letter["reason"].as_str().unwrap().contains("poison"));
    let body: serde_json::Value = serde_json::from_str(dead_letter["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["session_id"], "poison");
    let metrics = eye.get("/metrics").await.text;
    for line in ["eye_events_stored_total 99", "eye_events_dead_lettered_total 1", "eye_queue_depth 0"] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert_eq!(eye.get("/rejected?session_id=poison").await.json()["count"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_an_event_that_is_buried_does_not_say_stored() {
    let eye = TestEye::start().await;
    refuse_session(&database(&eye), "poison");
    let stored = post_of(&eye, "good", &[("prefer", "wait=30")]).await;
    assert_eq!(stored.header("preference-applied"), "wait");
    let buried = post_of(&eye, "poison", &[("prefer", "wait=30")]).await;
    assert_eq!(buried.header("preference-applied"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_while_the_store_is_locked_by_another() {
    let eye = TestEye::start().await;
    post_of(&eye, "before", &[("prefer", "wait=30")]).await;
    let other = Connection::open(database(&eye)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    for number in 0..50 {
        post_of(&eye, &format!("during-{number}"), &[]).await;
    }
    assert_eq!(eye.eye.depth().await.unwrap().events, 50);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    eye.drain().await;
    assert_eq!(eye.get("/events?page_size=1").await.json()["count"], 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_never_counts_against_an_event() {
    let eye = TestEye::start().await;
    let operator = Connection::open(database(&eye)).unwrap();
    operator.execute_batch("ALTER TABLE event RENAME TO away").unwrap();
    post_of(&eye, "during", &[]).await;
    // The worker has met the outage once this many times, and goes on trying.
    let errors = async || eye.get("/metrics").await.text.contains("eye_database_errors_total{database=\"store\"}");
    while !errors().await {
        tokio::task::yield_now().await;
    }
    assert_eq!(eye.get("/readyz").await.status, 503);
    operator.execute_batch("ALTER TABLE away RENAME TO event").unwrap();
    eye.drain().await;
    assert_eq!(eye.get("/readyz").await.status, 200);
    assert_eq!(eye.get("/events").await.json()["count"], 1);
    assert_eq!(eye.get("/rejected").await.json()["count"], 0);
}
