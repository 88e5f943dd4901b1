//! The parameters of requests.

use serde_json::{Value, json};

use super::super::list::FORMATS;
use super::Api;

/// The filters of events, which other resources have too.
pub(super) const FILTERS: [&str; 6] = ["session_id", "category", "name", "application", "start_time", "end_time"];

/// Parameters of a query, by their names.
pub(super) fn query(api: Api<'_>, names: &[&str]) -> Value {
    Value::Array(names.iter().map(|name| one(api, name)).collect())
}

/// An id in a path.
pub(super) fn id() -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" },
        "example": super::schemas::ID,
    })
}

/// The same where any text will do.
pub(super) fn any_id() -> Value {
    json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" }, "example": super::schemas::ID })
}

/// A parameter of one resource alone. Without a value, it is as if absent.
pub(super) fn named(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "allowEmptyValue": true, "schema": schema })
}

fn one(api: Api<'_>, name: &str) -> Value {
    let time = || json!({ "type": "string", "format": "date-time" });
    let default = api.settings.page_size;
    let (description, schema) = match name {
        "session_id" => ("Only events of that session.", json!({ "type": "string" })),
        "category" => {
            ("Only events of that category. Spaces and underscores are the same.", json!({ "type": "string" }))
        }
        "name" => ("Only events of that name, in any of its spellings.", json!({ "type": "string" })),
        "application" => ("Only what that application has sent.", json!({ "type": "string" })),
        "start_time" => {
            ("Only events of that time or later: a date, or a date and time, in UTC where it has no offset.", time())
        }
        "end_time" => ("Only events of that time or earlier.", time()),
        "reason" => ("Only those of that reason.", json!({ "type": "string" })),
        "order" => ("`desc`, the newest first, or `asc`.", json!({ "type": "string", "enum": ["asc", "desc"] })),
        "page" => (
            "The number of a page, or `last`.",
            json!({ "anyOf": [{ "type": "integer", "minimum": 1 }, { "const": "last" }], "default": 1 }),
        ),
        "page_size" => {
            ("Rows on a page.", json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": default }))
        }
        "cursor" => (
            "Goes on where the page with this `next_cursor` ended, with its filters and its order; what a request \
             says beside it must be the same.",
            json!({ "type": "string" }),
        ),
        "format" => (
            "JSON, or a page (`api` and `html` are the same); without it `Accept` decides.",
            json!({ "type": "string", "enum": FORMATS }),
        ),
        other => unreachable!("the parameter {other} has no description"),
    };
    named(name, description, &schema)
}
