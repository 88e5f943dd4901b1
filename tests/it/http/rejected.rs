//! What was refused: kept with its reason, bounded, paged and filtered.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ids, path_of};
use crate::support::{Answer, NOW, TestEye, page_view, page_view_with};

#[tokio::test]
async fn every_refused_event_is_kept_with_its_reason() {
    let eye = TestEye::with(|config| {
        config.max_event = 1000;
        config.max_body = 10_000;
    })
    .await;
    let large = page_view_with(&json!({ "data": { "host": "a.example", "path": "x".repeat(1000) } })).to_string();
    let unknown = page_view_with(&json!({ "name": "nothing" })).to_string();
    let form = "application/x-www-form-urlencoded";
    for (content_type, body, status, reason) in [
        ("application/json", "{\"a\": \"<é>\"}", 400, "invalid"),
        ("application/json", "5", 400, "invalid"),
        ("application/json", &unknown, 400, "unknown_event_type"),
        ("application/json", "{\"a\": ", 400, "parse_error"),
        ("application/json", "", 400, "parse_error"),
        ("application/json", "[]", 400, "invalid"),
        ("application/json", &large, 413, "too_large"),
        ("text/html", "<p>", 415, "unsupported_media_type"),
        (form, "a=b", 400, "invalid"),
        (form, "id=%FF", 400, "parse_error"),
    ] {
        let answer = eye.post_as(content_type, body).await.expect(status);
        eye.drain().await;
        let list = eye.get("/rejected?page_size=1").await.expect(200).json();
        let row = &list["results"][0];
        assert_eq!(row["kind"], "refused", "{body}");
        assert_eq!(row["reason"], reason, "{body}");
        assert_eq!(row["errors"], answer.json(), "{body}");
        assert_eq!(row["received_at"], NOW, "{body}");
        assert_eq!(row["body"], body);
        assert_eq!(row["truncated"], false, "{body}");
        let one = eye.get(&format!("/rejected/{}", row["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(one.json(), *row);
    }
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 10);
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 0);
}

#[tokio::test]
async fn each_bad_event_of_a_batch_is_kept_by_itself() {
    let eye = TestEye::start().await;
    let unknown = page_view_with(&json!({ "name": "nothing" })).to_string();
    let answer = eye.post(&format!("[{}, {{ \"a\": 1 }} ,{unknown}]", page_view())).await.expect(207).json();
    eye.post_as("application/x-ndjson", format!("{}\n{{\"b\"\n", page_view())).await.expect(207);
    eye.drain().await;
    let rows = eye.get("/rejected?order=asc").await.expect(200).json();
    let bodies: Vec<_> = rows["results"].as_array().unwrap().iter().map(|row| row["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["{ \"a\": 1 }", &unknown, "{\"b\""]);
    assert_eq!(rows["results"][0]["errors"], answer["results"][0]["errors"]);
    assert_eq!(rows["results"][1]["reason"], "unknown_event_type");
    assert_eq!(rows["results"][2]["reason"], "parse_error");
}

#[tokio::test]
async fn bodies_are_cut_and_flagged() {
    async fn check(eye: &TestEye, body: &str, status: u16, kept: usize, truncated: bool) {
        eye.post(body).await.expect(status);
        eye.drain().await;
        let row = eye.get("/rejected?page_size=1").await.expect(200).json()["results"][0].clone();
        assert_eq!(row["body"].as_str().unwrap().len(), kept);
        assert!(body.starts_with(row["body"].as_str().unwrap()));
        assert_eq!(row["truncated"], truncated);
    }
    let eye = TestEye::start().await;
    let most = 64 * 1024;
    check(&eye, &"[".repeat(most - 1), 400, most - 1, false).await;
    check(&eye, &"[".repeat(most), 400, most, false).await;
    check(&eye, &"[".repeat(most + 1), 400, most, true).await;
    let event = page_view_with(&json!({ "data": "x".repeat(most) })).to_string();
    check(&eye, &event, 400, most, true).await;
    check(&eye, &format!("[{event}]")[1..event.len() + 1], 400, most, true).await;
    check(&eye, &" ".repeat((16 << 20) + 1), 413, most, true).await;
}

#[tokio::test]
async fn a_body_over_a_small_limit_is_flagged_as_cut() {
    let eye = TestEye::with(|config| config.max_body = 1000).await;
    let body = page_view_with(&json!({ "session_id": "x".repeat(5000) })).to_string();
    eye.post(&body).await.expect(413);
    eye.drain().await;
    let row = eye.get("/rejected").await.expect(200).json()["results"][0].clone();
    assert_eq!(row["reason"], "too_large");
    let kept = row["body"].as_str().unwrap();
    assert!(body.starts_with(kept));
    // What is kept is less than was sent, so it has to say so.
    assert!(kept.len() == body.len() || row["truncated"] == true, "{} bytes, {}", kept.len(), row["truncated"]);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_as_far_as_they_are() {
    let eye = TestEye::start().await;
    eye.post_as("application/json", &b"{\"a\":\"\xff\"}"[..]).await.expect(400);
    eye.drain().await;
    let row = eye.get("/rejected").await.expect(200).json()["results"][0].clone();
    assert_eq!(row["body"], "{\"a\":\"\u{fffd}\"}");
}

/// Refused events 0 to `count`, told apart by an unknown key.
async fn refused(eye: &TestEye, count: usize) {
    for number in 0..count {
        eye.post(&format!("{{\"n{number}\":1}}")).await.expect(400);
    }
    eye.drain().await;
}

fn bodies(list: &Value) -> Vec<String> {
    list["results"].as_array().unwrap().iter().map(|row| row["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn they_are_paged_newest_first() {
    let eye = TestEye::start().await;
    refused(&eye, 12).await;
    let expected: Vec<_> = (0..12).rev().map(|number| format!("{{\"n{number}\":1}}")).collect();
    for cursor in [true, false] {
        let mut found = Vec::new();
        let mut path = "/rejected?page_size=5".to_owned();
        loop {
            let page = eye.get(&path).await.expect(200).json();
            assert_eq!(page["count"], 12);
            found.extend(bodies(&page));
            if page["next"].is_null() {
                break;
            }
            path = match cursor {
                true => format!("/rejected?page_size=5&cursor={}", page["next_cursor"].as_str().unwrap()),
                false => path_of(&page["next"]),
            };
        }
        assert_eq!(found, expected, "{cursor}");
    }
    let oldest = eye.get("/rejected?order=asc&page_size=1").await.expect(200).json();
    assert_eq!(bodies(&oldest), [expected.last().unwrap().as_str()]);
    assert_eq!(oldest["next"], format!("{}/rejected?order=asc&page=2&page_size=1", eye.base));
}

#[tokio::test]
async fn they_are_filtered_as_events_are() {
    let eye = TestEye::start().await;
    for changes in [
        json!({ "session_id": "a", "timestamp": "" }),
        json!({ "session_id": " b ", "timestamp": "" }),
        json!({ "session_id": "b", "category": "form interaction", "name": "submit", "timestamp": "" }),
        json!({ "session_id": "b", "category": "page interaction", "name": "pageview", "timestamp": "" }),
        json!({ "session_id": 5, "name": "nothing" }),
        json!({ "session_id": true, "name": true }),
    ] {
        eye.post(&page_view_with(&changes).to_string()).await.expect(400);
    }
    eye.post("{").await.expect(400);
    eye.drain().await;
    for (query, count) in [
        ("", 7),
        ("session_id=a", 1),
        ("session_id=b", 3),
        ("session_id=5", 1),
        ("session_id=nobody", 0),
        ("category=page_interaction", 5),
        ("category=page+interaction", 5),
        ("name=pageview", 3),
        ("name=nothing", 1),
        ("session_id=b&name=page_view&category=page_interaction", 2),
        ("start_time=2026-06-01T12:00:00Z&end_time=2026-06-01T12:00:00Z", 7),
        ("start_time=2026-06-01T12:00:00.000001Z", 0),
        ("end_time=2026-06-01T11:59:59.999999Z", 0),
        ("session_id=a&start_time=2026-06-01", 1),
    ] {
        assert_eq!(eye.get(&format!("/rejected?{query}")).await.expect(200).json()["count"], count, "{query}");
    }
}

fn removed(metrics: &Answer) -> Option<u64> {
    metrics.text.lines().find_map(|line| line.strip_prefix("eye_refused_removed_total ")?.parse().ok())
}

#[tokio::test]
async fn the_oldest_make_room_for_the_newest() {
    let eye = TestEye::without_worker(|config| config.rejected_max = 3).await;
    for number in 0..5 {
        eye.post(&format!("{{\"n{number}\":1}}")).await.expect(400);
        eye.drain().await;
    }
    let list = eye.get("/rejected").await.expect(200).json();
    assert_eq!(bodies(&list), [r#"{"n4":1}"#, r#"{"n3":1}"#, r#"{"n2":1}"#]);
    assert_eq!(removed(&eye.get("/metrics").await.expect(200)), Some(2));
}

#[tokio::test]
async fn refusals_that_wait_in_the_queue_are_bounded_too() {
    let eye = TestEye::without_worker(|config| config.rejected_max = 3).await;
    for number in 0..20 {
        eye.post(&format!("{{\"n{number}\":1}}")).await.expect(400);
    }
    // A flushed write: whatever was handed to the queue before is in it now.
    eye.get("/readyz").await.expect(200);
    let waiting = eye.eye.depth().await.unwrap();
    assert_eq!((waiting.events, waiting.rejected), (0, 3));
    eye.drain().await;
    let list = eye.get("/rejected").await.expect(200).json();
    assert_eq!(bodies(&list), [r#"{"n19":1}"#, r#"{"n18":1}"#, r#"{"n17":1}"#]);
    assert_eq!(removed(&eye.get("/metrics").await.expect(200)), Some(17));
}

#[tokio::test]
async fn a_row_has_these_keys_and_no_others() {
    let eye = TestEye::start().await;
    refused(&eye, 1).await;
    let answer = eye.get("/rejected").await.expect(200);
    let id = ids(&answer).remove(0);
    insta::assert_snapshot!(answer.text.replace(&id, "ID"), @r#"{"count":1,"next":null,"previous":null,"next_cursor":null,"results":[{"id":"ID","kind":"refused","reason":"invalid","errors":{"session_id":["This field is required."],"category":["This field is required."],"name":["This field is required."],"data":["This field is required."],"timestamp":["This field is required."],"n0":["Unknown field."]},"received_at":"2026-06-01T12:00:00.000000Z","body":"{\"n0\":1}","truncated":false,"size":8}]}"#);
    let head = eye.request(Method::HEAD, &format!("/rejected/{id}"), &[], Vec::new()).await.expect(200);
    assert_eq!(head.text, "");
}
