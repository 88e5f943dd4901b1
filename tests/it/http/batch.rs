//! Batches, as an array and as NDJSON: judged event by event.

use serde_json::{Value, json};

use super::id;
use crate::support::{TestEye, page_view, page_view_with};

const NDJSON: &str = "application/x-ndjson";
const REQUIRED: &str = r#"["This field is required."]"#;

/// An event without a timestamp, and its errors.
fn timeless() -> (String, String) {
    let mut event = page_view();
    event.as_object_mut().unwrap().remove("timestamp");
    (event.to_string(), format!(r#"{{"timestamp":{REQUIRED}}}"#))
}

#[tokio::test]
async fn a_batch_is_judged_event_by_event() {
    async fn check(content_type: &str, body: String, status: u16, expected: &str, stored: u64) {
        let eye = TestEye::start().await;
        let answer = eye.post_as(content_type, body).await.expect(status);
        assert_eq!(answer.text, expected);
        assert_eq!(answer.header("location"), "");
        assert_eq!(answer.header("preference-applied"), "");
        eye.drain().await;
        assert_eq!(eye.get("/events").await.expect(200).json()["count"], stored);
        let rejected = answer.json()["rejected"].clone();
        assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], rejected);
    }
    let good = page_view().to_string();
    let (bad, errors) = timeless();
    for (content_type, start, between, end) in [("application/json", "[", ",", "]"), (NDJSON, "", "\n", "\n")] {
        let batch = |events: &[&str]| format!("{start}{}{end}", events.join(between));
        let all = r#"{"accepted":3,"rejected":0,"results":[]}"#;
        check(content_type, batch(&[&good, &good, &good]), 201, all, 3).await;
        let one = r#"{"accepted":1,"rejected":0,"results":[]}"#;
        check(content_type, batch(&[&good]), 201, one, 1).await;
        let some = format!(
            r#"{{"accepted":2,"rejected":2,"results":[{{"index":1,"errors":{errors}}},{{"index":3,"errors":{{"non_field_errors":["Invalid data. Expected a dictionary, but got int."]}}}}]}}"#
        );
        check(content_type, batch(&[&good, &bad, &good, "5"]), 207, &some, 2).await;
        let none = format!(r#"{{"accepted":0,"rejected":1,"results":[{{"index":0,"errors":{errors}}}]}}"#);
        check(content_type, batch(&[&bad]), 400, &none, 0).await;
    }
}

#[tokio::test]
async fn one_bad_character_refuses_an_array_but_one_line_of_ndjson() {
    let good = page_view().to_string();
    let eye = TestEye::start().await;
    let answer = eye.post(&format!("[{good},{good},{{]")).await.expect(400);
    assert!(answer.json()["detail"].as_str().unwrap().starts_with("JSON parse error - "), "{}", answer.text);
    let mut body = format!("{good}\n{{\"a\":}}\n{good}\n").into_bytes();
    body.extend_from_slice(b"\"\xff\"\n");
    let answer = eye.post_as(NDJSON, body).await.expect(207).json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(2)));
    let rows: Vec<_> = answer["results"].as_array().unwrap().iter().map(|row| row["index"].clone()).collect();
    assert_eq!(rows, [json!(1), json!(3)]);
    for row in answer["results"].as_array().unwrap() {
        let message = row["errors"]["non_field_errors"][0].as_str().unwrap();
        assert!(message.starts_with("JSON parse error - "), "{message}");
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 2);
}

#[tokio::test]
async fn blank_lines_are_skipped_and_do_not_count() {
    let eye = TestEye::start().await;
    let good = page_view().to_string();
    let body = format!("\n\n{good}\r\n \t \r\n{good}\n\nx\n\n{good}");
    let answer = eye.post_as(NDJSON, body).await.expect(207).json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(1)));
    assert_eq!(answer["results"][0]["index"], 2);
}

#[tokio::test]
async fn two_events_on_one_line_are_one_bad_line() {
    let eye = TestEye::start().await;
    let good = page_view().to_string();
    let answer = eye.post_as(NDJSON, format!("{good} {good}\n{good}\n")).await.expect(207).json();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_representation_names_every_event() {
    let eye = TestEye::start().await;
    let representation = [("content-type", "application/json"), ("prefer", "return=representation")];
    let named = |number: u128| page_view_with(&json!({ "id": id(number) }));
    let batch = Value::from([named(1), json!({ "a": 1 }), named(2)]).to_string();
    let answer = eye.request(reqwest::Method::POST, "/events", &representation, batch.into_bytes()).await.expect(207);
    assert_eq!(answer.header("preference-applied"), "return=representation");
    let each: Vec<_> = ["session_id", "category", "name", "data", "timestamp"]
        .iter()
        .map(|name| format!("\"{name}\":{REQUIRED}"))
        .collect();
    let expected = format!(
        r#"{{"accepted":2,"rejected":1,"results":[{{"index":0,"id":"{}"}},{{"index":1,"errors":{{{},"a":["Unknown field."]}}}},{{"index":2,"id":"{}"}}]}}"#,
        id(1),
        each.join(","),
        id(2)
    );
    assert_eq!(answer.text, expected);
    // Ids that The Eye gives are told too, each of its own and in order.
    let batch = Value::from(vec![page_view(); 50]).to_string();
    let answer =
        eye.request(reqwest::Method::POST, "/events", &representation, batch.into_bytes()).await.expect(201).json();
    let ids: Vec<_> = answer["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.len() == 50 && ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    eye.drain().await;
    for id in ids {
        eye.get(&format!("/events/{id}")).await.expect(200);
    }
}

#[tokio::test]
async fn ten_thousand_events_are_a_batch() {
    let eye = TestEye::start().await;
    let good = page_view().to_string();
    let array = format!("[{}]", vec![good.as_str(); 10_000].join(","));
    let answer = eye.post(&array).await.expect(201);
    assert_eq!(answer.text, r#"{"accepted":10000,"rejected":0,"results":[]}"#);
    // Blank lines are no events.
    eye.post_as(NDJSON, format!("{good}\n\n").repeat(10_000)).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events?page_size=1").await.expect(200).json()["count"], 20_000);
}
