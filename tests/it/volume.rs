//! A hundred thousand mixed events, posted as NDJSON and singly: none is missing, none is twice,
//! and they come back in order.

use serde_json::{Value, json};

use crate::support::{TestEye, page_view};

const BATCHES: u32 = 99;
const BATCH: u32 = 1000;
const SINGLES: u32 = 1000;

/// The event with that number, whose path is the number. Times go round, so that many are the same.
fn event(number: u32) -> Value {
    let (category, name, more) = match number % 3 {
        0 => ("page interaction", "pageview", json!({})),
        1 => ("page_interaction", "cta_click", json!({ "element": "buy" })),
        _ => ("form_interaction", "submit", json!({ "form": { "a": 1.5 } })),
    };
    let mut data = json!({ "host": "a.example", "path": format!("/{number}") });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut event = page_view();
    event["session_id"] = json!(format!("session-{}", number % 5000));
    event["category"] = json!(category);
    event["name"] = json!(name);
    event["data"] = data;
    event["timestamp"] =
        json!(format!("2026-01-01T{:02}:{:02}:{:02}Z", number / 3600 % 7, number / 60 % 60, number % 60));
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_mixed_events_come_back_complete_and_in_order() {
    let eye = TestEye::start().await;
    for batch in 0..BATCHES {
        let lines: String =
            (batch * BATCH..(batch + 1) * BATCH).map(|number| event(number).to_string() + "\n").collect();
        eye.post_as("application/x-ndjson", lines).await.expect(201);
    }
    for number in BATCHES * BATCH..BATCHES * BATCH + SINGLES {
        eye.post(&event(number).to_string()).await.expect(201);
    }
    eye.drain().await;

    let mut seen = vec![false; (BATCHES * BATCH + SINGLES) as usize];
    let mut last: Option<(String, String)> = None;
    let mut path = "/events?page_size=1000".to_owned();
    loop {
        let page = eye.get(&path).await.expect(200).json();
        assert_eq!(page["count"], 100_000);
        for row in page["results"].as_array().unwrap() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let number: usize = text(&row["data"]["path"])[1..].parse().unwrap();
            assert!(!std::mem::replace(&mut seen[number], true), "{number} is there twice");
            let key = (text(&row["timestamp"]), text(&row["id"]));
            assert!(last.as_ref().is_none_or(|last| *last > key), "newest first, ties by id: {last:?}, {key:?}");
            last = Some(key);
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/events?page_size=1000&cursor={cursor}");
    }
    assert!(seen.into_iter().all(|seen| seen));
    for (filter, count) in
        [("category=form_interaction", 33_333), ("name=pageview", 33_334), ("session_id=session-7", 20)]
    {
        assert_eq!(
            eye.get(&format!("/events?{filter}&page=last")).await.expect(200).json()["count"],
            count,
            "{filter}"
        );
    }
}
