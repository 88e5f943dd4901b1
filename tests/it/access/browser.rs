//! A real browser, and pages of two sites: one that an application is registered for, and another one.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Server, Where, apps};
use crate::support::browser::Browser;
use crate::support::page_view_with;

/// Sends an event as pages do, and says what became of it: the status, or that the browser did not let it pass.
const FETCH: &str = "const [url, headers, body, mode] = arguments;
    return fetch(url, { method: 'POST', headers, body, mode }).then(answer => answer.status, error => String(error));";

const BEACON: &str = "return navigator.sendBeacon(arguments[0], arguments[1]);";

/// Reads as a script would, with all that the browser has for that site.
const READ: &str =
    "return fetch(arguments[0], { credentials: 'include' }).then(answer => answer.text(), error => String(error));";

/// A site with an empty page.
async fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let page = axum::routing::get(async || axum::response::Html("<!doctype html><title>A shop</title>"));
    tokio::spawn(axum::serve(listener, axum::Router::new().route("/", page)).into_future());
    origin
}

fn event(session: &str) -> String {
    page_view_with(&json!({ "session_id": session })).to_string()
}

/// How many events of a session there are, once another one that was sent now is stored: those before it are then.
async fn stored(server: &Server, session: &str, write: &str, read: &str) -> Value {
    let request = server.request(Method::POST, "/events", Some(write)).header("prefer", "wait=20");
    server.send(request.header(CONTENT_TYPE, "application/json").body(event("last"))).await.expect(201);
    let list = server.request(Method::GET, &format!("/events?session_id={session}"), Some(read));
    server.send(list).await.expect(200).json()["count"].clone()
}

#[tokio::test]
async fn pages_of_an_applications_sites_send_and_no_other_page_does_and_none_reads() {
    let (shop, other) = (site().await, site().await);
    let folder = tempfile::tempdir().unwrap();
    let write = apps(folder.path(), &["create", "shop", "--origin", &shop]).await;
    let backend = apps(folder.path(), &["create", "backend"]).await;
    let read = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let browser = Browser::start().await;
    let url = format!("{}/events", server.base);
    let with_key = format!("{url}?key={write}");
    let (json_type, bearer) = ("application/json", format!("Bearer {write}"));
    let headers = json!({ "content-type": json_type, "authorization": bearer });
    // Somebody is signed in: scripts of other sites must not read by that.
    browser.open(&format!("{}/sign-in", server.base)).await;
    browser.fill("#key", &read).await;
    browser.click("main button").await;
    browser.wait_for("document.title.startsWith('Overview')").await;

    browser.open(&shop).await;
    let sent = browser.run(FETCH, [json!(url), headers.clone(), json!(event("by-fetch")), json!("cors")]).await;
    assert_eq!(sent, json!(201));
    let refused = browser.run(FETCH, [json!(url), headers.clone(), json!("{}"), json!("cors")]).await;
    assert_eq!(refused, json!(400), "a page of its own can read why");
    assert_eq!(browser.run(BEACON, [json!(with_key), json!(event("by-beacon"))]).await, json!(true));
    while stored(&server, "by-beacon", &backend, &read).await != json!(1) {}
    assert_eq!(stored(&server, "by-fetch", &backend, &read).await, json!(1));
    assert_blind(&browser, &server).await;

    browser.open(&other).await;
    let sent = browser.run(FETCH, [json!(url), headers, json!(event("other")), json!("cors")]).await;
    assert!(sent.as_str().is_some_and(|error| error.contains("TypeError")), "{sent}");
    // What browsers send without asking first is refused when it comes.
    let plain = json!({ "content-type": "text/plain" });
    browser.run(FETCH, [json!(with_key), plain, json!(event("other")), json!("no-cors")]).await;
    assert_eq!(browser.run(BEACON, [json!(with_key), json!(event("other"))]).await, json!(true));
    assert_blind(&browser, &server).await;
    let metrics = "eye_http_requests_total{method=\"POST\",route=\"/events\",status=\"403\"} 2";
    loop {
        let request = server.request(Method::GET, "/metrics", Some(&read));
        if server.send(request).await.text.contains(metrics) {
            break;
        }
    }
    assert_eq!(stored(&server, "other", &backend, &read).await, json!(0));
}

/// No script of this page reads anything.
async fn assert_blind(browser: &Browser, server: &Server) {
    for path in ["/events", "/events/0198c5a0-0000-7000-8000-000000000001", "/stats", "/metrics", "/rejected", "/"] {
        let read = browser.run(READ, [json!(format!("{}{path}", server.base))]).await;
        assert!(read.as_str().is_some_and(|error| error.contains("TypeError")), "{path}: {read}");
    }
}

#[tokio::test]
async fn a_browser_asks_first_and_is_answered_by_the_list() {
    let folder = tempfile::tempdir().unwrap();
    apps(folder.path(), &["create", "shop", "--origin", "https://shop.example"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let ask = async |origin: &str| {
        let request = server.request(Method::OPTIONS, "/events", None).header("origin", origin);
        server.send(request.header("access-control-request-method", "POST")).await
    };
    let yes = ask("https://shop.example").await.expect(204);
    assert_eq!(yes.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(yes.header("access-control-allow-methods"), "POST");
    assert_eq!(yes.header("access-control-max-age"), "7200");
    assert!(yes.headers.get_all("vary").iter().any(|name| name == "Origin"));
    assert_eq!(yes.header("access-control-allow-credentials"), "");
    for origin in ["https://evil.example", "http://shop.example", "null", "*", "https://shop.example.evil.example"] {
        let no = ask(origin).await.expect(403);
        assert_eq!(no.header("access-control-allow-origin"), "", "{origin}");
    }
}
