//! Sessions: a list of them, and the events of one.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, ids, path_of, store};
use crate::support::{TestEye, page_view_with};

fn event(number: u128, session: &str, minute: u32) -> Value {
    let time = format!("2026-05-01T10:{minute:02}:00Z");
    page_view_with(&json!({ "id": id(number), "session_id": session, "timestamp": time }))
}

fn names(list: &Value) -> Vec<&str> {
    list["results"].as_array().unwrap().iter().map(|row| row["session_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sessions_are_listed_with_their_ends() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1, "a", 1), event(2, "b", 2), event(3, "a", 3), event(4, "c", 0)]).await;
    let list = eye.get("/sessions").await.expect(200).json();
    assert_eq!(names(&list), ["a", "b", "c"]);
    let first = json!({
        "session_id": "a", "events": 2,
        "first_event": "2026-05-01T10:01:00.000000Z", "last_event": "2026-05-01T10:03:00.000000Z",
    });
    assert_eq!(list["results"][0], first);
    assert_eq!((&list["next"], &list["next_cursor"]), (&Value::Null, &Value::Null));
    for (query, expected) in [
        ("order=asc", vec!["c", "b", "a"]),
        ("end_time=2026-05-01T10:02", vec!["b", "a", "c"]),
        ("start_time=2026-05-01T10:02:30", vec!["a"]),
        ("start_time=2026-05-01T11:00", vec![]),
    ] {
        assert_eq!(names(&eye.get(&format!("/sessions?{query}")).await.expect(200).json()), expected, "{query}");
    }
    let mut url = "/sessions?page_size=1".to_owned();
    let mut found = Vec::new();
    loop {
        let page = eye.get(&url).await.expect(200).json();
        found.extend(names(&page).into_iter().map(str::to_owned));
        if page["next"].is_null() {
            break;
        }
        url = path_of(&page["next"]);
    }
    assert_eq!(found, ["a", "b", "c"]);
    for query in ["page=2", "session_id=a", "cursor=x", "order=up"] {
        eye.get(&format!("/sessions?{query}")).await.expect(400);
    }
}

#[tokio::test]
async fn one_session_is_its_events_in_order_and_has_neighbours() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1, "a", 1), event(2, "b", 2), event(3, "a", 3), event(4, "c", 0)]).await;
    let page = eye.get("/sessions/a").await.expect(200);
    assert_eq!(ids(&page), [id(1), id(3)]);
    let page = page.json();
    assert_eq!((&page["session_id"], &page["events"], &page["count"]), (&json!("a"), &json!(2), &json!(2)));
    assert_eq!(page["newer_session"], Value::Null);
    assert_eq!(path_of(&page["older_session"]), "/sessions/b");
    let middle = eye.get("/sessions/b").await.expect(200).json();
    assert_eq!(
        (path_of(&middle["newer_session"]), path_of(&middle["older_session"])),
        ("/sessions/a".into(), "/sessions/c".into())
    );
    let second = eye.get("/sessions/a?page_size=1&page=2").await.expect(200);
    assert_eq!(ids(&second), [id(3)]);
    let first = eye.get("/sessions/a?page_size=1").await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(ids(&eye.get(&format!("/sessions/a?page_size=1&cursor={cursor}")).await.expect(200)), [id(3)]);
    eye.get(&format!("/sessions/b?cursor={cursor}")).await.expect(400);
    assert_eq!(ids(&eye.get("/sessions/a?order=desc").await.expect(200)), [id(3), id(1)]);
    eye.get("/sessions/nobody").await.expect(404);
    eye.get("/sessions/a?page=3").await.expect(404);
    eye.get("/sessions/a?session_id=b").await.expect(400);
}

#[tokio::test]
async fn neighbours_are_found_behind_a_long_session() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1, "old", 1), event(2, "new", 50)]).await;
    for batch in 0..3 {
        let numbers = batch * 10_000 + 10..(batch + 1) * 10_000 + 10;
        store(&eye, &numbers.map(|number| event(number, "long", 20)).collect::<Vec<_>>()).await;
    }
    for (session, newer, older) in
        [("old", Some("/sessions/long"), None), ("long", Some("/sessions/new"), Some("/sessions/old"))]
    {
        let page = eye.get(&format!("/sessions/{session}?page_size=1")).await.expect(200).json();
        for (name, expected) in [("newer_session", newer), ("older_session", older)] {
            let found = page[name].is_string().then(|| path_of(&page[name]));
            assert_eq!(found.as_deref(), expected, "{name} of {session}");
        }
    }
}

#[tokio::test]
async fn any_session_is_found_by_its_link() {
    let eye = TestEye::start().await;
    let odd = ["a/b", "é 1", "x.json", "x.html", "?a=b#c", "%2F", "a\u{202e}b", "...", "\\", "a;b", "\"'<>&"];
    let events: Vec<_> = odd.iter().zip(1..).map(|(session, number)| event(number, session, 1)).collect();
    store(&eye, &events).await;
    let page = eye.request(Method::GET, "/sessions?page_size=50", &[("accept", "text/html")], Vec::new()).await.text;
    let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let links: BTreeSet<_> = links.into_iter().filter(|link| link.starts_with("/sessions/")).collect();
    assert_eq!(links.len(), odd.len(), "{links:?}");
    let mut found = Vec::new();
    for link in links {
        let session = eye.request(Method::GET, link, &[("accept", "application/json")], Vec::new()).await.expect(200);
        found.push(session.json()["session_id"].as_str().unwrap().to_owned());
    }
    found.sort();
    let mut expected = odd.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_session_is_shown_as_a_time_line() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1, "a", 1), event(2, "a", 2), event(3, "a", 45)]).await;
    let page = eye.request(Method::GET, "/sessions/a", &[("accept", "text/html")], Vec::new()).await.expect(200).text;
    let steps: Vec<_> = page.split("<li class=\"gap").skip(1).map(|rest| rest.split('>').nth(1).unwrap()).collect();
    assert_eq!(steps, ["1 min</li", "43 min without an event</li"]);
}
