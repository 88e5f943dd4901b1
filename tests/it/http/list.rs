//! The list: order, filters, and their edges.

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, ids, store};
use crate::support::{TestEye, page_view, page_view_with};

#[tokio::test]
async fn newest_first_and_ties_by_id_descending() {
    let eye = TestEye::start().await;
    let event = |number: u128, timestamp: &str| page_view_with(&json!({ "id": id(number), "timestamp": timestamp }));
    store(
        &eye,
        &[
            event(5, "2026-05-01T10:00:00Z"),
            event(0xa0, "2026-05-01T10:00:00Z"),
            event(1, "2026-05-01T10:00:00.000001Z"),
            event(9, "2026-04-30"),
            event(0x11, "2026-05-01T12:00:00+02:00"),
            event(2, "0001-01-01"),
        ],
    )
    .await;
    let newest_first = [id(1), id(0xa0), id(0x11), id(5), id(9), id(2)];
    assert_eq!(ids(&eye.get("/events").await.expect(200)), newest_first);
    assert_eq!(ids(&eye.get("/events?order=desc").await.expect(200)), newest_first);
    let mut oldest_first = newest_first;
    oldest_first.reverse();
    assert_eq!(ids(&eye.get("/events?order=asc").await.expect(200)), oldest_first);
}

/// Two sessions, three types, four times, so that every filter divides them otherwise.
async fn stored(eye: &TestEye) {
    let host = json!({ "host": "a.example", "path": "/", "element": "buy" });
    let form = json!({ "host": "a.example", "path": "/", "form": {} });
    let event = |number: u128, session: &str, timestamp: &str, changes: Value| {
        let mut event = page_view_with(&json!({ "id": id(number), "session_id": session, "timestamp": timestamp }));
        for (key, value) in changes.as_object().unwrap() {
            event[key] = value.clone();
        }
        event
    };
    let click = || json!({ "name": "cta_click", "data": host });
    let submit = || json!({ "category": "form_interaction", "name": "submit", "data": form });
    store(
        eye,
        &[
            event(1, "a", "2026-05-01T10:00:00Z", json!({})),
            event(2, "a", "2026-05-02T10:00:00Z", click()),
            event(3, "a", "2026-05-03T10:00:00.000001Z", submit()),
            event(4, "b", "2026-05-01T10:00:00Z", submit()),
            event(5, "b", "2026-05-02T10:00:00Z", json!({})),
            event(6, "b & c=d+é", "2026-05-04T23:59:59.999999Z", click()),
        ],
    )
    .await;
}

