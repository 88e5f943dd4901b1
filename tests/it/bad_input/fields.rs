//! Fields that are missing, of the wrong type, empty or too long, and types that nobody knows.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn fields_are_refused_in_drfs_words() {
    let all = ["session_id", "category", "name", "data", "timestamp"];
    let each: Vec<_> = all.iter().map(|name| format!("\"{name}\":[\"{REQUIRED}\"]")).collect();
    let mut rows = vec![(sent("{}"), 400, format!("{{{}}}", each.join(",")))];
    for name in all {
        rows.push((without(name), 400, field(name, REQUIRED)));
        rows.push((with(&json!({ name: null })), 400, field(name, NULL)));
    }
    for (name, most) in [("session_id", 255), ("category", 100), ("name", 100)] {
        for blank in ["", " ", " \t\r\n ", "\u{a0}\u{2003}"] {
            rows.push((with(&json!({ name: blank })), 400, field(name, BLANK)));
        }
        for other in [json!(true), json!(false), json!(["a"]), json!({ "a": 1 })] {
            rows.push((with(&json!({ name: other })), 400, field(name, NOT_A_STRING)));
        }
        let too_long = format!("Ensure this field has no more than {most} characters.");
        for character in ["a", "é", "😀"] {
            rows.push((with(&json!({ name: character.repeat(most + 1) })), 400, field(name, &too_long)));
        }
        let digits = format!("{{\"{name}\":{}", "1".repeat(most + 1));
        let mut event = page_view();
        event.as_object_mut().unwrap().remove(name);
        rows.push((sent(event.to_string().replacen('{', &format!("{digits},"), 1)), 400, field(name, &too_long)));
    }
    rows.push((with(&json!({ "data": true })), 400, not_a_dict("bool")));
    rows.push((with(&json!({ "data": [] })), 400, not_a_dict("list")));
    rows.push((with(&json!({ "data": 5 })), 400, not_a_dict("int")));
    rows.push((with(&json!({ "data": 1.5 })), 400, not_a_dict("float")));
    rows.push((with(&json!({ "data": "" })), 400, not_a_dict("str")));
    rows.push((with(&json!({ "data": "{}" })), 400, not_a_dict("str")));
    rows.push((with(&json!({ "id": null })), 400, field("id", NULL)));
    for id in [json!(""), json!(" "), json!("abc"), json!(5), json!(true), json!([]), json!({})] {
        rows.push((with(&json!({ "id": id })), 400, field("id", NOT_A_UUID)));
    }
    for id in [
        "0190b0e5-0000-7000-8000-00000000000",
        "0190b0e5-0000-7000-8000-0000000000000",
        "g190b0e5-0000-7000-8000-000000000000",
    ] {
        rows.push((with(&json!({ "id": id })), 400, field("id", NOT_A_UUID)));
    }
    rows.push((with(&json!({ "user": 1 })), 400, field("user", UNKNOWN)));
    rows.push((with(&json!({ "Timestamp": "2026-05-01" })), 400, field("Timestamp", UNKNOWN)));
    rows.push((with(&json!({ "": 1 })), 400, field("", UNKNOWN)));
    rows.push((with(&json!({ "received_at": "2026-05-01" })), 400, field("received_at", UNKNOWN)));
    rows.push((
        sent(r#"{"b":1,"a":2,"id":"x","name":null,"category":true,"session_id":"","data":[],"timestamp":1}"#),
        400,
        format!(
            r#"{{"session_id":["{BLANK}"],"category":["{NOT_A_STRING}"],"name":["{NULL}"],"data":["Expected a dictionary of items but got type \"list\"."],"timestamp":["{BAD_DATETIME}"],"id":["{NOT_A_UUID}"],"b":["{UNKNOWN}"],"a":["{UNKNOWN}"]}}"#
        ),
    ));
    check_refused(&rows).await;
}

#[tokio::test]
async fn unknown_types_are_refused() {
    let unknown = |category: &str, name: &str| whole(&format!("unknown event type: {category} - {name}"));
    let pair = |category: Value, name: Value| with(&json!({ "category": category, "name": name }));
    let rows = [
        (pair(json!("page_interaction"), json!("submit")), 400, unknown("page_interaction", "submit")),
        (pair(json!("form interaction"), json!("page view")), 400, unknown("form_interaction", "page_view")),
        (pair(json!("Page_Interaction"), json!("page_view")), 400, unknown("Page_Interaction", "page_view")),
        (pair(json!("page_interaction"), json!("PageView")), 400, unknown("page_interaction", "PageView")),
        (pair(json!("a"), json!("b")), 400, unknown("a", "b")),
        (pair(json!(1), json!("page_view")), 400, unknown("1", "page_view")),
        (pair(json!("page_interaction"), json!(1.5)), 400, unknown("page_interaction", "1.5")),
        (pair(json!("<script>"), json!("\"")), 400, unknown("<script>", "\"")),
        (
            with(&json!({ "name": "nothing", "session_id": "", "data": [] })),
            400,
            format!(
                r#"{{"session_id":["{BLANK}"],"data":["Expected a dictionary of items but got type \"list\"."],"non_field_errors":["unknown event type: page_interaction - nothing"]}}"#
            ),
        ),
        // What data must be is not known here, but it has to be an object all the same.
        (with(&json!({ "name": "nothing", "data": { "any": 1 } })), 400, unknown("page_interaction", "nothing")),
    ];
    check_refused(&rows).await;
}
