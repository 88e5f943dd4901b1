//! `OPTIONS`: what a resource is and takes, in the shape of DRF's metadata.

use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Allow;
use super::answer::Answer;

/// The content types that `POST /events` reads.
const PARSES: [&str; 5] = [
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

/// What `/events` is.
pub(super) async fn events() -> Response {
    let mut metadata = metadata("Events", "Events, newest first. Send one, or many, with POST.");
    metadata["parses"] = json!(PARSES);
    metadata["actions"] = json!({ "POST": fields() });
    answer(&metadata, Allow::EVENTS)
}

/// What `/events/ID` is.
pub(super) async fn event() -> Response {
    answer(&metadata("Event", "One event."), Allow::READ_OPTIONS)
}

/// What `/rejected` is.
pub(super) async fn rejected() -> Response {
    answer(&metadata("Rejected", "Events that were not stored, and why; newest first."), Allow::READ_OPTIONS)
}

fn metadata(name: &str, description: &str) -> Value {
    json!({ "name": name, "description": description, "renders": ["application/json", "text/html"], "parses": [] })
}

fn fields() -> Value {
    let field = |kind: &str, required: bool, label: &str| json!({ "type": kind, "required": required, "read_only": false, "label": label });
    let text = |label: &str, most: u32| {
        let mut field = field("string", true, label);
        field["max_length"] = most.into();
        field
    };
    json!({
        "id": field("string", false, "ID"),
        "session_id": text("Session id", 255),
        "category": text("Category", 100),
        "name": text("Name", 100),
        "data": field("nested object", true, "Data"),
        "timestamp": field("datetime", true, "Timestamp"),
    })
}

fn answer(metadata: &Value, allow: &'static str) -> Response {
    ([(ALLOW, allow)], Answer::new(StatusCode::OK, metadata.to_string())).into_response()
}
