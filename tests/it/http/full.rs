//! A queue without room: 503 for events, and everything else goes on.

use serde_json::{Value, json};

use super::{id, ids};
use crate::support::{Answer, TestEye, page_view, page_view_with};

#[track_caller]
fn check_busy(answer: Answer) {
    let answer = answer.expect(503);
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(answer.text, r#"{"detail":"The events could not be queued. Try again, with the same ids."}"#);
}

fn named(number: u128) -> Value {
    page_view_with(&json!({ "id": id(number) }))
}

#[tokio::test]
async fn a_full_queue_refuses_nothing_for_good() {
    let eye = TestEye::without_worker(|config| config.queue_max = 2).await;
    eye.post(&named(1).to_string()).await.expect(201);
    // Two more would be one too many: a batch goes in as a whole or not at all.
    check_busy(eye.post(&Value::from([named(2), named(3)]).to_string()).await);
    check_busy(eye.post(&Value::from([named(2), json!({}), named(3)]).to_string()).await);
    eye.post(&named(2).to_string()).await.expect(201);
    check_busy(eye.post(&named(3).to_string()).await);
    // What was acknowledged is sent again by clients that did not hear it.
    check_busy(eye.post(&named(1).to_string()).await);
    for path in ["/events", "/rejected", "/healthz", "/metrics"] {
        eye.get(path).await.expect(200);
    }
    eye.drain().await;
    assert_eq!(ids(&eye.get("/events?order=asc").await.expect(200)), [id(1), id(2)]);
    for number in [3, 1] {
        eye.post(&named(number).to_string()).await.expect(201);
    }
    eye.drain().await;
    assert_eq!(ids(&eye.get("/events?order=asc").await.expect(200)), [id(1), id(2), id(3)]);
    // A 503 was no verdict on the event in it, so nothing of it is among the refused.
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 0);
}

#[tokio::test]
async fn a_queue_is_full_by_bytes_too() {
    let eye = TestEye::without_worker(|config| config.queue_max_bytes = 1000).await;
    let mut taken = 0;
    while taken < 100 {
        let answer = eye.post(&page_view().to_string()).await;
        if answer.status == 503 {
            check_busy(answer);
            break;
        }
        answer.expect(201);
        taken += 1;
    }
    assert!((1..100).contains(&taken), "{taken}");
    eye.drain().await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], taken + 1);
}

#[tokio::test]
async fn a_400_never_becomes_a_503() {
    let eye = TestEye::without_worker(|config| config.queue_max = 1).await;
    eye.post(&page_view().to_string()).await.expect(201);
    check_busy(eye.post(&page_view().to_string()).await);
    for (body, status) in [("{", 400), ("{}", 400), ("[{}]", 400), ("[]", 400), ("5", 400)] {
        eye.post(body).await.expect(status);
    }
    eye.post_as("text/html", "x").await.expect(415);
    eye.drain().await;
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 6);
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}

#[tokio::test]
async fn readiness_says_that_there_is_no_room() {
    let eye = TestEye::without_worker(|config| config.queue_max = 1).await;
    assert_eq!(eye.get("/readyz").await.expect(200).text, r#"{"queue":"ok","status":"ok","store":"ok"}"#);
    eye.post(&page_view().to_string()).await.expect(201);
    let full = eye.get("/readyz").await.expect(503).json();
    assert_eq!((&full["status"], &full["store"]), (&json!("unavailable"), &json!("ok")));
    assert!(full["queue"].as_str().unwrap().contains("full"), "{full}");
    eye.get("/healthz").await.expect(200);
    eye.drain().await;
    eye.get("/readyz").await.expect(200);
}
