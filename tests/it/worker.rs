//! The worker, between the real queue and the real store, when the store is not well.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use the_eye::clock::Clock;
use the_eye::metrics::Metrics;
use the_eye::queue::{Queue, Role, SqliteQueue, SqliteQueueOptions};
use the_eye::store::{Filter, Order, Query, Start};
use the_eye::{Migrations, Worker};

use crate::support::events::{application, new_event_from, sent_by};
use crate::support::stores::{Backend, postgres, sqlite};
use crate::support::{TestEye, page_view_with, refuse_session};

contract!(sqlite postgres: {
    an_event_whose_application_the_store_knows_otherwise_is_a_dead_letter
});

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

/// The store was put in place of another one, say, whose applications had other numbers.
async fn an_event_whose_application_the_store_knows_otherwise_is_a_dead_letter(backend: impl Backend) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteQueueOptions {
        path: folder.path().join("queue.db"),
        role: Role::Both,
        max_events: 1000,
        max_bytes: 1 << 20,
        max_refused: 10,
        reserve: 0,
        migrations: Migrations::Apply,
    };
    let metrics = Arc::new(Metrics::new());
    let queue: Arc<dyn Queue> = Arc::new(SqliteQueue::open(&options, metrics.clone()).unwrap());
    let store = backend.open(10).await;
    let [shop, other, renamed] = [application(1, "shop"), application(1, "other"), application(2, "shop")];
    let sender = |number: u32| match number {
        0..20 => shop.as_ref(),
        30 => other.as_ref(),
        50 => renamed.as_ref(),
        _ => None,
    };
    let events = (0..100).map(|number| new_event_from(number, sender(number), None));
    queue.enqueue(events.collect()).await.unwrap();
    Worker::new(queue, store.clone(), metrics, Clock::System).drain().await;
    let query = Query { filter: Filter::default(), order: Order::Descending, start: Start::Page(1), size: 1000 };
    let found = store.events(query.clone()).await.unwrap().unwrap();
    assert_eq!(found.count, 98);
    assert_eq!(found.items.iter().filter(|event| sent_by(event).is_some()).count(), 20);
    let buried = store.rejected(query).await.unwrap().unwrap();
    let mut reasons: Vec<_> = buried.items.iter().map(|row| row.reason.as_str()).collect();
    reasons.sort_unstable();
    let expected = [
        "application 1 is `shop` here, and the event says `other`",
        "application `shop` has the number 1 here, and the event says 2",
    ];
    assert_eq!(reasons, expected);
    assert!(buried.items.iter().all(|row| row.application.is_none()), "whose it was is not known here");
}
