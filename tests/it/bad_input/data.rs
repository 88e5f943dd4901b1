//! `data` that does not fit its type.

use serde_json::{Value, json};

use super::*;
use crate::support::TestEye;

#[tokio::test]
async fn data_is_held_against_its_type() {
    let mut rows = Vec::new();
    let required = |names: &[&str]| {
        let each: Vec<_> = names.iter().map(|name| format!("\"{name}\":[\"{REQUIRED}\"]")).collect();
        format!("{{\"data\":{{{}}}}}", each.join(","))
    };
    for (category, name, fields, valid) in [
        ("page_interaction", "page_view", &["host", "path"][..], json!({ "host": "a.example", "path": "/" })),
        ("page interaction", "pageview", &["host", "path"], json!({ "host": "a.example", "path": "/" })),
        (
            "page_interaction",
            "cta_click",
            &["host", "path", "element"],
            json!({ "host": "a.example", "path": "/", "element": "buy" }),
        ),
        (
            "form_interaction",
            "submit",
            &["host", "path", "form"],
            json!({ "host": "a.example", "path": "/", "form": null }),
        ),
    ] {
        let event = |data: &Value| with(&json!({ "category": category, "name": name, "data": data }));
        let changed = |key: &str, value: Value| {
            let mut data = valid.clone();
            data[key] = value;
            event(&data)
        };
        rows.push((event(&json!({})), 400, required(fields)));
        for missing in fields {
            let mut data = valid.clone();
            data.as_object_mut().unwrap().remove(*missing);
            rows.push((event(&data), 400, in_data(missing, REQUIRED)));
        }
        for (key, most) in [("host", 255), ("path", 2048), ("element", 255)] {
            if !fields.contains(&key) {
                rows.push((changed(key, json!("x")), 400, in_data(key, UNKNOWN)));
                continue;
            }
            rows.push((changed(key, json!("")), 400, in_data(key, BLANK)));
            rows.push((changed(key, Value::Null), 400, in_data(key, NULL)));
            for other in [json!(5), json!(true), json!(["/"]), json!({})] {
                rows.push((changed(key, other), 400, in_data(key, NOT_A_STRING)));
            }
            // The longest host there is: a scheme and a name of one-letter labels.
            let long = match key {
                "host" => format!("https://{}aa", "a.".repeat(123)),
                _ => "é".repeat(most + 1),
            };
            let message = format!("Ensure this field has no more than {most} characters.");
            rows.push((changed(key, json!(long)), 400, in_data(key, &message)));
        }
        for host in
            [" ", "example com", "example.com/path", "ftp://example.com", "-.example", "a.example:65536", "<script>"]
        {
            rows.push((changed("host", json!(host)), 400, in_data("host", BAD_HOST)));
        }
        rows.push((changed("extra", json!(1)), 400, in_data("extra", UNKNOWN)));
        rows.push((changed("Host", json!("a.example")), 400, in_data("Host", UNKNOWN)));
    }
    rows.push((
        sent(r#"{"session_id":"a","category":"page_interaction","name":"page_view","data":{"path":5,"extra":1}}"#),
        400,
        format!(
            r#"{{"data":{{"extra":["{UNKNOWN}"],"path":["{NOT_A_STRING}"],"host":["{REQUIRED}"]}},"timestamp":["{REQUIRED}"]}}"#
        ),
    ));
    check_refused_in_any_order(&rows).await;
}

/// Which of two errors in `data` comes first is nobody's business: these are compared as values.
async fn check_refused_in_any_order(rows: &[Row]) {
    let eye = TestEye::start().await;
    let (last, rest) = rows.split_last().unwrap();
    check_all(&eye, rest).await;
    let answer = eye.post(std::str::from_utf8(&last.0.body).unwrap()).await.expect(400);
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&last.2).unwrap());
    check_unharmed(&eye).await;
}
