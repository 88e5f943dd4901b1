//! A second try for what was refused or buried.

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, ids};
use crate::support::{Answer, TestEye, page_view_with};

const REPLAY: &str = "/rejected/replay";
const JSON: (&str, &str) = ("content-type", "application/json");

async fn replay(eye: &TestEye, body: &Value) -> Answer {
    eye.request(Method::POST, REPLAY, &[JSON], body.to_string().into_bytes()).await
}

/// Buries events of the session `poison`, and makes the store take them again.
async fn buried(numbers: std::ops::RangeInclusive<u128>) -> TestEye {
    let eye = TestEye::start().await;
    eye.refuse_session("poison").await;
    for number in numbers {
        eye.post(&page_view_with(&json!({ "session_id": "poison", "id": id(number) })).to_string()).await.expect(201);
    }
    eye.drain().await;
    eye.accept_all_sessions().await;
    eye
}

#[tokio::test]
async fn a_dead_letter_is_taken_in_once_the_store_takes_it() {
    let eye = buried(1..=3).await;
    let rows = eye.get("/rejected?order=asc").await.expect(200);
    let row = ids(&rows)[0].clone();
    let answer = replay(&eye, &json!({ "id": row })).await.expect(200);
    assert_eq!(
        answer.json(),
        json!({ "matched": 1, "accepted": 1, "rejected": 0, "next_cursor": null, "results": [] })
    );
    eye.drain().await;
    assert_eq!(eye.get("/events").await.json()["count"], 1);
    // It was removed, so that there is nothing to press twice.
    replay(&eye, &json!({ "id": row })).await.expect(404);
    let reason = rows.json()["results"][0]["reason"].clone();
    let rest = replay(&eye, &json!({ "reason": reason })).await.expect(200).json();
    assert_eq!((&rest["matched"], &rest["accepted"]), (&json!(2), &json!(2)));
    eye.drain().await;
    assert_eq!(ids(&eye.get("/events?order=asc").await), [id(1), id(2), id(3)]);
    assert_eq!(eye.get("/rejected").await.json()["count"], 0);
}

#[tokio::test]
async fn two_at_once_store_once() {
    let eye = buried(1..=30).await;
    let everything = json!({});
    let (first, second) = tokio::join!(replay(&eye, &everything), replay(&eye, &everything));
    for answer in [first.expect(200), second.expect(200)] {
        assert_eq!(answer.json()["rejected"], 0);
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.json()["count"], 30);
    assert_eq!(eye.get("/rejected").await.json()["count"], 0);
}

#[tokio::test]
async fn parts_go_on_where_the_last_one_ended() {
    let eye = buried(1..=7).await;
    eye.post("{}").await.expect(400);
    eye.drain().await;
    let mut request = json!({ "limit": 3 });
    let mut sums = Vec::new();
    loop {
        let answer = replay(&eye, &request).await.expect(200).json();
        sums.push((answer["accepted"].as_u64().unwrap(), answer["rejected"].as_u64().unwrap()));
        if answer["next_cursor"].is_null() {
            break;
        }
        request["cursor"] = answer["next_cursor"].clone();
    }
    // Of one time, they come in the order of their ids.
    assert_eq!(sums.iter().map(|(accepted, rejected)| accepted + rejected).collect::<Vec<_>>(), [3, 3, 2]);
    assert_eq!(sums.iter().map(|(accepted, _)| accepted).sum::<u64>(), 7);
}

#[tokio::test]
async fn a_queue_smaller_than_a_part_is_no_obstacle() {
    let eye = TestEye::with(|config| config.queue_max = 5).await;
    eye.refuse_session("poison").await;
    for number in 1..=12 {
        eye.post(&page_view_with(&json!({ "session_id": "poison", "id": id(number) })).to_string()).await.expect(201);
        eye.drain().await;
    }
    eye.accept_all_sessions().await;
    // It may be full for a moment.
    while replay(&eye, &json!({})).await.status == 503 {
        eye.drain().await;
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.json()["count"], 12);
    assert_eq!(eye.get("/rejected").await.json()["count"], 0);
}

#[tokio::test]
async fn a_dead_letter_of_the_largest_size_is_taken_in() {
    let eye = TestEye::with(|config| config.max_event = 2000).await;
    eye.refuse_session("poison").await;
    let mut event = page_view_with(&json!({ "session_id": "poison" }));
    event["data"]["path"] = "x".repeat(2000 - event.to_string().len() + 1).into();
    assert_eq!(event.to_string().len(), 2000);
    eye.post(&event.to_string()).await.expect(201);
    eye.drain().await;
    eye.accept_all_sessions().await;
    assert_eq!(replay(&eye, &json!({})).await.expect(200).json()["accepted"], 1);
}

