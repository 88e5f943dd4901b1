//! Forms: the fields are texts, and `data` is JSON text.

use serde_json::json;

use super::id;
use crate::support::TestEye;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_form_is_an_event() {
    let eye = TestEye::start().await;
    let form = format!(
        "session_id=a+b%C3%A9&category=page+interaction&name=pageview&timestamp=2026-05-01+10%3A00&id={}\
         &data=%7B%22path%22%3A+%22%2F%22%2C%22host%22%3A%22a.example%22%7D",
        id(1)
    );
    let answer = eye.post_as(FORM, form).await.expect(201);
    let expected = format!(
        r#"{{"id":"{}","session_id":"a bé","category":"page_interaction","name":"page_view","data":{{"path": "/","host":"a.example"}},"timestamp":"2026-05-01T10:00:00.000000Z"}}"#,
        id(1)
    );
    assert_eq!(answer.text, expected);
    assert_eq!(answer.header("location"), format!("/events/{}", id(1)));
    eye.drain().await;
    assert_eq!(eye.get(answer.header("location")).await.expect(200).text, expected);
}

#[tokio::test]
async fn an_id_that_was_left_empty_is_none() {
    let eye = TestEye::start().await;
    let form = "session_id=1&category=page_interaction&name=page_view&timestamp=2026-05-01&id=\
                &data={\"host\":\"a.example\",\"path\":\"/\"}";
    let event = eye.post_as(FORM, form).await.expect(201).json();
    assert_eq!(event["session_id"], "1");
    assert!(event["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
}

#[tokio::test]
async fn a_multipart_form_is_an_event() {
    let eye = TestEye::start().await;
    let data = "{ \"path\": \"/\",\r\n \"host\": \"a.example\" }";
    let fields = [
        ("session_id", "é & =%41+"),
        ("category", "page interaction"),
        ("name", "pageview"),
        ("timestamp", "2026-05-01"),
        ("data", data),
    ];
    for boundary in ["x", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "\"with space\""] {
        let line = format!("--{}", boundary.trim_matches('"'));
        let parts = fields.map(|(name, value)| {
            format!("{line}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let body = format!("{}{line}--\r\n", parts.concat());
        let answer = eye.post_as(&format!("multipart/form-data; boundary={boundary}"), body).await.expect(201);
        assert!(answer.text.contains(&format!("\"data\":{data},")), "{}", answer.text);
        assert_eq!(answer.json()["session_id"], json!("é & =%41+"));
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 3);
}

#[tokio::test]
async fn the_depth_of_data_is_that_of_an_event() {
    let eye = TestEye::start().await;
    let form = |levels: usize| {
        format!(
            "session_id=1&category=form_interaction&name=submit&timestamp=2026-05-01\
             &data={{\"host\":\"a.example\",\"path\":\"/\",\"form\":{}{}}}",
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    eye.post_as(FORM, form(62)).await.expect(201);
    let answer = eye.post_as(FORM, form(63)).await.expect(400);
    assert_eq!(answer.text, r#"{"data":["Value must be valid JSON."]}"#);
}
