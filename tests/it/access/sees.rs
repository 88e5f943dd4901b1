//! Applications and what they see: whose an event is, is decided by the key it came with, and a key that sees one
//! application sees nothing of another one.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};

use super::{Server, Where, apps};
use crate::support::{Answer, page_view_with};

const ID: &str = "0198c5a0-0000-7000-8000-000000000001";

async fn send(server: &Server, key: Option<&str>, event: &Value) -> Answer {
    let request = server.request(Method::POST, "/events", key).header("prefer", "wait=20");
    server.send(request.header(CONTENT_TYPE, "application/json").body(event.to_string())).await
}

/// Two applications that have sent an event each, with the same id and time, and something that was refused; and
/// readers of one and of all.
async fn two() -> (Server, [String; 4]) {
    let folder = tempfile::tempdir().unwrap();
    let shop = apps(folder.path(), &["create", "shop"]).await;
    let blog = apps(folder.path(), &["create", "blog"]).await;
    let of_blog = apps(folder.path(), &["create", "blogger", "--scope", "read", "--sees", "blog"]).await;
    let all = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    for (key, path) in [(&shop, "/shop"), (&blog, "/blog")] {
        let data = json!({ "host": "www.example.com", "path": path });
        let event = page_view_with(&json!({ "id": ID, "session_id": "both", "data": data }));
        send(&server, Some(key), &event).await.expect(201);
        send(&server, Some(key), &json!({ "session_id": "both", "path": path })).await.expect(400);
    }
    send(&server, Some(&shop), &page_view_with(&json!({ "session_id": "shop-only" }))).await.expect(201);
    (server, [shop, blog, of_blog, all])
}

async fn get(server: &Server, path: &str, key: &str) -> Answer {
    server.send(server.request(Method::GET, path, Some(key))).await
}

#[tokio::test]
async fn an_id_is_its_applications_own() {
    let (server, [_, blog, of_blog, all]) = two().await;
    let list = get(&server, "/events?session_id=both", &all).await.expect(200).json();
    assert_eq!(list["count"], 2);
    let found: Vec<_> = list["results"].as_array().unwrap().iter().collect();
    assert!(found.iter().all(|event| event["id"] == ID));
    assert_eq!([&found[0]["application"], &found[1]["application"]], ["blog", "shop"]);
    for (name, path) in [("shop", "/shop"), ("blog", "/blog")] {
        let list = get(&server, &format!("/events?application={name}&session_id=both"), &all).await.expect(200).json();
        assert_eq!((&list["count"], &list["results"][0]["data"]["path"]), (&json!(1), &json!(path)));
    }
    assert_eq!(get(&server, "/events?application=nobody", &all).await.expect(200).json()["count"], 0);
    // Sent again, the first one stands, and is that application's still.
    let again = page_view_with(&json!({ "id": ID, "session_id": "other" }));
    send(&server, Some(&blog), &again).await.expect(201);
    assert_eq!(get(&server, &format!("/events/{ID}"), &of_blog).await.expect(200).json()["data"]["path"], "/blog");
    assert_eq!(get(&server, "/events?session_id=other", &all).await.expect(200).json()["count"], 0);
}

