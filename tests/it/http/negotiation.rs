//! JSON or a page: `format`, the suffix and `Accept` decide, in that order.

use reqwest::Method;
use serde_json::json;

use super::{id, store};
use crate::support::{TestEye, page_view_with};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn check(eye: &TestEye, path: &str, accept: &str, expected: &str) {
    for method in [Method::GET, Method::HEAD] {
        let answer = eye.request(method, path, &[("accept", accept)], Vec::new()).await.expect(200);
        assert_eq!(answer.header("content-type"), expected, "{path} {accept}");
        assert_eq!(answer.header("vary").to_lowercase(), "accept", "{path} {accept}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn the_format_is_negotiated() {
    let eye = TestEye::start().await;
    store(&eye, &[page_view_with(&json!({ "id": id(1) }))]).await;
    let (json, html) = ("application/json", "text/html; charset=utf-8");
    let one = format!("/events/{}", id(1));
    for (path, accept, expected) in [
        ("/events", "", json),
        ("/events", "*/*", json),
        ("/events", "application/json", json),
        ("/events", "application/json, text/html", json),
        ("/events", "text/html;q=0.5, application/json;q=0.9", json),
        ("/events", "text/html;q=0", json),
        ("/events", BROWSER, html),
        ("/events", "text/html", html),
        ("/events", "application/json;q=0.5, text/html", html),
        ("/events/", BROWSER, html),
        ("/events?format=json", BROWSER, json),
        ("/events?page_size=5&format=json", BROWSER, json),
        ("/events?format=api", "application/json", html),
        ("/events?format=html", "*/*", html),
        ("/events.json", BROWSER, json),
        ("/events.api", "application/json", html),
        ("/rejected.json", BROWSER, json),
        ("/rejected.api", "*/*", html),
        ("/rejected", BROWSER, html),
        ("/", BROWSER, html),
        ("/", "*/*", json),
        (&one, "*/*", json),
        (&one, BROWSER, html),
        (&format!("{one}?format=api"), "*/*", html),
        (&format!("{one}.json"), BROWSER, json),
        (&format!("{one}.api"), "*/*", html),
    ] {
        check(&eye, path, accept, expected).await;
    }
}

#[tokio::test]
async fn errors_are_negotiated_too() {
    let eye = TestEye::start().await;
    for (path, status) in [("/nothing", 404), ("/events/abc", 404), ("/events?page=9", 404), ("/events?x=1", 400)] {
        let page = eye.request(Method::GET, path, &[("accept", BROWSER)], Vec::new()).await.expect(status);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert!(page.text.contains(&format!("HTTP {status}")), "{}", page.text);
        let json = eye.get(path).await.expect(status);
        assert_eq!(json.header("content-type"), "application/json", "{path}");
        assert_eq!(json.header("vary").to_lowercase(), "accept", "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_404() {
    let eye = TestEye::start().await;
    let unknown = format!("/events/{}", id(1));
    for path in ["/nothing", "/event", "/events/abc", "/events/1/2", "//events", "/EVENTS", "/rejected/abc", &unknown] {
        assert_eq!(eye.get(path).await.expect(404).text, r#"{"detail":"Not found."}"#, "{path}");
    }
    eye.request(Method::POST, "/nothing", &[], Vec::new()).await.expect(404);
}
