//! What stands in answers. They are exact: where nothing else can be there, nothing else is allowed.

use serde_json::{Map, Value, json};

use super::super::ingest::MOST;
use super::super::overview::LINKS;
use super::{Api, catalog, schema};
use crate::event::{Reason, RejectedKind, TimestampFormat};

/// The id in examples.
pub(super) const ID: &str = "0190b0e5-7c1f-7000-8000-000000000001";

/// All schemas, by name.
pub(super) fn all(api: Api<'_>) -> Value {
    let own = [
        ("Detail", exact(&json!({ "detail": { "type": "string" } }), &[])),
        ("Errors", errors()),
        ("NewEvent", catalog::any(api.catalog)),
        ("Batch", json!({ "type": "array", "minItems": 1, "maxItems": MOST, "items": schema("NewEvent") })),
        ("Event", event(api)),
        ("BatchResult", batch_result()),
        ("RejectedEvent", rejected(api)),
        ("EventPage", page("Event")),
        ("RejectedPage", page("RejectedEvent")),
        ("Metadata", metadata()),
        ("Links", links()),
        ("Readiness", readiness()),
    ];
    let own = own.into_iter().map(|(name, schema)| (name.to_owned(), schema));
    let others = [super::stats::schemas(api), super::sessions::schemas(api), super::rejected::schemas()];
    let others = others.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema));
    Value::Object(own.chain(others).chain(catalog::schemas(api.catalog)).collect::<Map<_, _>>())
}

/// An object that has these properties and no others; all are required but those named.
pub(super) fn exact(properties: &Value, optional: &[&str]) -> Value {
    let names = properties.as_object().into_iter().flat_map(Map::keys);
    let required: Vec<_> = names.filter(|name| !optional.contains(&name.as_str())).collect();
    json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
}

/// A time as answers print it.
pub(super) fn time(api: Api<'_>) -> Value {
    let pattern = match api.settings.timestamp_format {
        TimestampFormat::Rfc3339 => r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$",
        TimestampFormat::Space => r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}$",
    };
    json!({ "type": "string", "pattern": pattern })
}

/// A number of things.
pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A URL of ours, or none.
pub(super) fn url_or_null() -> Value {
    json!({ "type": ["string", "null"], "format": "uri-reference" })
}

/// The id of a row.
pub(super) fn id() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn errors() -> Value {
    json!({
        "type": "object",
        "description": "Messages for each field, nested as the fields are; `non_field_errors` is the whole.",
        "additionalProperties": {
            "anyOf": [{ "type": "array", "items": { "type": "string" } }, schema("Errors")],
        },
    })
}

fn event(api: Api<'_>) -> Value {
    let text = |most: u32| json!({ "type": "string", "minLength": 1, "maxLength": most });
    exact(
        &json!({
            "id": id(), "session_id": text(255), "category": text(100), "name": text(100), "timestamp": time(api),
            "data": { "type": "object", "description": "As it was sent, to the digit." },
            "application": sender(),
            "address": { "type": "string", "description": "The client's, where the server is told to store it." },
        }),
        &["application", "address"],
    )
}

fn sender() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 100, "description": "The application that sent it, where it has a key." })
}

fn batch_result() -> Value {
    let row = exact(&json!({ "index": count(), "id": id(), "errors": schema("Errors") }), &["id", "errors"]);
    exact(
        &json!({
            "accepted": count(),
            "rejected": count(),
            "results": { "type": "array", "items": row, "description": "A row for each event that is not valid; with `Prefer: return=representation` also for each that is." },
            "durable": { "const": false, "description": "There only where the queue does not flush before it answers." },
        }),
        &["durable"],
    )
}

fn rejected(api: Api<'_>) -> Value {
    let reasons: Vec<_> = Reason::ALL.iter().map(|reason| format!("`{}`", reason.as_str())).collect();
    let reasons = format!("{}, or what the store said of a dead letter.", reasons.join(", "));
    let kinds = [RejectedKind::Refused, RejectedKind::DeadLetter].map(RejectedKind::as_str);
    exact(
        &json!({
            "id": id(),
            "kind": { "enum": kinds },
            "reason": { "type": "string", "description": reasons },
            "errors": { "type": ["object", "null"], "description": "The answer its sender got." },
            "received_at": time(api),
            "body": { "type": "string" },
            "truncated": { "type": "boolean" },
            "application": sender(),
        }),
        &["application"],
    )
}

fn page(rows: &str) -> Value {
    exact(
        &json!({
            "count": count(),
            "next": url_or_null(),
            "previous": url_or_null(),
            "next_cursor": { "type": ["string", "null"] },
            "results": { "type": "array", "items": schema(rows) },
        }),
        &[],
    )
}

fn metadata() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let properties = json!({
        "name": { "type": "string" }, "description": { "type": "string" }, "renders": texts, "parses": texts,
        "actions": { "type": "object" },
    });
    exact(&properties, &["actions"])
}

fn links() -> Value {
    let url = json!({ "type": "string", "format": "uri" });
    exact(&Value::Object(LINKS.iter().map(|(name, _)| ((*name).to_owned(), url.clone())).collect::<Map<_, _>>()), &[])
}

fn readiness() -> Value {
    exact(
        &json!({
            "status": { "enum": ["ok", "unavailable"] },
            "queue": { "enum": ["ok", "full", "unavailable"] },
            "store": { "enum": ["ok", "unavailable"] },
            "at_risk": { "type": "string" },
        }),
        &["at_risk"],
    )
}
