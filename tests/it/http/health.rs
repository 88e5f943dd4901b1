//! What operators look at. How readiness ends is told with the full queue.

use reqwest::Method;
use serde_json::Value;

use crate::support::{TestEye, page_view};

#[tokio::test]
async fn the_process_lives_and_is_ready() {
    let eye = TestEye::start().await;
    assert_eq!(eye.get("/healthz").await.expect(200).text, r#"{"status":"ok"}"#);
    assert_eq!(eye.get("/readyz").await.expect(200).json()["status"], "ok");
    let root = eye.get("/").await.expect(200).json();
    assert_eq!(root["events"], format!("{}/events", eye.base));
    assert_eq!(root["rejected"], format!("{}/rejected", eye.base));
}

/// The value of a sample, or of none.
fn sample(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix("eye_")?.strip_prefix(name)?.strip_prefix(' ')?.to_owned()))
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let eye = TestEye::without_worker(|_| ()).await;
    for (body, status) in [
        (page_view().to_string(), 201),
        (Value::from([page_view(), page_view()]).to_string(), 201),
        ("{}".to_owned(), 400),
        ("{".to_owned(), 400),
        (page_view().to_string().replace("page_view", "x"), 400),
        (format!("[{},{{}}]", page_view()), 207),
    ] {
        eye.post(&body).await.expect(status);
    }
    eye.post_as("text/html", "x").await.expect(415);
    let before = eye.get("/metrics").await.expect(200).text;
    for (name, value) in [
        ("events_accepted_total", "4"),
        ("events_refused_total{reason=\"invalid\"}", "2"),
        ("events_refused_total{reason=\"parse_error\"}", "1"),
        ("events_refused_total{reason=\"unknown_event_type\"}", "1"),
        ("events_refused_total{reason=\"unsupported_media_type\"}", "1"),
        ("events_stored_total", "0"),
        ("queue_depth", "4"),
        ("queue_lag_seconds", "0.0"),
        ("body_memory_bytes", "0"),
        ("http_requests_total{method=\"POST\",route=\"/events\",status=\"201\"}", "2"),
        ("http_requests_total{method=\"POST\",route=\"/events\",status=\"400\"}", "3"),
    ] {
        assert_eq!(sample(&before, name).as_deref(), Some(value), "{name}\n{before}");
    }
    assert!(sample(&before, "queue_size_bytes").unwrap().parse::<u64>().unwrap() > 0);
    eye.drain().await;
    let after = eye.get("/metrics").await.expect(200).text;
    for (name, value) in [
        ("events_stored_total", "4"),
        ("events_repeated_total", "0"),
        ("events_dead_lettered_total", "0"),
        ("queue_depth", "0"),
        ("queue_size_bytes", "0"),
        ("database_errors_total{database=\"queue\"}", "0"),
        ("database_errors_total{database=\"store\"}", "0"),
    ] {
        // A counter that was never counted up may as well not be there.
        assert_eq!(sample(&after, name).as_deref().unwrap_or("0"), value, "{name}\n{after}");
    }
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let eye = TestEye::start().await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.post("{").await.expect(400);
    eye.get("/events/%22%0A%7B").await.expect(404);
    eye.request("ODD\"".replace('"', "").parse().unwrap(), "/a\"b", &[], Vec::new()).await.expect(404);
    eye.drain().await;
    let answer = eye.request(Method::GET, "/metrics", &[("accept", "text/html")], Vec::new()).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = answer.text.strip_suffix("# EOF\n").expect("it ends with its mark");
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | ':'))
    };
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            assert!(
                matches!(words.next(), Some("HELP" | "TYPE" | "UNIT")) && words.next().is_some_and(is_name),
                "{line}"
            );
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(is_name(name), "{line}");
        let labels = labels.strip_suffix('}').unwrap();
        for label in labels.split("\",").filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once("=\"").unwrap();
            assert!(is_name(name) && !value.trim_end_matches('"').contains('"'), "{line}");
        }
    }
    assert!(!text.contains("ODD") && !text.contains("%22"), "labels come from a fixed list\n{text}");
}
