//! Pages for browsers: the same answer to look at, with nothing on it that runs.

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, store};
use crate::support::{Answer, TestEye, page_view_with};

const HTML: [(&str, &str); 1] = [("accept", "text/html")];

async fn page(eye: &TestEye, path: &str) -> Answer {
    eye.request(Method::GET, path, &HTML, Vec::new()).await
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
    insta::assert_snapshot!(answer.text);
}

#[tokio::test]
async fn a_policy_goes_with_every_page() {
    let eye = named().await;
    for (path, status) in [("/", 200), ("/events", 200), ("/rejected", 200), ("/events?x=1", 400), ("/nothing", 404)] {
        let answer = page(&eye, path).await.expect(status);
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "style-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert!(answer.text.starts_with("<!doctype html>"), "{}", answer.text);
        assert!(answer.text.contains(&format!("HTTP {status}")), "{path}");
    }
    let stylesheet = eye.get("/assets/the-eye.css").await.expect(200);
    assert_eq!(stylesheet.header("content-type"), "text/css; charset=utf-8");
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
        for markup in ["<script", "<img", "</pre></code>"] {
            assert!(!answer.text.contains(markup), "{markup} on {path}\n{}", answer.text);
        }
        // What turns the text after it round is shown as its escape, wherever JSON is shown.
        let (_, shown) = answer.text.split_once("<pre class=\"json\"").unwrap();
        assert!(!shown.contains('\u{202e}'), "{path}\n{shown}");
    }
    let shown = page(&eye, "/events").await.expect(200).text;
    assert!(shown.contains("&#60;script&#62;alert(1)") || shown.contains("&lt;script&gt;alert(1)"), "{shown}");
}

#[tokio::test]
async fn a_form_on_a_page_sends_an_event_and_shows_its_answer() {
    let eye = named().await;
    let headers = [("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")];
    let form = "session_id=a&category=page_interaction&name=page_view&timestamp=2026-05-01&data=%7B%22host%22%3A%22a.example%22%2C%22path%22%3A%22%2F%22%7D";
    let sent = |body: &str| eye.request(Method::POST, "/events", &headers, body.as_bytes().to_vec());
    let taken = sent(form).await.expect(201);
    assert!(taken.header("content-type").starts_with("text/html") && taken.header("location").starts_with("/events/"));
    assert!(taken.text.contains("HTTP 201 Created"));
    let refused = sent("session_id=a").await.expect(400);
    assert!(refused.text.contains("HTTP 400 Bad Request") && refused.text.contains("This field is required."));
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}

#[tokio::test]
async fn the_example_in_the_form_is_valid() {
    let eye = named().await;
    let text = page(&eye, "/events").await.expect(200).text;
    let unescaped = |text: &str| text.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#10;", "\n");
    let value = |name: &str| {
        let after = text.rsplit_once(&format!("<input name=\"{name}\" value=\"")).unwrap().1;
        unescaped(after.split_once('"').unwrap().0)
    };
    let data = text.split_once("<textarea").unwrap().1.split_once('>').unwrap().1.split_once("</textarea>").unwrap().0;
    let event = json!({
        "session_id": value("session_id"), "category": value("category"), "name": value("name"),
        "timestamp": value("timestamp"), "data": serde_json::from_str::<Value>(&unescaped(data)).unwrap(),
    });
    eye.post(&event.to_string()).await.expect(201);
}
