//! `Prefer: wait`: an answer that is held until everything is stored.

use reqwest::Method;
use serde_json::{Value, json};

use super::id;
use crate::support::{Answer, TestEye, page_view, page_view_with};

async fn preferring(eye: &TestEye, prefer: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("prefer", prefer)];
    eye.request(Method::POST, "/events", &headers, body.to_string().into_bytes()).await
}

#[tokio::test]
async fn waiting_ends_when_all_of_it_is_stored() {
    let eye = TestEye::start().await;
    let answer = preferring(&eye, "wait=30", &page_view()).await.expect(201);
    assert_eq!(answer.header("preference-applied"), "wait");
    eye.get(answer.header("location")).await.expect(200);
    let answer = preferring(&eye, "wait=30", &Value::from(vec![page_view(); 100])).await.expect(201);
    assert_eq!(answer.header("preference-applied"), "wait");
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 101);
    let mixed = json!([page_view(), {}]);
    let answer = preferring(&eye, "wait=30, return=representation", &mixed).await.expect(207);
    assert_eq!(answer.header("preference-applied"), "wait, return=representation");
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 102);
}

#[tokio::test]
async fn what_was_sent_before_is_stored_too() {
    let eye = TestEye::start().await;
    let event = page_view_with(&json!({ "id": id(1) }));
    for body in [&event, &event, &json!([event, event])] {
        let answer = preferring(&eye, "wait=30", body).await.expect(201);
        assert_eq!(answer.header("preference-applied"), "wait", "{body}");
    }
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}

#[tokio::test]
async fn what_could_not_be_waited_for_is_accepted_and_not_said_to_be_stored() {
    let eye = TestEye::without_worker(|_| ()).await;
    for prefer in ["wait=0", "wait=soon", "wait=-1", "respond-async", "return=minimal", ""] {
        let answer = preferring(&eye, prefer, &page_view()).await.expect(201);
        assert_eq!(answer.header("preference-applied"), "", "{prefer}");
    }
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 0);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 6);
}

#[tokio::test]
async fn nobody_waits_for_what_is_refused() {
    let eye = TestEye::without_worker(|_| ()).await;
    for body in [json!({}), json!([{}])] {
        let answer = preferring(&eye, "wait=30, return=representation", &body).await.expect(400);
        assert_eq!(answer.header("preference-applied"), "");
    }
}
