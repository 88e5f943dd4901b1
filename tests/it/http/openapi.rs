//! The description of the API, as clients and people get it.

use reqwest::Method;
use serde_json::json;

use super::{id, store};
use crate::support::{TestEye, page_view_with};

const HTML: [(&str, &str); 1] = [("accept", "text/html")];

#[tokio::test]
async fn the_document_says_where_it_is_and_what_the_settings_are() {
    let eye = TestEye::with(|config| {
        config.page_size = 7;
        config.max_event = 1234;
        config.public_url = Some("https://example.com/eye".parse().unwrap());
    })
    .await;
    let answer = eye.request(Method::GET, "/openapi.json", &HTML, Vec::new()).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json", "its suffix says so, also to a browser");
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{ "url": "https://example.com/eye" }]));
    let parameters = document["paths"]["/events"]["get"]["parameters"].as_array().unwrap();
    let page_size = parameters.iter().find(|parameter| parameter["name"] == "page_size").unwrap();
    assert_eq!(page_size["schema"]["default"], 7);
    assert!(document["paths"]["/events"]["post"]["description"].as_str().unwrap().contains("1234 bytes"));
    assert_eq!(eye.get("/openapi.json?x=1").await.expect(400).json()["x"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn answers_fit_their_schemas() {
    let eye = TestEye::start().await;
    store(&eye, &[page_view_with(&json!({ "id": id(1) })), page_view_with(&json!({ "id": id(2) }))]).await;
    eye.post("{\"a\":1}").await.expect(400);
    eye.post("nonsense").await.expect(400);
    eye.drain().await;
    let document = eye.get("/openapi.json").await.expect(200).json();
    let rejected = eye.get("/rejected").await.expect(200).json()["results"][0]["id"].as_str().unwrap().to_owned();
    let new = page_view_with(&json!({ "id": id(3) })).to_string();
    let batch = format!("[{new},{{}}]");
    for (method, path, route, body, status) in [
        ("get", "/", "/", "", 200),
        ("get", "/events", "/events", "", 200),
        ("get", "/events?page_size=1", "/events", "", 200),
        ("get", "/events?page=9", "/events", "", 404),
        ("get", "/events?order=up&x=1", "/events", "", 400),
        ("get", &format!("/events/{}", id(1)), "/events/{id}", "", 200),
        ("get", "/events/x", "/events/{id}", "", 404),
        ("get", "/rejected", "/rejected", "", 200),
        ("get", &format!("/rejected/{rejected}"), "/rejected/{id}", "", 200),
        ("get", "/stats", "/stats", "", 200),
        ("get", "/stats?group_by=host&last=90d", "/stats", "", 200),
        ("get", "/stats?interval=year", "/stats", "", 400),
        ("get", "/sessions", "/sessions", "", 200),
        ("get", "/sessions?page_size=1&order=asc", "/sessions", "", 200),
        ("get", "/sessions/a-session", "/sessions/{session_id}", "", 200),
        ("get", "/sessions/nobody", "/sessions/{session_id}", "", 404),
        ("get", "/live?only=x", "/live", "", 400),
        ("post", "/rejected/replay", "/rejected/replay", "{}", 200),
        ("post", "/rejected/replay", "/rejected/replay", "{\"id\":7}", 400),
        ("get", "/healthz", "/healthz", "", 200),
        ("get", "/readyz", "/readyz", "", 200),
        ("get", "/openapi.json", "/openapi.json", "", 200),
        ("options", "/events", "/events", "", 200),
        ("options", "/rejected", "/rejected", "", 200),
        ("post", "/events", "/events", &new, 201),
        ("post", "/events", "/events", &batch, 207),
        ("post", "/events", "/events", "[{},5]", 400),
        ("post", "/events", "/events", "{\"data\":{\"a\":{}}}", 400),
        ("post", "/events", "/events", "{", 400),
    ] {
        let headers = [("content-type", "application/json")];
        let method_name = method.to_uppercase().parse().unwrap();
        let answer = eye.request(method_name, path, &headers, body.as_bytes().to_vec()).await.expect(status);
        let mut described = &document["paths"][route][method]["responses"][status.to_string()];
        if let Some(target) = described["$ref"].as_str() {
            described = document.pointer(target.trim_start_matches('#')).unwrap();
        }
        let schema = &described["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status}");
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        let errors: Vec<_> = jsonschema::validator_for(&whole)
            .unwrap()
            .iter_errors(&answer.json())
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{method} {path}: {errors:?} in {}", answer.text);
        for name in described["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            let may_be_absent = ["Link", "Location", "Preference-Applied"].contains(&name.as_str());
            assert!(may_be_absent || answer.headers.contains_key(name), "{name} of {method} {path}");
        }
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_needs_no_script() {
    let eye = TestEye::with(|config| config.public_url = Some("https://eye.example.com".parse().unwrap())).await;
    let document = eye.get("/openapi.json").await.expect(200).json();
    let text = eye.request(Method::GET, "/docs", &HTML, Vec::new()).await.expect(200).text;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let anchor = format!("{method}{}", path.replace(['/', '{', '}'], "-").trim_end_matches('-'));
            assert!(text.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
            assert_eq!(text.matches(&format!("id=\"{anchor}\"")).count(), 1, "{anchor}");
        }
    }
    assert!(!text.contains("<script") && !text.contains(" style=\""), "{text}");
    assert!(text.contains("curl &#39;https://eye.example.com/events&#39;"), "{text}");
    assert_eq!(eye.get("/docs").await.expect(200).json(), document, "whoever wants JSON gets it");
}

#[tokio::test]
async fn its_requests_can_be_pasted() {
    let eye = TestEye::start().await;
    let text = eye.request(Method::GET, "/docs", &HTML, Vec::new()).await.expect(200).text;
    let post = text.split_once("id=\"post-events\"").unwrap().1.split_once("<h4>Answers</h4>").unwrap().0;
    let lines: Vec<_> = post.split("<code>curl ").skip(1).map(|rest| rest.split("</code>").next().unwrap()).collect();
    assert_eq!(lines.len(), 6, "one for each type of content, and a batch");
    for line in lines {
        let line = line.replace("&#39;", "'").replace("&#34;", "\"").replace("&#38;", "&").replace("&#60;", "<");
        let pasted = format!("curl -sS -o /dev/null -w '%{{http_code}}' {line}");
        let output = tokio::process::Command::new("bash").args(["-c", &pasted]).output().await.unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "201", "{pasted}");
    }
}
