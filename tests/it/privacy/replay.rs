//! What was kept of refused events is judged again, though marks have changed it.

use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{TYPE, write_catalog};
use crate::support::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_taken_in_once_its_type_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let types = folder.path().join("types");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--catalog", "types"];
    // A mask is not one of the values that the field may have, and the card has to be there.
    let strict =
        TYPE.replace("\"maxLength\": 40", "\"format\": \"email\"").replace("[\"email\"]", "[\"email\", \"card\"]");
    let strict = strict.replace("a@example.com\"", "a@example.com\", \"card\": 1");
    write_catalog(&types, &strict);
    let server = Process::start(folder.path(), &arguments).await;
    for data in [
        json!({ "email": "a@b.example", "card": 1, "level": "low", "path": "/longer than ten" }),
        json!({ "email": "no address", "card": 1, "path": "/longer than ten" }),
        json!({ "email": "a@b.example", "card": 1, "unknown": 1 }),
    ] {
        let event =
            json!({ "session_id": "s", "category": "shop", "name": "order", "data": data, "timestamp": "2026-01-01" });
        assert_eq!(post(&server, "/events", &event).await.0, 400);
    }
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));

    write_catalog(&types, &strict.replace("\"maxLength\": 10", "\"maxLength\": 100"));
    let server = Process::start(folder.path(), &arguments).await;
    let (status, result) = post(&server, "/rejected/replay", &json!({ "reason": "invalid" })).await;
    assert_eq!((status, &result["accepted"], &result["rejected"]), (200, &json!(1), &json!(2)), "{result}");
    let errors: Vec<_> = result["results"].as_array().unwrap().iter().map(|row| row["errors"].to_string()).collect();
    assert!(errors.iter().any(|errors| errors.contains("Enter a valid email address.")), "{errors:?}");
    assert!(errors.iter().any(|errors| errors.contains("Nothing of this body was kept")), "{errors:?}");
    let last = json!({ "session_id": "t", "category": "shop", "name": "order", "data": { "email": "c@b.example", "card": 1 }, "timestamp": "2026-01-02" });
    assert_eq!(post(&server, "/events", &last).await.0, 201);
    let events = reqwest::get(format!("{}/events?session_id=s", server.base)).await.unwrap().text().await.unwrap();
    let events: Value = serde_json::from_str(&events).unwrap();
    let expected = json!({ "email": "***", "level": "***", "path": "/longer than ten" });
    assert_eq!((&events["count"], &events["results"][0]["data"]), (&json!(1), &expected), "{events}");
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));
}

/// Posts, waits until it is stored where it is an event, and gives the answer.
async fn post(server: &Process, path: &str, body: &Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}{path}", server.base)).header("prefer", "wait=30");
    let answer = request.header(CONTENT_TYPE, "application/json").body(body.to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}
