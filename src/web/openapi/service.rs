//! What operators and tools look at: the root, `/healthz`, `/readyz`, `/metrics`, and this document.

use serde_json::{Map, Value, json};

use super::super::overview::LINKS;
use super::answers::{responses, shown};
use super::{Paths, schema};

pub(super) fn paths() -> Paths {
    let ready = |status: &str| json!({ "status": status, "queue": "ok", "store": status });
    let links = LINKS.map(|(name, path)| (name.to_owned(), format!("http://127.0.0.1:8000{path}").into()));
    let links = Value::Object(links.into_iter().collect::<Map<_, _>>());
    let alive = json!({ "status": "ok" });
    let is_alive = super::schemas::exact(&json!({ "status": { "const": "ok" } }), &[]);
    let document = json!({ "type": "object", "required": ["openapi", "info", "paths"] });
    let example = json!({ "openapi": "3.1.0", "info": { "title": "The Eye", "version": "0.1.0" }, "paths": {} });
    let metrics = json!({
        "description": "OpenMetrics text.",
        "content": { "application/openmetrics-text": { "schema": { "type": "string" }, "example": "eye_queue_depth 0\n" } },
    });
    let paths = [
        ("/", get("Where everything is", [("200", shown("Links by name.", &schema("Links"), &links))])),
        ("/healthz", get("Whether the process lives", [("200", shown("It does.", &is_alive, &alive))])),
        (
            "/readyz",
            get(
                "Whether an event could be taken in right now",
                [
                    ("200", shown("It could.", &schema("Readiness"), &ready("ok"))),
                    ("503", shown("It could not.", &schema("Readiness"), &ready("unavailable"))),
                ],
            ),
        ),
        ("/metrics", get("Counters, for Prometheus", [("200", metrics)])),
        ("/openapi.json", get("This description", [("200", shown("OpenAPI 3.1.", &document, &example))])),
        ("/docs", get("This description, for people", [("200", shown("The page.", &document, &example))])),
    ];
    paths.map(|(path, item)| (path.to_owned(), item)).into()
}

fn get<const N: usize>(summary: &str, own: [(&'static str, Value); N]) -> Value {
    json!({ "get": { "tags": ["Service"], "summary": summary, "responses": responses(own, &["405", "500"]) } })
}
