//! One event: its answer, its identity, and that it comes back as it was sent.

use reqwest::Method;
use serde_json::{Value, json};
use the_eye::event::TimestampFormat;

use super::{id, ids, store};
use crate::support::{TestEye, page_view, page_view_with};

#[tokio::test]
async fn the_answer_is_the_event_with_its_id_and_its_place() {
    let eye = TestEye::start().await;
    let answer = eye.post(&page_view().to_string()).await.expect(201);
    let event = answer.json();
    let id = event["id"].as_str().unwrap();
    let expected = format!(
        r#"{{"id":"{id}","session_id":"a-session","category":"page_interaction","name":"page_view","data":{{"host":"www.example.com","path":"/"}},"timestamp":"2026-05-01T10:00:00.000000Z"}}"#
    );
    assert_eq!(answer.text, expected);
    assert_eq!(answer.header("location"), format!("/events/{id}"));
    assert_eq!(answer.header("content-type"), "application/json");
    let parsed: uuid::Uuid = id.parse().unwrap();
    assert_eq!(parsed.get_version_num(), 7);
    eye.drain().await;
    let found = eye.get(answer.header("location")).await.expect(200);
    assert_eq!(found.text, answer.text);
    assert_eq!(eye.get(&format!("/events/{id}/")).await.expect(200).text, answer.text);
    let list = eye.get("/events").await.expect(200);
    assert!(list.text.contains(&answer.text), "{}", list.text);
}

#[tokio::test]
async fn a_slash_at_the_end_is_the_same_resource() {
    let eye = TestEye::start().await;
    let json = [("content-type", "application/json")];
    let body = page_view().to_string().into_bytes();
    eye.request(Method::POST, "/events/", &json, body).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events/").await.expect(200).json()["count"], 1);
    assert_eq!(eye.get("/rejected/").await.expect(200).json()["count"], 0);
}

#[tokio::test]
async fn the_same_id_and_timestamp_are_stored_once_and_the_first_one_stands() {
    let eye = TestEye::start().await;
    let first = page_view_with(&json!({ "id": id(1), "session_id": "first" }));
    // The same instant in another spelling, and the same id in another spelling.
    let again = page_view_with(&json!({
        "id": id(1).to_uppercase(), "session_id": "second", "timestamp": "2026-05-01 12:00:00+02:00",
    }));
    eye.post(&first.to_string()).await.expect(201);
    eye.drain().await;
    for event in [&first, &again] {
        let answer = eye.post(&event.to_string()).await.expect(201);
        assert_eq!(answer.json()["id"], id(1));
        assert_eq!(answer.header("location"), format!("/events/{}", id(1)));
    }
    eye.drain().await;
    let list = eye.get("/events").await.expect(200).json();
    assert_eq!(list["count"], 1);
    assert_eq!(list["results"][0]["session_id"], "first");
}

#[tokio::test]
async fn the_first_one_stands_within_a_queue_and_within_a_batch() {
    let eye = TestEye::without_worker(|_| ()).await;
    let named = |number: u128, session: &str| page_view_with(&json!({ "id": id(number), "session_id": session }));
    eye.post(&named(1, "first").to_string()).await.expect(201);
    eye.post(&named(1, "second").to_string()).await.expect(201);
    let batch = Value::from([named(2, "first"), named(2, "second")]).to_string();
    let answer = eye.post(&batch).await.expect(201);
    assert_eq!(answer.text, r#"{"accepted":2,"rejected":0,"results":[]}"#);
    eye.drain().await;
    let list = eye.get("/events?session_id=first").await.expect(200).json();
    assert_eq!(list["count"], 2);
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 2);
}

#[tokio::test]
async fn the_same_id_at_another_time_is_another_event() {
    let eye = TestEye::start().await;
    let at = |timestamp: &str| page_view_with(&json!({ "id": id(1), "timestamp": timestamp }));
    store(&eye, &[at("2026-05-01"), at("2026-05-03"), at("2026-05-02")]).await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 3);
    let newest = eye.get(&format!("/events/{}", id(1))).await.expect(200).json();
    assert_eq!(newest["timestamp"], "2026-05-03T00:00:00.000000Z");
}

