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
    let mut paths = paths.map(|(path, item)| (path.to_owned(), item)).to_vec();
    for path in ["/healthz", "/readyz"] {
        let item = paths.iter_mut().find(|(name, _)| name == path);
        item.expect("it is one of them").1["get"]["security"] = json!([]);
    }
    paths.extend(signing_in());
    paths
}

/// What people do who read with a browser.
fn signing_in() -> Paths {
    let form = json!({ "detail": "Send the form with a read key." });
    let fields = json!({
        "type": "object", "required": ["key"],
        "properties": { "key": { "type": "string" }, "next": { "type": "string", "description": "The path to go on to." } },
    });
    let body = json!({ "content": { "application/x-www-form-urlencoded": { "schema": fields } } });
    let post = |summary: &str, own: Value, shared: &[&str]| json!({ "tags": ["Service"], "security": [], "summary": summary, "responses": responses([("303", own)], shared) });
    let on = json!({ "description": "On to where one wanted to go; the cookie lets a browser read.", "headers": {} });
    let mut sign_in =
        get("The form to sign in with a read key", [("200", shown("The form.", &schema("Detail"), &form))]);
    sign_in["get"]["security"] = json!([]);
    sign_in["post"] = post("Sign in", on, &["401", "403", "405", "408", "413", "500", "503"]);
    sign_in["post"]["requestBody"] = body;
    let off = json!({ "description": "To the form; the cookie is gone." });
    let sign_out = json!({ "post": post("Sign out", off, &["403", "405", "500"]) });
    vec![("/sign-in".to_owned(), sign_in), ("/sign-out".to_owned(), sign_out)]
}

fn get<const N: usize>(summary: &str, own: [(&'static str, Value); N]) -> Value {
    json!({ "get": { "tags": ["Service"], "summary": summary, "responses": responses(own, &["405", "500"]) } })
}
