//! Pages by number, and the links between them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, ids, path_of, store};
use crate::support::{TestEye, page_view_with};

/// Events 1 to `count`, of which the last one is the newest.
async fn stored(eye: &TestEye, count: u128) {
    let event = |number: u128| {
        let (minute, second) = (number / 60, number % 60);
        let timestamp = format!("2026-05-01T10:{minute:02}:{second:02}Z");
        page_view_with(&json!({ "id": id(number), "session_id": "a b&c", "timestamp": timestamp }))
    };
    store(eye, &(1..=count).map(event).collect::<Vec<_>>()).await;
}

fn newest_first(from: u128, to: u128) -> Vec<String> {
    (to..=from).rev().map(id).collect()
}

#[tokio::test]
async fn pages_have_neighbours_as_in_drf() {
    let eye = TestEye::start().await;
    stored(&eye, 25).await;
    let url = |query: &str| json!(format!("{}/events{query}", eye.base));
    for (query, rows, next, previous) in [
        ("", newest_first(25, 16), url("?page=2"), Value::Null),
        ("?page=1", newest_first(25, 16), url("?page=2"), Value::Null),
        ("?page=2", newest_first(15, 6), url("?page=3"), url("")),
        ("?page=3", newest_first(5, 1), Value::Null, url("?page=2")),
        ("?page=last", newest_first(5, 1), Value::Null, url("?page=2")),
        ("?page_size=25", newest_first(25, 1), Value::Null, Value::Null),
        ("?page_size=1000", newest_first(25, 1), Value::Null, Value::Null),
        ("?page=25&page_size=1", newest_first(1, 1), Value::Null, url("?page=24&page_size=1")),
        ("?page=2&order=asc", (11..=20).map(id).collect(), url("?order=asc&page=3"), url("?order=asc")),
    ] {
        let answer = eye.get(&format!("/events{query}")).await.expect(200);
        assert_eq!(ids(&answer), rows, "{query}");
        let page = answer.json();
        assert_eq!(page["count"], 25, "{query}");
        assert_eq!((&page["next"], &page["previous"]), (&next, &previous), "{query}");
        assert_eq!(page["next_cursor"].is_null(), next.is_null(), "{query}");
    }
    for page in ["4", "26", "0"] {
        let answer = eye.get(&format!("/events?page={page}")).await.expect(404);
        assert_eq!(answer.text, r#"{"detail":"Invalid page."}"#);
    }
}

#[tokio::test]
async fn links_are_in_the_header_too() {
    let eye = TestEye::start().await;
    stored(&eye, 25).await;
    let base = &eye.base;
    for (query, expected) in [
        (
            "",
            format!(
                r#"<{base}/events>; rel="first", <{base}/events?page=2>; rel="next", <{base}/events?page=3>; rel="last""#
            ),
        ),
        (
            "?page=2",
            format!(
                r#"<{base}/events>; rel="first", <{base}/events>; rel="prev", <{base}/events?page=3>; rel="next", <{base}/events?page=3>; rel="last""#
            ),
        ),
        (
            "?page=last",
            format!(
                r#"<{base}/events>; rel="first", <{base}/events?page=2>; rel="prev", <{base}/events?page=3>; rel="last""#
            ),
        ),
        (
            "?page_size=30",
            format!(r#"<{base}/events?page_size=30>; rel="first", <{base}/events?page_size=30>; rel="last""#),
        ),
    ] {
        assert_eq!(eye.get(&format!("/events{query}")).await.expect(200).header("link"), expected, "{query}");
    }
}

#[tokio::test]
async fn links_keep_the_other_parameters() {
    let eye = TestEye::start().await;
    stored(&eye, 9).await;
    let query = "session_id=a+b%26c&category=page+interaction&name=pageview&start_time=2026-05-01&end_time=2026-05-02T02:00%2B02:00\
                 &order=asc&page_size=2&format=json";
    let given: Vec<_> =
        reqwest::Url::parse(&format!("http://a/?{query}")).unwrap().query_pairs().into_owned().collect();
    let mut path = format!("/events?{query}");
    let mut found = Vec::new();
    for number in 1.. {
        let answer = eye.get(&path).await.expect(200);
        found.extend(ids(&answer));
        let page = answer.json();
        for (rel, number) in [("next", number + 1), ("previous", number - 1)] {
            let Some(url) = page[rel].as_str() else { continue };
            let mut expected = given.clone();
            if number > 1 {
                expected.push(("page".to_owned(), number.to_string()));
            }
            let mut pairs: Vec<_> = reqwest::Url::parse(url).unwrap().query_pairs().into_owned().collect();
            expected.sort();
            pairs.sort();
            assert_eq!(pairs, expected);
        }
        if page["next"].is_null() {
            break;
        }
        path = path_of(&page["next"]);
    }
    assert_eq!(found, (1..=9).map(id).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_follow_the_requests_host() {
    let eye = TestEye::start().await;
    stored(&eye, 11).await;
    for (path, expected) in [
        ("/events", "http://eye.example:8080/events?page=2"),
        ("/events/", "http://eye.example:8080/events/?page=2"),
        ("/events.json", "http://eye.example:8080/events.json?page=2"),
    ] {
        let answer = eye.request(Method::GET, path, &[("host", "eye.example:8080")], Vec::new()).await.expect(200);
        assert_eq!(answer.json()["next"], expected);
    }
    let hostile = eye.request(Method::GET, "/events", &[("host", "a\"><b")], Vec::new()).await;
    assert!(!hostile.text.contains("\"><b") && !hostile.header("link").contains("><b"), "{}", hostile.text);
}

#[tokio::test]
async fn a_public_url_goes_before_the_requests_host() {
    for (url, root) in [
        ("https://eye.example.com", "https://eye.example.com"),
        ("https://example.com/eye/", "https://example.com/eye"),
    ] {
        let eye = TestEye::with(|config| config.public_url = Some(url.parse().unwrap())).await;
        stored(&eye, 11).await;
        let answer = eye.request(Method::GET, "/events", &[("host", "other.example")], Vec::new()).await.expect(200);
        assert_eq!(answer.json()["next"], format!("{root}/events?page=2"));
        assert!(answer.header("link").contains(&format!("<{root}/events?page=2>; rel=\"next\"")));
        let previous = eye.get("/events?page=2").await.expect(200).json()["previous"].clone();
        assert_eq!(previous, format!("{root}/events"));
    }
}

#[tokio::test]
async fn the_page_size_is_a_setting() {
    let eye = TestEye::with(|config| config.page_size = 3).await;
    stored(&eye, 4).await;
    assert_eq!(ids(&eye.get("/events").await.expect(200)), newest_first(4, 2));
    assert_eq!(ids(&eye.get("/events?page=2").await.expect(200)), newest_first(1, 1));
    assert_eq!(ids(&eye.get("/events?page_size=4").await.expect(200)), newest_first(4, 1));
}