#[tokio::test]
async fn equal_content_without_an_id_is_two_events() {
    let eye = TestEye::start().await;
    store(&eye, &[page_view(), page_view()]).await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    let mut found = ids(&eye.get("/events").await.expect(200));
    found.dedup();
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn ids_come_back_lower_case_with_hyphens() {
    let eye = TestEye::start().await;
    let plain = "0190b0e5-0000-4000-8000-00000000abcd";
    for (n, spelling) in [plain.to_owned(), plain.to_uppercase(), plain.replace('-', "")].iter().enumerate() {
        let changes = json!({ "id": spelling, "timestamp": format!("2026-05-0{}", n + 1) });
        let answer = eye.post(&page_view_with(&changes).to_string()).await.expect(201);
        assert_eq!(answer.json()["id"], plain);
    }
    eye.drain().await;
    for path in [plain.to_owned(), plain.to_uppercase()] {
        assert_eq!(eye.get(&format!("/events/{path}")).await.expect(200).json()["id"], plain);
    }
}

#[tokio::test]
async fn spaces_underscores_and_aliases_are_one_type() {
    let eye = TestEye::start().await;
    let data = json!({ "host": "a.example", "path": "/", "element": "buy" });
    for (category, name, expected) in [
        ("page_interaction", "page_view", "page_view"),
        ("page interaction", "page view", "page_view"),
        ("page interaction", "pageview", "page_view"),
        (" page_interaction ", "\tpageview\n", "page_view"),
        ("page interaction", "cta click", "cta_click"),
        ("page_interaction", "cta click", "cta_click"),
    ] {
        let mut event = page_view_with(&json!({ "category": category, "name": name }));
        if expected == "cta_click" {
            event["data"] = data.clone();
        }
        let answer = eye.post(&event.to_string()).await.expect(201).json();
        assert_eq!((&answer["category"], &answer["name"]), (&json!("page_interaction"), &json!(expected)));
    }
    eye.drain().await;
    for (query, count) in [
        ("name=pageview", 4),
        ("name=page_view", 4),
        ("name=page+view", 4),
        ("name=page%20view", 4),
        ("name=cta+click&category=page+interaction", 2),
        ("category=page_interaction", 6),
        ("category=page+interaction", 6),
        ("category=Page_Interaction", 0),
        ("category=form+interaction", 0),
    ] {
        assert_eq!(eye.get(&format!("/events?{query}")).await.expect(200).json()["count"], count, "{query}");
    }
}

#[tokio::test]
async fn texts_are_trimmed_and_numbers_count_as_texts() {
    async fn check(eye: &TestEye, session_id: &str, expected: &str) {
        let event = page_view_with(&json!({ "session_id": "?" })).to_string().replace("\"?\"", session_id);
        let answer = eye.post(&event).await.expect(201);
        assert_eq!(answer.json()["session_id"], expected, "{session_id}");
    }
    let eye = TestEye::start().await;
    check(&eye, "\" \\t a b \\n\"", "a b").await;
    check(&eye, "\"\\u00a0\\u2003a\\u3000\"", "a").await;
    check(&eye, "\"123\"", "123").await;
    check(&eye, "123", "123").await;
    check(&eye, "-5", "-5").await;
    check(&eye, "18446744073709551616", "18446744073709551616").await;
    check(&eye, "1.5", "1.5").await;
    check(&eye, "\"\\u00e9\\ud83d\\ude00\\\"\\\\\"", "é😀\"\\").await;
    check(&eye, &format!("\" {} \"", "é".repeat(255)), &"é".repeat(255)).await;
    check(&eye, &format!("\"{}\"", "a".repeat(255)), &"a".repeat(255)).await;
}

#[tokio::test]
async fn data_comes_back_to_the_letter() {
    let eye = TestEye::start().await;
    for (n, data) in [
        r#"{"path":"/","host":"a.example","form":null}"#,
        r#"{ "path" : "\/a" ,  "host":"a.example","form":{"z":1,"a":2,"m":[ ]}}"#,
        "{\n  \"host\": \"a.example\",\r\n\t\"path\": \"/\",\n  \"form\": { }\n}",
        r#"{"host":"a.example","path":"/","form":[18446744073709551616,-0,1.10,1E+5,1e-400,0.1000,-0.0]}"#,
        r#"{"host":"a.example","path":"/","form":"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\ é😀"}"#,
        r#"{"host":"a.example","path":"/","form":{"\u0061":1,"":2,"é":{"a":{"a":3}}}}"#,
        r#"{"host":"a.example","path":"/\u2028","form":"<script>alert('&')</script>"}"#,
        &format!(r#"{{"host":"a.example","path":"/","form":{}}}"#, "9".repeat(308)),
    ]
    .iter()
    .enumerate()
    {
        let number = u128::try_from(n).unwrap();
        let event = |id: &str| {
            format!(
                r#"{{"id":"{id}","session_id":"a","category":"form_interaction","name":"submit","data":{data},"timestamp":"2026-05-01T10:00:00.000000Z"}}"#
            )
        };
        let single = event(&id(number));
        assert_eq!(eye.post(&single).await.expect(201).text, single);
        let batched = event(&id(number + 100));
        eye.post(&format!("[ {batched} ]")).await.expect(201);
        let line = event(&id(number + 200));
        eye.post_as("application/x-ndjson", line.replace(['\n', '\r'], " ")).await.expect(201);
        eye.drain().await;
        assert_eq!(eye.get(&format!("/events/{}", id(number))).await.expect(200).text, single);
        assert_eq!(eye.get(&format!("/events/{}", id(number + 100))).await.expect(200).text, batched);
        let line = line.replace(['\n', '\r'], " ");
        assert_eq!(eye.get(&format!("/events/{}", id(number + 200))).await.expect(200).text, line);
        let list = eye.get("/events?page_size=1000").await.expect(200);
        assert!(list.text.contains(&single) && list.text.contains(&batched), "{data}");
    }
}

#[tokio::test]
async fn timestamps_are_read_as_django_does_and_printed_in_utc() {
    for (format, zone) in [(TimestampFormat::Rfc3339, ("T", "Z")), (TimestampFormat::Space, (" ", ""))] {
        let eye = TestEye::with(|config| config.timestamp_format = format).await;
        let mut event = Value::Null;
        for (text, date, time) in [
            ("2021-01-01T09:15:27.243860Z", "2021-01-01", "09:15:27.243860"),
            ("2021-01-01 09:15:27.24386", "2021-01-01", "09:15:27.243860"),
            ("2021-01-01T09:15:27,2438609999", "2021-01-01", "09:15:27.243860"),
            ("2021-1-1 9:5", "2021-01-01", "09:05:00.000000"),
            ("2021-1-1 9:5:7Z", "2021-01-01", "09:05:07.000000"),
            ("2021-01-01T00:30:00+01:00", "2020-12-31", "23:30:00.000000"),
            ("2021-01-01T23:30:00-0130", "2021-01-02", "01:00:00.000000"),
            ("2021-01-01T12:00+05", "2021-01-01", "07:00:00.000000"),
            ("2021-01-01", "2021-01-01", "00:00:00.000000"),
            ("2020-2-29", "2020-02-29", "00:00:00.000000"),
            ("0001-01-01", "0001-01-01", "00:00:00.000000"),
        ] {
            event = eye.post(&page_view_with(&json!({ "timestamp": text })).to_string()).await.expect(201).json();
            assert_eq!(event["timestamp"], format!("{date}{}{time}{}", zone.0, zone.1), "{text}");
        }
        eye.drain().await;
        let found = eye.get(&format!("/events/{}", event["id"].as_str().unwrap())).await.expect(200).json();
        assert_eq!(found, event);
        let list = eye.get("/events?order=asc&page_size=1").await.expect(200).json();
        assert_eq!(list["results"][0], event);
        eye.post("{}").await.expect(400);
        eye.drain().await;
        let rejected = eye.get("/rejected").await.expect(200).json();
        let now = format!("2026-06-01{}12:00:00.000000{}", zone.0, zone.1);
        assert_eq!(rejected["results"][0]["received_at"], now);
    }
}

#[tokio::test]
async fn hosts_are_names_or_addresses_with_all_their_trimmings() {
    let eye = TestEye::start().await;
    for host in [
        "example.com",
        "localhost:8000",
        "127.0.0.1",
        "[::1]:80",
        "http://example.com",
        "https://www.example.com:443/",
        "müller.example",
        "my_app",
    ] {
        let data = json!({ "host": host, "path": "x".repeat(2048) });
        let answer = eye.post(&page_view_with(&json!({ "data": data })).to_string()).await.expect(201).json();
        assert_eq!(answer["data"]["host"], host);
    }
    for form in ["null", "true", "1", "\"x\"", "[]", "{}"] {
        let event = page_view_with(&json!({ "category": "form interaction", "name": "submit" })).to_string();
        let event = event.replace("\"path\":\"/\"", &format!("\"path\":\"/\",\"form\":{form}"));
        eye.post(&event).await.expect(201);
    }
}

#[tokio::test]
async fn an_event_of_just_the_limit_is_taken() {
    let eye = TestEye::with(|config| config.max_event = 1000).await;
    let event =
        |path: usize| page_view_with(&json!({ "data": { "host": "a.example", "path": "x".repeat(path) } })).to_string();
    let room = 1000 - event(0).len();
    eye.post(&event(room)).await.expect(201);
    // White space around the event is not the event.
    eye.post(&format!("\n{} \n", event(room))).await.expect(201);
    eye.post(&format!("[{0},{0}]", event(room))).await.expect(201);
    eye.post(&event(room + 1)).await.expect(413);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 4);
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_taken() {
    let eye = TestEye::with(|config| config.max_body = 100_000).await;
    let event = page_view().to_string();
    let body = format!("{event}{}", " ".repeat(100_000 - event.len()));
    eye.post(&body).await.expect(201);
    eye.post(&format!("{body} ")).await.expect(413);
}

#[tokio::test]
async fn text_plain_holds_json() {
    let eye = TestEye::start().await;
    for content_type in ["text/plain", "text/plain;charset=UTF-8", "Text/Plain; charset=utf-8"] {
        eye.post_as(content_type, page_view().to_string()).await.expect(201);
        eye.post_as(content_type, Value::from([page_view(), page_view()]).to_string()).await.expect(201);
    }
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        eye.post_as(content_type, page_view().to_string()).await.expect(201);
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 11);
}
