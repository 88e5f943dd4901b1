//! The figures of a stretch of time, and the page of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::store;
use crate::support::{TestEye, page_view_with};

fn event(time: &str, session: &str, name: &str, data: &Value) -> Value {
    let category = if name == "submit" { "form_interaction" } else { "page_interaction" };
    page_view_with(
        &json!({ "timestamp": time, "session_id": session, "category": category, "name": name, "data": data }),
    )
}

async fn filled() -> TestEye {
    let eye = TestEye::with(|config| config.public_url = Some("https://eye.example.com".parse().unwrap())).await;
    let on = |host: &str, path: &str| json!({ "host": host, "path": path });
    let mut click = on("b.example", "/");
    click["element"] = json!("buy <b>");
    let mut form = on("a.example", "/form");
    form["form"] = json!({ "host": "not this one" });
    store(
        &eye,
        &[
            event("2026-06-01T09:59:59.999999Z", "s1", "page_view", &on("a.example", "/early")),
            event("2026-06-01T10:00:00Z", "s1", "page_view", &on("a.example", "/")),
            event("2026-06-01T10:59:59.999999Z", "s1", "page_view", &on("a.example", "/two")),
            event("2026-06-01T11:30:00Z", "s2", "cta_click", &click),
            event("2026-06-01T11:30:00Z", "s2", "submit", &form),
        ],
    )
    .await;
    eye.post("{\"session_id\": \"s1\"}").await.expect(400);
    eye.post("not JSON").await.expect(400);
    eye.drain().await;
    eye
}

