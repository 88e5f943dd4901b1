//! Methods: 405 with `Allow`, and what `OPTIONS` says.

use reqwest::Method;

use super::id;
use crate::support::TestEye;

fn allowed(header: &str) -> Vec<&str> {
    let mut methods: Vec<_> = header.split(',').map(str::trim).collect();
    methods.sort_unstable();
    methods
}

#[tokio::test]
async fn other_methods_are_a_405_that_names_those_there_are() {
    let eye = TestEye::start().await;
    let (event, rejected) = (format!("/events/{}", id(1)), format!("/rejected/{}", id(1)));
    let (read, options) = (&["GET", "HEAD"][..], &["GET", "HEAD", "OPTIONS"][..]);
    let events = &["GET", "HEAD", "OPTIONS", "POST"][..];
    for (path, allow) in [
        ("/", read),
        ("/events", events),
        ("/events/", events),
        ("/events.json", events),
        ("/events?page=1", events),
        (event.as_str(), options),
        (&format!("{event}/"), options),
        ("/rejected", options),
        ("/rejected/", options),
        (rejected.as_str(), options),
        ("/healthz", read),
        ("/readyz", read),
        ("/metrics", read),
    ] {
        for method in ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "POST", "OPTIONS"] {
            if allow.contains(&method) {
                continue;
            }
            let answer = eye.request(method.parse().unwrap(), path, &[], Vec::new()).await.expect(405);
            assert_eq!(allowed(answer.header("allow")), allow, "{method} {path}");
            assert_eq!(answer.headers.get_all("allow").iter().count(), 1, "{method} {path}");
            assert_eq!(answer.text, format!(r#"{{"detail":"Method \"{method}\" not allowed."}}"#), "{path}");
        }
    }
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 0);
}

#[tokio::test]
async fn options_says_what_a_resource_takes() {
    let eye = TestEye::start().await;
    let answer = eye.request(Method::OPTIONS, "/events", &[], Vec::new()).await.expect(200);
    assert_eq!(allowed(answer.header("allow")), ["GET", "HEAD", "OPTIONS", "POST"]);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "actions": {
        "POST": {
          "category": {
            "label": "Category",
            "max_length": 100,
            "read_only": false,
            "required": true,
            "type": "string"
          },
          "data": {
            "label": "Data",
            "read_only": false,
            "required": true,
            "type": "nested object"
          },
          "id": {
            "label": "ID",
            "read_only": false,
            "required": false,
            "type": "string"
          },
          "name": {
            "label": "Name",
            "max_length": 100,
            "read_only": false,
            "required": true,
            "type": "string"
          },
          "session_id": {
            "label": "Session id",
            "max_length": 255,
            "read_only": false,
            "required": true,
            "type": "string"
          },
          "timestamp": {
            "label": "Timestamp",
            "read_only": false,
            "required": true,
            "type": "datetime"
          }
        }
      },
      "description": "Events, newest first. Send one, or many, with POST.",
      "name": "Events",
      "parses": [
        "application/json",
        "application/x-ndjson",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data"
      ],
      "renders": [
        "application/json",
        "text/html"
      ]
    }
    "#);
    for path in ["/events/", "/events.json"] {
        assert_eq!(eye.request(Method::OPTIONS, path, &[], Vec::new()).await.expect(200).text, answer.text);
    }
    let rejected = eye.request(Method::OPTIONS, "/rejected", &[], Vec::new()).await.expect(200);
    assert_eq!(allowed(rejected.header("allow")), ["GET", "HEAD", "OPTIONS"]);
    insta::assert_json_snapshot!(rejected.json(), @r#"
    {
      "description": "Events that were not stored, and why; newest first.",
      "name": "Rejected",
      "parses": [],
      "renders": [
        "application/json",
        "text/html"
      ]
    }
    "#);
    let one = eye.request(Method::OPTIONS, &format!("/events/{}", id(1)), &[], Vec::new()).await.expect(200);
    insta::assert_json_snapshot!(one.json(), @r#"
    {
      "description": "One event.",
      "name": "Event",
      "parses": [],
      "renders": [
        "application/json",
        "text/html"
      ]
    }
    "#);
}
