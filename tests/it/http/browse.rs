//! Pages for browsers: the same answer to look at, with nothing on it that runs.

use reqwest::Method;
use serde_json::json;

use super::{id, store};
use crate::support::{Answer, TestEye, page_view_with};

const HTML: [(&str, &str); 1] = [("accept", "text/html")];

async fn page(eye: &TestEye, path: &str) -> Answer {
    eye.request(Method::GET, path, &HTML, Vec::new()).await
}

/// A page whose assets are called the same whatever is in them.
fn without_versions(text: &str) -> String {
    let mut parts = text.split("?v=");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|character: char| character.is_ascii_hexdigit()))
}

/// One that is called the same on every run.
async fn named() -> TestEye {
    TestEye::with(|config| config.public_url = Some("https://eye.example.com".parse().unwrap())).await
}

#[tokio::test]
async fn a_page_shows_the_request_and_its_answer() {
    let eye = named().await;
    let form = json!({ "z": 1, "a": "<b>&\"'", "big": 18_446_744_073_709_551_615_u64 });
    let submit = json!({
        "id": id(1), "category": "form_interaction", "name": "submit",
        "data": { "host": "a.example", "path": "/", "form": form },
    });
    store(
        &eye,
        &[page_view_with(&submit), page_view_with(&json!({ "id": id(2) })), page_view_with(&json!({ "id": id(3) }))],
    )
    .await;
    let answer = page(&eye, "/events?page_size=2&page=2&session_id=a-session").await.expect(200);
    insta::assert_snapshot!(without_versions(&answer.text));
}

#[tokio::test]
async fn a_policy_goes_with_every_page() {
    let eye = named().await;
    for (path, status) in [("/", 200), ("/events", 200), ("/rejected", 200), ("/events?x=1", 400), ("/nothing", 404)] {
        let answer = page(&eye, path).await.expect(status);
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "same-origin")]
        {
            assert_eq!(answer.header(name), value, "{path}");
        }
        // What the policy forbids is not there either.
        for inline in [" style=\"", "<style", " onclick", "<script>", "javascript:"] {
            assert!(!answer.text.contains(inline), "{inline} on {path}");
        }
        assert!(answer.text.starts_with("<!doctype html>"), "{}", answer.text);
        assert!(answer.text.contains(&format!("HTTP {status}")), "{path}");
    }
    for (name, content_type) in [("the-eye.css", "text/css; charset=utf-8"), ("the-eye.svg", "image/svg+xml")] {
        let asset = eye.get(&format!("/assets/{name}")).await.expect(200);
        assert_eq!(asset.header("content-type"), content_type);
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
    }
    eye.get("/assets/nothing.css").await.expect(404);
}

#[tokio::test]
async fn what_was_sent_cannot_become_markup() {
    let eye = named().await;
    let script = "<script>alert(1)</script>";
    let attack = format!("{script}\"><img src=x onerror=alert(1)>'&lt;</pre></code>\u{202e}");
    let changes = json!({
        "id": id(1), "session_id": attack, "category": "form_interaction", "name": "submit",
        "data": { "host": "a.example", "path": attack, "form": { attack.clone(): attack } },
    });
    store(&eye, &[page_view_with(&changes)]).await;
    eye.post(&json!({ attack.clone(): attack }).to_string()).await.expect(400);
    eye.post(&attack).await.expect(400);
    eye.drain().await;
    let query: String = attack.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (path, status) in [
        ("/events".to_owned(), 200),
        (format!("/events/{}", id(1)), 200),
        ("/rejected".to_owned(), 200),
        (format!("/events?session_id={query}"), 200),
        (format!("/events?{query}=1"), 400),
        (format!("/events?order={query}"), 400),
        (format!("/events?format=api&cursor={query}"), 400),
        (format!("/{query}"), 404),
        (format!("/events/{query}"), 404),
    ] {
        let answer = page(&eye, &path).await.expect(status);
        // The script of a page of ours comes from a file.
        let text = answer.text.replace("<script src=\"/assets/", "");
        for markup in ["<script", "<img src=x", "</pre></code>"] {
            assert!(!text.contains(markup), "{markup} on {path}\n{text}");
        }
        // What turns the text after it round is shown as its escape, wherever JSON is shown.
        let (_, shown) = answer.text.split_once("<pre class=\"json\"").unwrap();
        assert!(!shown.contains('\u{202e}'), "{path}\n{shown}");
    }
    let shown = page(&eye, "/events").await.expect(200).text;
    assert!(shown.contains("&lt;script&gt;alert(1)"), "{shown}");
    assert!(shown.contains("<span class=\"esc\">\\u202e</span>"), "{shown}");
}

/// The values of all `href`s and `action`s.
fn links(text: &str) -> Vec<&str> {
    let values = |name| text.split(name).skip(1).map(|rest| rest.split('"').next().unwrap());
    values(" href=\"").chain(values(" action=\"")).collect()
}

