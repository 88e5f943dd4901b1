//! Pages by cursor: nothing twice and nothing left out while new events arrive.

use serde_json::{Value, json};

use super::{id, ids, path_of, store};
use crate::support::{TestEye, page_view_with};

fn event(number: u128, second: u128) -> Value {
    page_view_with(&json!({ "id": id(number), "timestamp": format!("2026-05-01T10:00:{second:02}Z") }))
}

/// Follows the cursor to the end, while events arrive before and behind it.
async fn followed(eye: &TestEye, first: &str, next: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = Some(first.to_owned());
    let mut arriving = 1000;
    while let Some(at) = path {
        let answer = eye.get(&at).await.expect(200);
        found.extend(ids(&answer));
        path = next(&answer.json());
        store(eye, &[event(arriving, 0), event(arriving + 1, 59), event(arriving + 2, 10)]).await;
        arriving += 3;
    }
    found
}

#[tokio::test]
async fn a_cursor_repeats_nothing_and_skips_nothing() {
    for order in ["asc", "desc"] {
        for by_link in [true, false] {
            let eye = TestEye::start().await;
            // Three at each second, so that pages end within ties.
            let before: Vec<_> = (0..30).map(|n| event(n, 5 + n / 3)).collect();
            store(&eye, &before).await;
            let start = eye.get(&format!("/events?page_size=4&order={order}")).await.expect(200).json();
            let cursor = start["next_cursor"].as_str().unwrap();
            let next = |page: &Value| match by_link {
                true => page["next"].as_str().map(|_| path_of(&page["next"])),
                false => page["next_cursor"].as_str().map(|cursor| format!("/events?page_size=4&cursor={cursor}")),
            };
            let mut found: Vec<_> =
                start["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            found.extend(followed(&eye, &format!("/events?page_size=4&cursor={cursor}"), next).await);
            let mut distinct = found.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), found.len(), "{order} {by_link}");
            found.retain(|found| *found < id(1000));
            let mut expected: Vec<_> = (0..30).map(id).collect();
            if order == "desc" {
                expected.reverse();
            }
            assert_eq!(found, expected, "{order} {by_link}");
        }
    }
}

#[tokio::test]
async fn a_cursor_holds_filters_and_order() {
    let eye = TestEye::start().await;
    let other = page_view_with(&json!({ "session_id": "other", "timestamp": "2026-05-01T10:00:03Z" }));
    store(&eye, &[event(1, 1), event(2, 2), event(3, 3), event(4, 4), other]).await;
    let query = "session_id=a-session&category=page+interaction&name=pageview&start_time=2026-05-01T10:00:02Z\
                 &end_time=2026-05-01T10:00:04Z&order=asc&page_size=1";
    let first = eye.get(&format!("/events?{query}")).await.expect(200);
    assert_eq!(ids(&first), [id(2)]);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    // All that is asked for is in the cursor, and may be said again.
    for query in ["", "&order=asc", "&session_id=a-session&name=page+view", "&start_time=2026-5-1 12:00:02%2B02:00"] {
        let rest = eye.get(&format!("/events?cursor={cursor}{query}")).await.expect(200);
        assert_eq!(ids(&rest), [id(3), id(4)], "{query}");
        assert_eq!(rest.json()["count"], 3);
        assert_eq!((&rest.json()["next"], &rest.json()["next_cursor"]), (&Value::Null, &Value::Null));
    }
    let second = eye.get(&format!("/events?cursor={cursor}&page_size=1")).await.expect(200).json();
    let next = path_of(&second["next"]);
    assert!(!next.contains("page=") && next.contains("page_size=1") && next.contains("cursor="), "{next}");
    assert_eq!(ids(&eye.get(&next).await.expect(200)), [id(4)]);
}

#[tokio::test]
async fn a_cursor_goes_on_from_any_page() {
    let eye = TestEye::start().await;
    store(&eye, &(1..10).map(|n| event(n, n)).collect::<Vec<_>>()).await;
    let third = eye.get("/events?page_size=2&page=3").await.expect(200).json();
    let cursor = third["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&eye.get(&format!("/events?cursor={cursor}")).await.expect(200)), [id(3), id(2), id(1)]);
    assert!(eye.get("/events?page_size=2&page=last").await.expect(200).json()["next_cursor"].is_null());
}
