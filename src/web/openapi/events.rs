//! `/events` and `/events/{id}`.

use serde_json::{Value, json};

use super::super::ingest::MOST;
use super::super::list;
use super::super::options;
use super::answers::{responses, shown, with_headers};
use super::schemas::ID;
use super::{Api, Paths, catalog, parameters, schema};

pub(super) fn paths(api: Api<'_>) -> Paths {
    let list =
        json!({ "get": list(api), "post": post(api), "options": metadata("Events", &options::EVENTS.json(), &[]) });
    let one =
        json!({ "get": one(api), "options": metadata("Events", &options::EVENT.json(), &[parameters::any_id()]) });
    vec![("/events".to_owned(), list), ("/events/{id}".to_owned(), one)]
}

/// The operation that says what a resource is.
pub(super) fn metadata(tag: &str, example: &Value, parameters: &[Value]) -> Value {
    json!({
        "parameters": parameters,
        "tags": [tag],
        "summary": "What this resource is and takes",
        "responses": responses(
            [("200", with_headers(shown("Its metadata, in the shape of DRF's.", &schema("Metadata"), example), &["Allow"]))],
            &["405", "500"],
        ),
    })
}

/// An event as answers show it.
pub(super) fn example(api: Api<'_>) -> Value {
    let mut event = catalog::example(api.catalog);
    event["id"] = ID.into();
    event["timestamp"] = json!(app_time(api));
    event
}

fn app_time(api: Api<'_>) -> String {
    let time = crate::event::Timestamp::parse("2021-01-01T09:15:27.243860Z").expect("it is a time");
    time.format(api.settings.timestamp_format)
}

fn list(api: Api<'_>) -> Value {
    let example = json!({
        "count": 431, "next": "http://127.0.0.1:8000/events?page=2", "previous": null, "next_cursor": "eyJsaXN0Ijoi…",
        "results": [example(api)],
    });
    json!({
        "tags": ["Events"],
        "summary": "A page of events",
        "description": "Newest first. `count` is exact. Following `next_cursor` repeats no event and skips none that was stored before.",
        "parameters": parameters::query(api, list::EVENTS.known),
        "responses": responses(
            [("200", with_headers(shown("The page.", &schema("EventPage"), &example), &["Link"]))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn one(api: Api<'_>) -> Value {
    let mut parameters = parameters::query(api, &["format"]);
    parameters.as_array_mut().into_iter().for_each(|list| list.push(parameters::id()));
    json!({
        "tags": ["Events"],
        "summary": "One event",
        "parameters": parameters,
        "responses": responses(
            [("200", shown("The newest event of that id.", &schema("Event"), &example(api)))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn post(api: Api<'_>) -> Value {
    let event = example(api);
    let taken = json!({ "oneOf": [schema("Event"), schema("BatchResult")] });
    let with_bad = json!({
        "accepted": 1, "rejected": 1,
        "results": [{ "index": 1, "errors": { "data": { "path": ["This field is required."] } } }],
    });
    let answer = |description: &str, schema: &Value, example: &Value| {
        with_headers(shown(description, schema, example), &["Location", "Preference-Applied"])
    };
    let bad = json!({ "anyOf": [schema("BatchResult"), schema("Detail"), schema("Errors")] });
    let example = json!({ "timestamp": ["This field is required."], "data": { "path": ["This field is required."] } });
    json!({
        "tags": ["Events"],
        "security": [{}, { "key": [] }, { "key_in_url": [] }],
        "summary": "Send an event, or many",
        "description": format!(
            "Each event is judged by itself; the valid ones become durable together. Limits: {} bytes for an event \
             (`EYE_MAX_EVENT`), {} bytes for a body after decompression (`EYE_MAX_BODY`), {MOST} events.",
            api.settings.max_event, api.settings.max_body
        ),
        "parameters": [{
            "name": "Prefer", "in": "header",
            "description": "`wait=N` holds the answer, up to 30 seconds, until everything is stored. `return=representation` \
                            answers a batch with a row for every event.",
            "schema": { "type": "string" }, "example": "wait=5",
        }, {
            "name": "Content-Encoding", "in": "header", "description": "How the body is compressed; nothing is as if absent.",
            "schema": { "enum": ["", "identity", "gzip", "deflate", "br", "zstd"] },
        }],
        "requestBody": { "required": true, "content": bodies(api) },
        "responses": responses(
            [
                ("201", answer("Durable: written and flushed. The event, or what became of a batch.", &taken, &event)),
                ("202", answer("Taken in, by a queue that does not flush before it answers (`/readyz` says why).", &taken, &event)),
                ("207", answer("Some of a batch are valid, and taken in.", &schema("BatchResult"), &with_bad)),
                ("400", shown("Nothing was taken in, and all errors are said at once.", &bad, &example)),
            ],
            &["403", "405", "408", "413", "415", "429", "500", "503"],
        ),
    })
}

fn bodies(api: Api<'_>) -> Value {
    let event = catalog::example(api.catalog);
    let text = event.to_string();
    let mut form = event.clone();
    form["data"] = event["data"].to_string().into();
    let field = json!({ "type": "string" });
    let fields = json!({
        "type": "object",
        "required": ["session_id", "category", "name", "data", "timestamp"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "description": "May be empty." }, "session_id": field, "category": field,
            "name": field, "timestamp": field,
            "data": { "type": "string", "contentMediaType": "application/json", "description": "JSON text." },
        },
    });
    let both = json!({ "anyOf": [schema("NewEvent"), schema("Batch")] });
    let content = |content_type: &str| match content_type {
        "application/json" => json!({
            "schema": both,
            "examples": { "event": { "value": event }, "batch": { "value": [event] } },
        }),
        "application/x-ndjson" => json!({
            "schema": { "type": "string", "description": "An event a line." },
            "example": format!("{text}\n{text}\n"),
        }),
        "text/plain" => json!({
            "schema": { "type": "string", "contentMediaType": "application/json", "contentSchema": both,
                        "description": "JSON, as `navigator.sendBeacon` sends it." },
            "example": text,
        }),
        _ => json!({ "schema": fields, "example": form }),
    };
    Value::Object(options::PARSES.iter().map(|name| ((*name).to_owned(), content(name))).collect())
}
