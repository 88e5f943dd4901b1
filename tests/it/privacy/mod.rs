//! Fields that the catalog marks: their values are looked for in every file and every table, and are nowhere.

mod places;
mod replay;
mod sent;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::TestEye;
use crate::support::process::Process;
use places::Pair;

/// A type with marked fields of every kind, but for those that need a key.
const TYPE: &str = r##"{
    "category": "shop", "name": "order", "title": "An order", "example": {"email": "a@example.com"},
    "data": {
        "type": "object", "required": ["email"], "additionalProperties": false,
        "properties": {
            "email": {"type": "string", "maxLength": 40, "x-eye-privacy": "mask"},
            "card": {"type": "integer", "x-eye-privacy": "drop"},
            "level": {"enum": ["low", "high"], "x-eye-privacy": "mask"},
            "people": {"type": "array", "items": {"$ref": "#/$defs/person"}},
            "path": {"type": "string", "maxLength": 10}
        },
        "$defs": {
            "person": {
                "type": "object", "additionalProperties": false,
                "properties": {"name": {"x-eye-privacy": "drop"}, "friends": {"items": {"$ref": "#/$defs/person"}}}
            }
        }
    }
}"##;

fn write_catalog(folder: &Path, text: &str) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("order.json"), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_marked_is_in_a_file_of_the_embedded_pair() {
    check(Pair { redis: false, postgres: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_marked_is_in_the_embedded_queue_or_postgres() {
    check(Pair { redis: false, postgres: true }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_marked_is_in_redis_or_the_embedded_store() {
    check(Pair { redis: true, postgres: false }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_marked_is_in_redis_or_postgres() {
    check(Pair { redis: true, postgres: true }).await;
}

/// Whatever is sent, no value is found anywhere; and it is found where it should be as soon as one mark is missing.
async fn check(pair: Pair) {
    let found = places::where_it_is(pair, TYPE).await;
    assert!(found.is_empty(), "{found:#?}");
    for marks in [vec!["\"mask\""], vec!["\"mask\"", "\"drop\""]] {
        let without = marks.iter().fold(TYPE.to_owned(), |text, mark| {
            text.replace(&format!(", \"x-eye-privacy\": {mark}"), "").replace(&format!("\"x-eye-privacy\": {mark}"), "")
        });
        let found = places::where_it_is(pair, &without).await;
        for place in pair.places() {
            assert!(
                found.iter().any(|found| found.contains(place)),
                "without {marks:?} it is not in {place}: {found:#?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_an_event_as_it_is_stored() {
    let catalog = tempfile::tempdir().unwrap();
    write_catalog(
        catalog.path(),
        &TYPE.replace("\"maxLength\": 40, \"x-eye-privacy\": \"mask\"", "\"x-eye-privacy\": \"hash\""),
    );
    let eye = TestEye::with(|config| config.catalog = Some(catalog.path().to_owned())).await;
    let order = |session: &str, email: &str| {
        format!(
            r#"{{"session_id":"{session}","category":"shop","name":"order","data":{{ "card":4000, "email":{email}, "path":"/1.10" }},"timestamp":"2026-01-01"}}"#
        )
    };
    let mut hashes = Vec::new();
    for (session, email) in [("a", r#""a@b.example""#), ("b", r#""\u0061@b.example""#), ("c", r#""c@b.example""#)] {
        let answer = eye.post(&order(session, email)).await.expect(201);
        eye.drain().await;
        let path = format!("/events?session_id={session}");
        let stored = eye.get(&path).await.expect(200);
        assert!(stored.text.contains(&answer.text), "{} is not in {}", answer.text, stored.text);
        let data = &answer.json()["data"];
        let hash = data["email"].as_str().unwrap().to_owned();
        assert!(answer.text.contains(&format!(r#""data":{{ "email":"{hash}", "path":"/1.10" }}"#)), "{}", answer.text);
        hashes.push(hash);
    }
    assert_eq!(hashes[0], hashes[1], "equal values stay equal");
    assert_ne!(hashes[0], hashes[2]);
    assert!(hashes.iter().all(|hash| hash.starts_with("eye-hash:") && hash.len() == 57), "{hashes:?}");
    // What was read can be sent again, and is the same.
    let again = eye.post(&order("d", &json!(hashes[0]).to_string())).await.expect(201);
    assert_eq!(again.json()["data"]["email"], json!(hashes[0]));
}

#[tokio::test]
async fn a_sender_gets_the_whole_error_and_the_list_of_rejected_events_does_not() {
    let catalog = tempfile::tempdir().unwrap();
    write_catalog(catalog.path(), TYPE);
    let eye = TestEye::with(|config| config.catalog = Some(catalog.path().to_owned())).await;
    let body = r#"{"a@b.example":1,"a@b.example":2}"#;
    let answer = eye.post(body).await.expect(400);
    assert!(answer.text.contains("duplicate key `a@b.example`"), "{}", answer.text);
    eye.drain().await;
    let row = eye.get("/rejected").await.expect(200).json()["results"][0].take();
    let row: Vec<(&str, &Value)> = ["reason", "errors", "body", "truncated", "size"].map(|key| (key, &row[key])).into();
    let expected = json!(["parse_error", {}, "", true, body.len()]);
    assert_eq!(row.iter().map(|(_, value)| (*value).clone()).collect::<Value>(), expected);
    let page = eye.request(reqwest::Method::GET, "/rejected", &[("accept", "text/html")], Vec::new()).await.expect(200);
    assert!(page.text.contains("33 bytes were sent"), "{}", page.text);
}

#[tokio::test]
async fn a_mark_that_cannot_be_applied_stops_the_start_and_hashes_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    write_catalog(&folder.path().join("types"), &TYPE.replace("\"mask\"", "\"remove\""));
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--catalog", "types"];
    let output = crate::support::process::run(folder.path(), &arguments).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("order.json`: `x-eye-privacy` at `/properties/email` must be"), "{stderr}");
    // What fields are hashed with is made with the database, and is the same from then on.
    write_catalog(&folder.path().join("types"), &TYPE.replace("\"mask\"", "\"hash\""));
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let server = Process::start(folder.path(), &arguments).await;
        let event = json!({
            "session_id": "s", "category": "shop", "name": "order", "data": {"email": "a@example.com"},
            "timestamp": "2021-01-01",
        });
        let request = reqwest::Client::new().post(format!("{}/events", server.base));
        let request = request.header("content-type", "application/json").body(event.to_string());
        let taken: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        hashes.push(taken["data"]["email"].as_str().unwrap().to_owned());
        server.terminate().await;
        assert_eq!(server.exit_code().await, Some(0));
    }
    assert!(hashes[0].starts_with("eye-hash:") && hashes[0] == hashes[1], "{hashes:?}");
}
