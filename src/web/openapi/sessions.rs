//! `/sessions` and `/sessions/{session_id}`.

use serde_json::{Value, json};

use super::super::list::{SESSION, SESSIONS};
use super::super::sessions;
use super::answers::{responses, shown, with_headers};
use super::schemas::{count, exact, time, url_or_null};
use super::{Api, Paths, events, parameters, schema};

pub(super) fn paths(api: Api<'_>) -> Paths {
    vec![
        ("/sessions".to_owned(), json!({ "get": list(api) })),
        ("/sessions/{session_id}".to_owned(), json!({ "get": one(api), "delete": erase(api) })),
    ]
}

pub(super) fn schemas(api: Api<'_>) -> Vec<(&'static str, Value)> {
    let text = json!({ "type": ["string", "null"] });
    let session = json!({
        "session_id": { "type": "string", "minLength": 1, "maxLength": 255 },
        "events": count(), "first_event": time(api), "last_event": time(api),
    });
    let list = json!({
        "next": url_or_null(), "next_cursor": text, "results": { "type": "array", "items": schema("Session") },
    });
    let mut page = session.clone();
    for (name, schema) in [
        ("newer_session", url_or_null()),
        ("older_session", url_or_null()),
        ("count", count()),
        ("next", url_or_null()),
        ("previous", url_or_null()),
        ("next_cursor", text),
        ("results", json!({ "type": "array", "items": schema("Event") })),
    ] {
        page[name] = schema;
    }
    let receipt = json!({
        "id": { "type": "string", "format": "uuid" },
        "session_id": { "type": "string" },
        "application": { "type": "string" },
        "erased_at": time(api),
        "events": count(), "rejected": count(), "log_lines": count(),
        "residues": {
            "type": "array", "items": { "type": "string" }, "description": "Where something of it may be left.",
        },
    });
    vec![
        ("Receipt", exact(&receipt, &["application"])),
        ("Session", exact(&session, &[])),
        ("SessionList", exact(&list, &[])),
        ("SessionPage", exact(&page, &[])),
    ]
}

fn example() -> Value {
    json!({
        "session_id": "a-session", "events": 12,
        "first_event": "2021-01-01T09:15:27.243860Z", "last_event": "2021-01-01T09:31:00.000000Z",
    })
}

fn list(api: Api<'_>) -> Value {
    json!({
        "tags": ["Sessions"],
        "summary": "Sessions, the one with the newest event first",
        "description": "`start_time` and `end_time` (both inclusive) leave those that have an event in between. A page may have \
                        fewer rows than asked for, or none, and still a `next_cursor`: a request looks at 20,000 events at most.",
        "parameters": parameters::query(api, SESSIONS.known),
        "responses": responses(
            [("200", with_headers(
                shown("The page.", &schema("SessionList"), &json!({ "next": null, "next_cursor": null, "results": [example()] })),
                &["Link"],
            ))],
            &["400", "405", "500", "503"],
        ),
    })
}

fn one(api: Api<'_>) -> Value {
    let mut page = example();
    for (name, value) in [
        ("newer_session", Value::Null),
        ("older_session", "http://127.0.0.1:8000/sessions/another".into()),
        ("count", 12.into()),
        ("next", Value::Null),
        ("previous", Value::Null),
        ("next_cursor", Value::Null),
        ("results", json!([events::example(api)])),
    ] {
        page[name] = value;
    }
    json!({
        "tags": ["Sessions"],
        "summary": "One session's events, oldest first",
        "description": "`newer_session` and `older_session` are its neighbours in the list of sessions.",
        "parameters": with_id(parameters::query(api, SESSION.known)),
        "responses": responses(
            [("200", with_headers(shown("A page of its events.", &schema("SessionPage"), &page), &["Link"]))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn erase(api: Api<'_>) -> Value {
    let receipt = json!({
        "id": super::schemas::ID, "session_id": "a-session", "erased_at": "2021-02-01T00:00:00.000000Z", "events": 12,
        "rejected": 1, "log_lines": 1, "residues": ["Backups and copies of the database file."],
    });
    json!({
        "tags": ["Sessions"],
        "summary": "Erase a session",
        "description": "Removes its events, what was refused of it and what log files say of it, and rewrites files of ours, so that \
                        nothing of it can be read in them. It takes an admin key where keys are asked for. What is sent afterwards is \
                        taken in anew. A 503 says that what was taken in before is not stored yet.",
        "parameters": with_id(parameters::query(api, &sessions::ERASE)),
        "responses": responses(
            [("200", shown("What was removed.", &schema("Receipt"), &receipt))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn with_id(mut parameters: Value) -> Value {
    let id = json!({
        "name": "session_id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 }, "example": "a-session",
    });
    parameters.as_array_mut().into_iter().for_each(|list| list.push(id.clone()));
    parameters
}