#[tokio::test]
async fn a_key_that_sees_one_application_sees_nothing_of_another() {
    let (server, [_, _, of_blog, all]) = two().await;
    let theirs = |text: &str| !text.contains("/shop") && !text.contains("shop-only");
    for path in [
        "/",
        "/events",
        "/events?order=asc&page_size=1",
        "/events.json",
        "/rejected",
        "/sessions",
        "/sessions/both",
        "/stats?last=all",
        "/stats?start_time=2026-01-01&end_time=2026-12-31",
        "/live?format=html",
        &format!("/events/{ID}"),
    ] {
        for accept in ["application/json", "text/html"] {
            let request = server.request(Method::GET, path, Some(&of_blog)).header(ACCEPT, accept);
            let answer = server.send(request).await;
            assert!(theirs(&answer.text), "{path}: {}", answer.text);
        }
    }
    for (path, count) in
        [("/events", 1), ("/rejected", 1), ("/events?session_id=both", 1), ("/events?session_id=shop-only", 0)]
    {
        assert_eq!(get(&server, path, &of_blog).await.expect(200).json()["count"], count, "{path}");
    }
    assert_eq!(get(&server, "/sessions/both", &of_blog).await.expect(200).json()["events"], 1);
    assert_eq!(get(&server, "/sessions/both", &all).await.expect(200).json()["events"], 2);
    get(&server, "/sessions/shop-only", &of_blog).await.expect(404);
    let sessions = get(&server, "/sessions", &of_blog).await.expect(200).json();
    assert_eq!(sessions["results"].as_array().unwrap().len(), 1);
    let stats = "/stats?start_time=2026-05-01&end_time=2026-05-02";
    assert_eq!(get(&server, stats, &of_blog).await.expect(200).json()["count"], 1);
    assert_eq!(get(&server, stats, &all).await.expect(200).json()["count"], 3);
    // By name, by the id of a row, and by a cursor that somebody else was given.
    for path in ["/events", "/rejected", "/sessions", "/stats", "/sessions/both", "/live"] {
        get(&server, &format!("{path}?application=shop"), &of_blog).await.expect(403);
    }
    let rows = get(&server, "/rejected", &all).await.expect(200).json();
    for row in rows["results"].as_array().unwrap() {
        let expected = if row["application"] == "blog" { 200 } else { 404 };
        get(&server, &format!("/rejected/{}", row["id"].as_str().unwrap()), &of_blog).await.expect(expected);
    }
    let cursor =
        get(&server, "/events?application=shop&page_size=1", &all).await.expect(200).json()["next_cursor"].clone();
    get(&server, &format!("/events?cursor={}", cursor.as_str().unwrap()), &of_blog).await.expect(403);
    let cursor = get(&server, "/events?page_size=1", &all).await.expect(200).json()["next_cursor"].clone();
    let page = get(&server, &format!("/events?cursor={}", cursor.as_str().unwrap()), &of_blog).await;
    assert!(theirs(&page.text), "{}", page.text);
    get(&server, "/metrics", &of_blog).await.expect(403);
}

#[tokio::test]
async fn a_stream_shows_what_its_reader_sees() {
    let (server, [shop, blog, of_blog, _]) = two().await;
    let mut stream = server.request(Method::GET, "/live", Some(&of_blog)).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some(), "it is open");
    send(&server, Some(&shop), &page_view_with(&json!({ "session_id": "from-shop" }))).await.expect(201);
    send(&server, Some(&blog), &page_view_with(&json!({ "session_id": "from-blog" }))).await.expect(201);
    let mut seen = String::new();
    while !seen.contains("from-blog") {
        seen.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }
    assert!(!seen.contains("from-shop"), "{seen}");
}

#[tokio::test]
async fn nobody_says_whose_an_event_is_but_its_key() {
    let (server, [shop, ..]) = two().await;
    for field in ["application", "address", "received_at"] {
        let event = page_view_with(&json!({ field: "blog" }));
        let refused = send(&server, Some(&shop), &event).await.expect(400);
        assert_eq!(refused.json(), json!({ field: ["Unknown field."] }));
    }
}

#[tokio::test]
async fn an_address_is_stored_as_far_as_was_said() {
    for (how, expected) in [("no", None), ("truncated", Some("198.51.100.0")), ("full", Some("198.51.100.7"))] {
        let folder = tempfile::tempdir().unwrap();
        let write = apps(folder.path(), &["create", "shop"]).await;
        let read = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
        let arguments = ["--store-address", how, "--trusted-proxies", "127.0.0.1"];
        let server = Server::start(folder, Where::Everywhere, &arguments).await;
        let request = server.request(Method::POST, "/events", Some(&write)).header("x-forwarded-for", "198.51.100.7");
        let request = request.header(CONTENT_TYPE, "application/json").header("prefer", "wait=20");
        let taken = server.send(request.body(page_view_with(&json!({})).to_string())).await.expect(201).json();
        let stored = get(&server, "/events", &read).await.expect(200).json()["results"][0].clone();
        assert_eq!(taken["address"].as_str(), expected);
        assert_eq!(stored, taken);
    }
}