#[tokio::test]
async fn filters_work_alone_and_together() {
    async fn check(eye: &TestEye, query: &str, expected: &[u128]) {
        let answer = eye.get(&format!("/events?{query}")).await.expect(200);
        let expected: Vec<_> = expected.iter().map(|&number| id(number)).collect();
        assert_eq!(ids(&answer), expected, "{query}");
        assert_eq!(answer.json()["count"], expected.len(), "{query}");
        assert_eq!((&answer.json()["next"], &answer.json()["next_cursor"]), (&Value::Null, &Value::Null), "{query}");
    }
    let eye = TestEye::start().await;
    stored(&eye).await;
    check(&eye, "", &[6, 3, 5, 2, 4, 1]).await;
    check(&eye, "session_id=a", &[3, 2, 1]).await;
    check(&eye, "session_id=b", &[5, 4]).await;
    check(&eye, "session_id=b%20%26%20c%3Dd%2B%C3%A9", &[6]).await;
    check(&eye, "session_id=b+%26+c=d%2B%c3%a9", &[6]).await;
    check(&eye, "session%5fid=a", &[3, 2, 1]).await;
    check(&eye, "session_id=A", &[]).await;
    check(&eye, "session_id=nobody", &[]).await;
    check(&eye, "session_id=%25", &[]).await;
    check(&eye, "session_id=a%27%20OR%201=1--", &[]).await;
    check(&eye, "category=page_interaction", &[6, 5, 2, 1]).await;
    check(&eye, "category=form+interaction", &[3, 4]).await;
    check(&eye, "category=unheard+of", &[]).await;
    check(&eye, "name=page_view", &[5, 1]).await;
    check(&eye, "name=submit", &[3, 4]).await;
    check(&eye, "name=unheard_of", &[]).await;
    check(&eye, "start_time=2026-05-02T10:00:00Z", &[6, 3, 5, 2]).await;
    check(&eye, "start_time=2026-05-02T10:00:00.000001Z", &[6, 3]).await;
    check(&eye, "end_time=2026-05-02T10:00:00Z", &[5, 2, 4, 1]).await;
    check(&eye, "end_time=2026-05-02T09:59:59.999999Z", &[4, 1]).await;
    check(&eye, "start_time=2026-05-02T10:00:00Z&end_time=2026-05-02T10:00:00Z", &[5, 2]).await;
    check(&eye, "start_time=2026-05-03T10:00:00.000001Z&end_time=2026-05-03T10:00:00.000001Z", &[3]).await;
    check(&eye, "start_time=2026-05-04", &[6]).await;
    check(&eye, "end_time=2026-05-04", &[3, 5, 2, 4, 1]).await;
    check(&eye, "start_time=2026-05-02%2012:00:00%2B02:00&end_time=2026-5-2+10:00", &[5, 2]).await;
    check(&eye, "start_time=2030-01-01", &[]).await;
    check(&eye, "end_time=0001-01-01", &[]).await;
    check(&eye, "start_time=0001-01-01&end_time=9999-12-31T23:59:59.999999Z", &[6, 3, 5, 2, 4, 1]).await;
    check(&eye, "session_id=a&category=page_interaction", &[2, 1]).await;
    check(&eye, "session_id=a&name=cta+click", &[2]).await;
    check(&eye, "session_id=b&category=form_interaction&name=submit", &[4]).await;
    check(&eye, "category=page_interaction&name=submit", &[]).await;
    check(&eye, "session_id=a&start_time=2026-05-02", &[3, 2]).await;
    check(&eye, "name=cta_click&end_time=2026-05-03", &[2]).await;
    check(&eye, "category=page+interaction&start_time=2026-05-02&end_time=2026-05-03", &[5, 2]).await;
    check(
        &eye,
        "session_id=a&category=page_interaction&name=cta_click&start_time=2026-05-02&end_time=2026-05-03&order=asc",
        &[2],
    )
    .await;
    check(&eye, "session_id=a&order=asc", &[1, 2, 3]).await;
    check(&eye, "category=form_interaction&order=asc", &[4, 3]).await;
}

#[tokio::test]
async fn an_empty_value_is_as_if_absent() {
    let eye = TestEye::start().await;
    stored(&eye).await;
    let all = eye.get("/events").await.expect(200).text;
    for query in [
        "session_id=",
        "session_id",
        "&&",
        "session_id=&category=&name=&start_time=&end_time=&order=&page=&page_size=&cursor=&format=",
    ] {
        assert_eq!(eye.get(&format!("/events?{query}")).await.expect(200).text, all, "{query}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let eye = TestEye::start().await;
    store(&eye, &[page_view_with(&json!({ "id": id(1) })), page_view()]).await;
    let one = format!("/events/{}", id(1));
    for path in ["/events?page_size=1", "/events/", &one, "/rejected", "/healthz", "/readyz", "/"] {
        let get = eye.get(path).await.expect(200);
        let head = eye.request(Method::HEAD, path, &[], Vec::new()).await.expect(200);
        assert_eq!(head.text, "");
        for header in ["content-type", "vary", "link", "content-length"] {
            assert_eq!(head.header(header), get.header(header), "{header} of {path}");
        }
    }
    let nothing = eye.request(Method::HEAD, &format!("/events/{}", id(9)), &[], Vec::new()).await.expect(404);
    assert_eq!(nothing.text, "");
}

#[tokio::test]
async fn an_empty_list_is_a_page() {
    let eye = TestEye::start().await;
    let empty = r#"{"count":0,"next":null,"previous":null,"next_cursor":null,"results":[]}"#;
    for path in ["/events", "/events?page=1", "/events?page=last", "/events?order=asc", "/rejected"] {
        assert_eq!(eye.get(path).await.expect(200).text, empty, "{path}");
    }
    eye.get("/events?page=2").await.expect(404);
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events?session_id=nobody").await.expect(200).text, empty);
}