#[tokio::test]
async fn what_is_still_not_valid_stays_and_says_why() {
    let eye = TestEye::with(|config| config.max_event = 1 << 20).await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(70_000));
    let form = "application/x-www-form-urlencoded";
    for (content_type, body, status, message) in [
        ("application/json", "{\"name\": \"x\"}", 400, "This field is required."),
        ("application/json", "{\"a\": ", 400, "JSON parse error"),
        ("application/json", "[1, ", 400, "JSON parse error"),
        ("application/json", &large, 400, "Only the beginning"),
        ("text/html", "[{}]", 415, "This is a batch"),
        (form, "session_id=a&name=b", 400, "This field is required."),
    ] {
        eye.post_as(content_type, body).await.expect(status);
        eye.drain().await;
        let row = ids(&eye.get("/rejected?page_size=1").await)[0].clone();
        let answer = replay(&eye, &json!({ "id": row })).await.expect(200).json();
        assert_eq!(
            (&answer["accepted"], &answer["rejected"], &answer["results"][0]["id"]),
            (&json!(0), &json!(1), &json!(row))
        );
        let errors = answer["results"][0]["errors"].to_string();
        assert!(errors.contains(message), "{body:.80}: {errors}");
        eye.get(&format!("/rejected/{row}")).await.expect(200);
    }
    assert_eq!(eye.get("/events").await.json()["count"], 0);
    // A second try is no second refusal.
    let metrics = eye.get("/metrics").await.text;
    let refused = metrics.lines().filter(|line| line.starts_with("eye_events_refused_total{"));
    let refused: u64 = refused.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(refused, 6);
}

#[tokio::test]
async fn the_request_is_read_strictly() {
    let eye = buried(1..=1).await;
    for (body, status, text) in [
        (r#"{"id": "7"}"#, 400, "Must be a valid UUID."),
        (r#"{"id": ""}"#, 400, "This field may not be blank."),
        (r#"{"reason": ""}"#, 400, "This field may not be blank."),
        (r#"{"everything": "yes"}"#, 400, "Unknown parameter."),
        (r#"{"limit": 0}"#, 400, "A number from 1 to 1000"),
        (r#"{"limit": 1001}"#, 400, "A number from 1 to 1000"),
        (r#"{"reason": ["a"]}"#, 400, "Not a valid string."),
        (r#"{"cursor": "x"}"#, 400, "Invalid cursor."),
        (r#"{"start_time": "soon"}"#, 400, "Datetime has wrong format."),
        (r#"{"id": "0190b0e5-0000-7000-8000-000000000001", "reason": "x"}"#, 400, "This excludes all other fields."),
        (r#"{"id": "0190b0e5-0000-7000-8000-000000000001"}"#, 404, "Not found."),
        (r#"{"reason": "a", "reason": "b"}"#, 400, "JSON parse error"),
        ("\n", 400, "JSON parse error"),
        ("[]", 400, "Expected an object."),
    ] {
        let answer = eye.request(Method::POST, REPLAY, &[JSON], body.as_bytes().to_vec()).await.expect(status);
        assert!(answer.text.contains(text), "{body}: {}", answer.text);
    }
    eye.request(Method::POST, REPLAY, &[("content-type", "text/plain")], b"{}".to_vec()).await.expect(415);
    let answer = eye.get(REPLAY).await.expect(405);
    assert_eq!(answer.header("allow"), "POST");
    assert_eq!(eye.get("/rejected").await.json()["count"], 1, "none of these did anything");
}

#[tokio::test]
async fn only_a_page_of_ours_may_ask_for_it() {
    let eye = buried(1..=1).await;
    for headers in [
        [JSON, ("sec-fetch-site", "cross-site")],
        [JSON, ("sec-fetch-site", "same-site")],
        [JSON, ("origin", "https://elsewhere.example")],
        [JSON, ("origin", "null")],
    ] {
        let answer = eye.request(Method::POST, REPLAY, &headers, b"{}".to_vec()).await.expect(403);
        assert!(answer.json()["detail"].is_string());
    }
    let form = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("sec-fetch-site", "same-origin"),
    ];
    let page = eye.request(Method::POST, REPLAY, &form, Vec::new()).await.expect(200);
    assert!(page.text.contains("1 of 1 taken in"), "{}", page.text);
}
