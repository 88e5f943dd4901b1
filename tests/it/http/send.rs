//! The forms on the page of events: what they send, what they keep, and who may send them.

use reqwest::Method;
use serde_json::{Value, json};

use super::id;
use crate::support::{Answer, TestEye, page_view_with};

const FORM: &str = "application/x-www-form-urlencoded";

fn encoded(pairs: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://a/", pairs).unwrap();
    url.query().unwrap_or_default().to_owned()
}

/// Sends a form as a browser does from a page of that origin.
async fn send(eye: &TestEye, origin: &str, pairs: &[(&str, &str)]) -> Answer {
    let headers = [("accept", "text/html"), ("content-type", FORM), ("origin", origin)];
    eye.request(Method::POST, "/events", &headers, encoded(pairs).into_bytes()).await
}

const EVENT: [(&str, &str); 6] = [
    ("category", "page_interaction"),
    ("name", "page_view"),
    ("session_id", "a"),
    ("timestamp", "2026-05-01"),
    ("id", ""),
    ("data", r#"{"host":"a.example","path":"/"}"#),
];

#[tokio::test]
async fn a_form_sends_an_event_and_shows_its_answer() {
    let eye = TestEye::start().await;
    let taken = send(&eye, &eye.base, &EVENT).await.expect(201);
    assert!(taken.header("content-type").starts_with("text/html"));
    let location = taken.header("location");
    assert!(location.starts_with("/events/"));
    assert!(taken.text.contains("HTTP 201 Created") && taken.text.contains(&format!("<a href=\"{location}\">")));
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_with_its_errors_beside_it() {
    let eye = TestEye::start().await;
    let mut pairs = EVENT;
    pairs[2].1 = "";
    pairs[3].1 = "<soon>";
    pairs[5].1 = "{\"path\":\n \"</textarea><script>\"}";
    let text = send(&eye, &eye.base, &pairs).await.expect(400).text;
    // Built-in types are listed by category and name, and this is the third.
    for (name, message) in [
        ("session_id", "This field may not be blank."),
        ("timestamp", "Datetime has wrong format."),
        ("data", "host: This field is required."),
    ] {
        let wrong = format!("type-2-{name}-wrong");
        assert!(text.contains(&format!("aria-invalid=\"true\" aria-describedby=\"{wrong}\"")), "{name}\n{text}");
        let (_, list) = text.split_once(&format!("id=\"{wrong}\"")).unwrap();
        assert!(list.split_once("</ul>").unwrap().0.contains(message), "{name}\n{list}");
    }
    assert!(text.contains("value=\"&#60;soon&#62;\""), "{text}");
    assert!(text.contains("{&#34;path&#34;:\n &#34;&#60;/textarea&#62;&#60;script&#62;&#34;}"), "{text}");
    assert_eq!(text.matches("<details class=\"type\" name=\"type\" open>").count(), 1);
    assert!(!text.contains("<div class=\"error\""), "all of it stands beside its field\n{text}");
    pairs[1].1 = "nothing";
    let text = send(&eye, &eye.base, &pairs).await.expect(400).text;
    let (_, summary) = text.split_once("<div class=\"error\" role=\"alert\" tabindex=\"-1\" autofocus>").unwrap();
    assert!(summary.split_once("</div>").unwrap().0.contains("unknown event type: page_interaction - nothing"));
}

#[tokio::test]
async fn the_raw_form_sends_any_body() {
    let eye = TestEye::start().await;
    let event = |number: u128| page_view_with(&json!({ "id": id(number) })).to_string();
    let lines = format!("{}\r\n\r\n{}\r\n", event(2), event(3));
    for (content_type, body, status) in [
        ("application/json", event(1), 201),
        ("application/x-ndjson", lines, 201),
        ("application/json; charset=utf-8", format!("[{},{{}}]", event(4)), 207),
        ("application/json", "{\"a\": <".to_owned(), 400),
        ("text/html", event(5), 415),
        (FORM, "a=b".to_owned(), 400),
    ] {
        let pairs = [("_content_type", content_type), ("_content", body.as_str())];
        let answer = send(&eye, &eye.base, &pairs).await.expect(status);
        assert!(answer.text.contains(&format!("HTTP {status} ")), "{content_type}");
        assert!(answer.text.contains("id=\"as-raw\" autocomplete=\"off\" checked"), "{content_type}");
        let typed = answer.text.split_once("name=\"_content\"").unwrap().1;
        let typed = typed.split_once(">\n").unwrap().1.split_once("</textarea>").unwrap().0;
        let typed = typed.replace("&#34;", "\"").replace("&#60;", "<");
        assert_eq!(typed, body, "{content_type}");
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 4);
    let rows = eye.get("/rejected?order=asc").await.expect(200).json();
    let bodies: Vec<_> = rows["results"].as_array().unwrap().iter().map(|row| row["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["{}", "{\"a\": <", &event(5), "a=b"], "what was in the form, not the form");
}

#[tokio::test]
async fn only_a_page_of_ours_holds_a_body_in_a_form() {
    let eye = TestEye::start().await;
    let event = page_view_with(&json!({ "id": id(1) })).to_string();
    let form = encoded(&[("_content_type", "application/json"), ("_content", &event)]);
    // Without a browser these are two fields that nobody knows.
    let errors = eye.post_as(FORM, form.clone()).await.expect(400).json();
    assert_eq!(errors["_content"], json!(["Unknown field."]));
    let headers = [("content-type", FORM), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    eye.request(Method::POST, "/events", &headers, form.into_bytes()).await.expect(400);
    let more = [("_content_type", "application/json"), ("_content", event.as_str()), ("session_id", "a")];
    assert_eq!(send(&eye, &eye.base, &more).await.expect(400).text.matches("Unknown field.").count(), 4);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_and_its_trackers_are_not() {
    let eye = TestEye::start().await;
    let event = page_view_with(&json!({})).to_string();
    let browser = "text/html,*/*;q=0.8";
    for (headers, status) in [
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("accept", browser)][..], 403),
        (&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate"), ("accept", browser)], 403),
        (&[("origin", "https://shop.example"), ("accept", browser)], 403),
        (&[("origin", "null"), ("accept", browser)], 403),
        (&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate"), ("accept", browser)], 201),
        (&[("origin", eye.base.as_str()), ("accept", browser)], 201),
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("origin", "https://shop.example")], 201),
        (&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors"), ("origin", "https://shop.example")], 201),
        (&[("origin", "https://shop.example")], 201),
        (&[], 201),
    ] {
        let headers = [headers, &[("content-type", "text/plain")]].concat();
        let answer = eye.request(Method::POST, "/events", &headers, event.clone().into_bytes()).await.expect(status);
        if status == 403 {
            assert!(answer.text.contains("This form was sent by a page of another site."), "{}", answer.text);
        }
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 6);
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 0, "it never came to be judged");
}

#[tokio::test]
async fn the_examples_in_the_forms_are_valid() {
    let eye = TestEye::start().await;
    let text = eye.request(Method::GET, "/events", &[("accept", "text/html")], Vec::new()).await.expect(200).text;
    let unescaped = |text: &str| text.replace("&#34;", "\"").replace("&#10;", "\n");
    let forms: Vec<_> = text.split("<form method=\"post\"").skip(1).collect();
    assert_eq!(forms.len(), 4, "one for each type, and the raw one");
    for form in forms {
        let value = |name: &str| {
            let after = form.split_once(&format!("name=\"{name}\" value=\""))?.1;
            Some(unescaped(after.split_once('"').unwrap().0))
        };
        let long = form.split_once("<textarea").unwrap().1.split_once(">\n").unwrap().1;
        let long: Value = serde_json::from_str(&unescaped(long.split_once("</textarea>").unwrap().0)).unwrap();
        let event = match value("category") {
            Some(category) => json!({
                "session_id": value("session_id"), "category": category, "name": value("name"),
                "timestamp": value("timestamp"), "data": long,
            }),
            None => long,
        };
        eye.post(&event.to_string()).await.expect(201);
    }
}
