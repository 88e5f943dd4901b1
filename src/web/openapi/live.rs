//! `/live`.

use serde_json::json;

use super::answers::responses;
use super::events::example;
use super::parameters::{FILTERS, named, query};
use super::{Api, Paths};

pub(super) fn paths(api: Api<'_>) -> Paths {
    let mut parameters = query(api, &FILTERS);
    let own = [
        named("only", "Leaves out the others.", &json!({ "type": "string", "enum": ["events", "rejected"] })),
        named(
            "last_event_id",
            "A place in the stream, as `Last-Event-ID` where headers cannot be set.",
            &json!({ "type": "string" }),
        ),
        json!({
            "name": "Last-Event-ID", "in": "header",
            "description": "The `id` that was seen last: the stream goes on behind it.", "schema": { "type": "string" },
        }),
    ];
    parameters.as_array_mut().into_iter().for_each(|list| {
        list.extend(own.clone());
        list.extend(query(api, &["format"]).as_array().cloned().unwrap_or_default());
    });
    let stream = format!("id: 42\nevent: event\ndata: {}\n\n", example(api));
    let get = json!({
        "tags": ["Live"],
        "summary": "Events as they are stored, and refusals as they come",
        "description": "Server-Sent Events, from now on: `event` (an event), `rejected` (a row of `/rejected`), and `gap` where \
                        some are missing: `{\"reason\": \"…\"}`. A comment with an `id` comes after 15 to 30 seconds without anything else. A reader \
                        that takes nothing for a while is cut off, and goes on by its `Last-Event-ID`.",
        "parameters": parameters,
        "responses": responses(
            [("200", json!({
                "description": "The stream, which does not end; for a browser a page that shows it.",
                "content": {
                    "text/event-stream": { "schema": { "type": "string" }, "example": stream },
                    "text/html": { "schema": { "type": "string" } },
                },
            }))],
            &["400", "405", "500", "503"],
        ),
    });
    vec![("/live".to_owned(), json!({ "get": get }))]
}
