//! `/rejected`, `/rejected/{id}` and `/rejected/replay`.

use serde_json::{Value, json};

use super::super::list::REJECTED;
use super::super::options;
use super::answers::{responses, shown, with_headers};
use super::events::metadata;
use super::schemas::{ID, count, exact, id};
use super::{Api, Paths, parameters, schema};

pub(super) fn paths(api: Api<'_>) -> Paths {
    let options = |parameters: &[Value]| metadata("Rejected", &options::REJECTED.json(), parameters);
    vec![
        ("/rejected".to_owned(), json!({ "get": list(api), "options": options(&[]) })),
        ("/rejected/{id}".to_owned(), json!({ "get": one(api), "options": options(&[parameters::any_id()]) })),
        ("/rejected/replay".to_owned(), json!({ "post": replay() })),
    ]
}

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let row = exact(&json!({ "id": id(), "errors": schema("Errors") }), &[]);
    let result = exact(
        &json!({
            "matched": count(),
            "accepted": count(),
            "rejected": count(),
            "next_cursor": { "type": ["string", "null"] },
            "results": { "type": "array", "maxItems": 100, "items": row },
        }),
        &[],
    );
    let request = exact(
        &json!({
            "id": { "type": "string", "format": "uuid", "description": "This row alone." },
            "reason": { "type": "string", "description": "All rows of that reason." },
            "start_time": { "type": "string", "format": "date-time", "description": "Rows received then or later." },
            "end_time": { "type": "string", "format": "date-time", "description": "Rows received then or earlier." },
            "cursor": { "type": "string", "description": "Go on where the last answer ended." },
            "limit": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 1000, "description": "Rows at most." },
        }),
        &["id", "reason", "start_time", "end_time", "cursor", "limit"],
    );
    vec![("ReplayRequest", request), ("ReplayResult", result)]
}

fn example() -> Value {
    json!({
        "id": ID, "kind": "refused", "reason": "invalid", "errors": { "name": ["This field is required."] },
        "received_at": "2021-01-01T09:15:28.000000Z", "body": "{\"session_id\": \"a\"}", "truncated": false,
        "size": 19,
    })
}

fn list(api: Api<'_>) -> Value {
    let page = json!({ "count": 1, "next": null, "previous": null, "next_cursor": null, "results": [example()] });
    json!({
        "tags": ["Rejected"],
        "summary": "A page of what was refused or buried",
        "description": "Newest first, by when it was received. Paged and filtered like events; a row that could not be read \
                        that far has no session, category and name, and is left out by those filters.",
        "parameters": parameters::query(api, REJECTED.known),
        "responses": responses(
            [("200", with_headers(shown("The page.", &schema("RejectedPage"), &page), &["Link"]))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn one(api: Api<'_>) -> Value {
    let mut parameters = parameters::query(api, &["format"]);
    parameters.as_array_mut().into_iter().for_each(|list| list.push(parameters::id()));
    json!({
        "tags": ["Rejected"],
        "summary": "One refused or buried event",
        "parameters": parameters,
        "responses": responses(
            [("200", shown("The row.", &schema("RejectedEvent"), &example()))],
            &["400", "404", "405", "500", "503"],
        ),
    })
}

fn replay() -> Value {
    let result = json!({
        "matched": 3, "accepted": 2, "rejected": 1, "next_cursor": null,
        "results": [{ "id": ID, "errors": { "name": ["This field is required."] } }],
    });
    json!({
        "tags": ["Rejected"],
        "summary": "Judge again what was rejected",
        "description": "By the rules of today: what is valid now is taken in and no longer listed; the rest stays as it was. \
                        Without `id`, `reason` and times, every row. An event that brought no `id` gets the row's, so that \
                        sending this twice stores once. Only a page of The Eye itself may send it from a browser.",
        "requestBody": {
            "content": {
                "application/json": { "schema": schema("ReplayRequest"), "example": { "reason": "unknown_event_type" } },
                "application/x-www-form-urlencoded": {
                    "schema": schema("ReplayRequest"), "example": { "reason": "unknown_event_type" },
                },
            },
        },
        "responses": responses(
            [("200", shown("What became of them.", &schema("ReplayResult"), &result))],
            &["400", "403", "404", "405", "408", "413", "415", "500", "503"],
        ),
    })
}
