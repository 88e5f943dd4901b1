//! `OPTIONS`: what a resource is and takes, in the shape of DRF's metadata.

use axum::extract::State;
use axum::http::header::ALLOW;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::answer::Answer;
use super::gate;
use super::routes::Allow;

/// The content types that `POST /events` reads.
pub(super) const PARSES: [&str; 5] = [
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

/// What is said of one resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metadata {
    name: &'static str,
    description: &'static str,
    /// Its methods, as `Allow` lists them.
    pub(super) allow: &'static str,
    takes_events: bool,
}

pub(super) const EVENTS: Metadata = Metadata {
    name: "Events",
    description: "Events, newest first. Send one, or many, with POST.",
    allow: Allow::EVENTS,
    takes_events: true,
};

pub(super) const EVENT: Metadata =
    Metadata { name: "Event", description: "One event.", allow: Allow::READ_OPTIONS, takes_events: false };

pub(super) const REJECTED: Metadata = Metadata {
    name: "Rejected",
    description: "Events that were not stored, and why; newest first.",
    allow: Allow::READ_OPTIONS,
    takes_events: false,
};

/// What `/events` is; or whether a page of another site may send events there.
pub(super) async fn events(State(app): State<App>, headers: HeaderMap) -> Response {
    gate::preflight(&app, &headers).unwrap_or_else(|| EVENTS.answer())
}

/// What `/events/ID` is.
pub(super) async fn event() -> Response {
    EVENT.answer()
}

/// What `/rejected` is.
pub(super) async fn rejected() -> Response {
    REJECTED.answer()
}

impl Metadata {
    /// The body of the answer.
    pub(super) fn json(&self) -> Value {
        let Self { name, description, takes_events, .. } = self;
        let renders = ["application/json", "text/html"];
        let mut json = json!({ "name": name, "description": description, "renders": renders, "parses": [] });
        if *takes_events {
            json["parses"] = json!(PARSES);
            json["actions"] = json!({ "POST": fields() });
        }
        json
    }

    fn answer(&self) -> Response {
        ([(ALLOW, self.allow)], Answer::new(StatusCode::OK, self.json().to_string())).into_response()
    }
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