#[tokio::test]
async fn links_lead_nowhere_else_whatever_was_sent() {
    let eye = named().await;
    for (number, hostile) in
        ["https://evil.example/", "javascript:alert(1)", "//evil.example", "..", "a.json"].iter().enumerate()
    {
        let changes = json!({
            "id": id(number as u128 + 1), "session_id": hostile, "category": "form_interaction", "name": "submit",
            "data": { "host": "a.example", "path": hostile, "form": { "next": hostile, "id": id(9), "results": [{ "id": id(9) }] } },
        });
        store(&eye, &[page_view_with(&changes)]).await;
        eye.post(&json!({ "next": hostile, "id": hostile }).to_string()).await.expect(400);
    }
    eye.drain().await;
    let one = format!("/events/{}", id(1));
    for path in [
        "/events",
        &one,
        "/rejected",
        "/events?next=//evil.example",
        "//evil.example/",
        "/\\evil.example/a",
        "/nothing",
    ] {
        let answer = page(&eye, path).await;
        for link in links(&answer.text) {
            let is_ours =
                link.starts_with('#') || (link.starts_with('/') && !link.starts_with("//") && !link.contains('\\'));
            assert!(is_ours, "{link} on {path}");
        }
        assert!(!links(&answer.text).iter().any(|link| link.contains(&id(9))), "{path}");
    }
    let events = page(&eye, "/events").await.expect(200).text;
    let links = links(&events);
    assert!(links.contains(&one.as_str()), "{links:?}");
    assert!(links.contains(&"/events?session_id=.."), "{links:?}");
    assert!(links.contains(&"/sessions/a%2Ejson"), "{links:?}");
}

#[tokio::test]
async fn other_pages_are_reached_by_their_numbers() {
    let eye = named().await;
    let event = |number: u128| page_view_with(&json!({ "id": id(number) }));
    store(&eye, &(1..=9).map(event).collect::<Vec<_>>()).await;
    let text = page(&eye, "/events?page_size=2&page=2&session_id=a-session").await.expect(200).text;
    for number in [1, 3, 4, 5] {
        let link = format!("href=\"/events?page_size=2&#38;session_id=a-session&#38;page={number}\"");
        assert!(text.contains(&link), "{link}\n{text}");
    }
    // A cursor knows the way on, and no numbers.
    let cursor = eye.get("/events?page_size=2").await.expect(200).json()["next_cursor"].as_str().unwrap().to_owned();
    let text = page(&eye, &format!("/events?page_size=2&cursor={cursor}")).await.expect(200).text;
    assert!(text.contains("rel=\"next\"") && !text.contains("rel=\"last\""), "{text}");
    assert!(!page(&eye, "/events?page_size=9").await.expect(200).text.contains("aria-label=\"Pages\""));
}

#[tokio::test]
async fn the_filter_form_keeps_what_was_asked_for() {
    let eye = named().await;
    let text = page(&eye, "/events?session_id=%3Cb%3E&order=asc&start_time=2026-05-01T10:00:05%2B02:00&end_time=2026-05-01T10:00:00.123456Z&format=api")
        .await
        .expect(200)
        .text;
    for part in [
        "name=\"session_id\" value=\"&#60;b&#62;\"",
        "<option value=\"asc\" selected>",
        "name=\"start_time\" value=\"2026-05-01T08:00:05\" type=\"datetime-local\" step=\"1\"",
        // A picker would lose its digits.
        "name=\"end_time\" value=\"2026-05-01T10:00:00.123456Z\">",
        "<input type=\"hidden\" name=\"format\" value=\"api\">",
        "<option value=\"page_view\"></option>",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = page(&eye, "/events?start_time=soon&page_size=0&x=1&order=up").await.expect(400).text;
    assert!(text.contains("value=\"soon\"") && text.contains("<option value=\"up\" selected>"), "{text}");
    assert!(text.contains("<div class=\"error\" role=\"alert\""), "{text}");
    let text = page(&eye, "/events?start_time=soon&page_size=0").await.expect(400).text;
    for name in ["start_time", "page_size"] {
        let wrong = format!("aria-invalid=\"true\" aria-describedby=\"filter-{name}-wrong\"");
        assert!(text.contains(&wrong) && text.contains(&format!("id=\"filter-{name}-wrong\"")), "{text}");
    }
    assert!(!text.contains("<div class=\"error\""), "all of it stands beside its field\n{text}");
}

#[tokio::test]
async fn what_options_says_is_on_the_page() {
    let eye = named().await;
    let text = page(&eye, "/events").await.expect(200).text;
    let (_, options) = text.split_once("<b>OPTIONS</b>").unwrap();
    assert!(options.contains("GET, POST, HEAD, OPTIONS") && options.contains("multipart/form-data"), "{options}");
    let asked = eye.request(Method::OPTIONS, "/events", &HTML, Vec::new()).await.expect(200).text;
    assert!(asked.contains("multipart/form-data"), "{asked}");
}

#[tokio::test]
async fn a_text_of_a_megabyte_is_shown_whole() {
    let eye = named().await;
    let text = "<\u{202e}ab".repeat(150_000);
    let data = json!({ "host": "a.example", "path": "/", "form": text });
    let changes = json!({ "id": id(1), "category": "form_interaction", "name": "submit", "data": data });
    store(&eye, &[page_view_with(&changes)]).await;
    let shown = page(&eye, &format!("/events/{}", id(1))).await.expect(200).text;
    assert_eq!(shown.matches("&lt;<span class=\"esc\">\\u202e</span>ab").count(), 150_000);
}