#[tokio::test]
async fn a_stretch_of_time_adds_up() {
    let eye = filled().await;
    let url = "/stats?start_time=2026-06-01T10:00&end_time=2026-06-01T13:00&interval=hour";
    let mut stats = eye.get(url).await.expect(200).json();
    assert!(stats["store"]["bytes"].take().as_u64().unwrap() > 10_000);
    let value = |value: &str, count: u64| json!({ "value": value, "count": count });
    let (view, click, submit) =
        ("page_interaction - page_view", "page_interaction - cta_click", "form_interaction - submit");
    let interval = |hour: u32, count: u64, groups: Value| json!({ "start_time": format!("2026-06-01T{hour}:00:00.000000Z"), "count": count, "groups": groups });
    let expected = json!({
        "start_time": "2026-06-01T10:00:00.000000Z",
        "end_time": "2026-06-01T13:00:00.000000Z",
        "interval": "hour",
        "group_by": "type",
        "count": 4,
        "sessions": { "count": 2, "approximate": false },
        "groups": { "approximate": false, "values": [value(view, 2), value(submit, 1), value(click, 1)] },
        "intervals": [
            interval(10, 2, json!({ view: 2 })),
            interval(11, 2, json!({ submit: 1, click: 1 })),
            interval(12, 0, json!({})),
        ],
        "top": {
            "approximate": false,
            "hosts": [value("a.example", 3), value("b.example", 1)],
            "paths": [value("/", 2), value("/form", 1), value("/two", 1)],
            "elements": [value("buy <b>", 1)],
        },
        "rejected": [
            { "kind": "refused", "reason": "invalid", "count": 1 },
            { "kind": "refused", "reason": "parse_error", "count": 1 },
        ],
        "queue": { "events": 0, "bytes": 0, "rejected": 0, "oldest": null, "lag_seconds": 0.0 },
        "store": { "bytes": null },
    });
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn groups_are_what_is_asked_for() {
    let eye = filled().await;
    let value = |value: &str, count: u64| json!({ "value": value, "count": count });
    for (by, expected) in [
        ("category", vec![value("page_interaction", 4), value("form_interaction", 1)]),
        ("name", vec![value("page_view", 3), value("cta_click", 1), value("submit", 1)]),
        ("host", vec![value("a.example", 4), value("b.example", 1)]),
        ("path", vec![value("/", 2), value("/early", 1), value("/form", 1), value("/two", 1)]),
        ("element", vec![value("buy <b>", 1)]),
    ] {
        let stats = eye.get(&format!("/stats?group_by={by}&last=12h")).await.expect(200).json();
        assert_eq!(stats["groups"], json!({ "approximate": false, "values": expected }), "{by}");
        assert_eq!(stats["count"], 5);
    }
}

#[tokio::test]
async fn filters_are_those_of_events() {
    let eye = filled().await;
    for (query, count) in [
        ("session_id=s1", 3),
        ("category=page interaction&name=pageview", 3),
        ("name=cta click", 1),
        ("session_id=nobody", 0),
        ("start_time=2026-06-01T10:00&end_time=2026-06-01T11:00", 2),
    ] {
        let stats = eye.get(&format!("/stats?{}", query.replace(' ', "%20"))).await.expect(200).json();
        assert_eq!(stats["count"], count, "{query}");
        let intervals = stats["intervals"].as_array().unwrap();
        assert_eq!(intervals.iter().map(|interval| interval["count"].as_u64().unwrap()).sum::<u64>(), count);
    }
}

#[tokio::test]
async fn parameters_are_read_strictly() {
    let eye = TestEye::start().await;
    for (query, parameter) in [
        ("group_by=moon", "group_by"),
        ("interval=second", "interval"),
        ("interval=minute&last=2d", "interval"),
        ("last=soon", "last"),
        ("last=1h&start_time=2026-01-01", "last"),
        ("page=1", "page"),
        ("start_time=2026-02-02&end_time=2026-01-01", "start_time"),
        ("end_time=x", "end_time"),
    ] {
        let answer = eye.get(&format!("/stats?{query}")).await.expect(400);
        assert!(answer.json()[parameter].is_array(), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_overview_shows_them_and_leads_to_what_is_behind() {
    let eye = filled().await;
    let page = async |path: &str| eye.request(Method::GET, path, &[("accept", "text/html")], Vec::new()).await;
    let overview = page("/?last=12h").await.expect(200).text;
    for part in [
        // The figures, and the lists behind them.
        "<a href=\"/events?start_time=2026-06-01T00%3A00%3A00.000000Z&#38;end_time=",
        "<a href=\"/sessions?start_time=",
        "<a href=\"/rejected?reason=parse_error&#38;start_time=",
        // One bar, its events, and what it says.
        "start_time=2026-06-01T11%3A00%3A00.000000Z&#38;end_time=2026-06-01T11%3A59%3A59.999999Z\" aria-label=\"2026-06-01 11:00 to 2026-06-01 11:59 UTC: 2 events",
        "category=page_interaction&#38;name=cta_click",
        "buy &lt;b&gt;",
        "<a href=\"/stats?last=12h&#38;interval=hour\">",
    ] {
        let part = part.replace("&#38;", "&amp;");
        let found = overview.replace("&#38;", "&amp;");
        assert!(found.contains(&part), "{part}\n{found}");
    }
    assert!(!overview.contains("curl"));
    let long_ago = page("/?start_time=2020-01-01&end_time=2020-01-02").await.expect(200).text;
    assert!(long_ago.contains("The newest event is of <a href=\"/?start_time=2026-06-01"), "{long_ago}");
}

#[tokio::test]
async fn an_overview_of_refusals_alone_shows_them() {
    let eye = TestEye::start().await;
    eye.post("{}").await.expect(400);
    eye.drain().await;
    let overview = eye.request(Method::GET, "/", &[("accept", "text/html")], Vec::new()).await.expect(200).text;
    let refused = overview.split_once("Not stored</span>").unwrap().1.split_once("</li>").unwrap().0;
    assert!(refused.contains(">1</a>"), "{refused}");
}

#[tokio::test]
async fn an_empty_overview_says_how_to_begin() {
    let eye = TestEye::start().await;
    let overview = eye.request(Method::GET, "/", &[("accept", "text/html")], Vec::new()).await.expect(200).text;
    assert!(overview.contains(&format!("curl {}/events -H", eye.base)), "{overview}");
    // What it says can be sent.
    let from = overview.find("-d &#39;").unwrap() + "-d &#39;".len();
    let event = overview[from..].split("&#39;").next().unwrap().replace("&quot;", "\"");
    eye.post(&event).await.expect(201);
}
