//! Answers that many operations share, and what goes with every one.

use serde_json::{Map, Value, json};

use super::schema;

/// An answer with JSON, and as a page.
pub(super) fn shown(description: &str, schema: &Value, example: &Value) -> Value {
    json!({
        "description": description,
        "headers": { "Vary": header("Vary") },
        "content": {
            "application/json": { "schema": schema, "example": example },
            "text/html": { "schema": { "type": "string", "description": "The same as a page." } },
        },
    })
}

/// The same with more headers.
pub(super) fn with_headers(mut answer: Value, names: &[&str]) -> Value {
    for name in names {
        answer["headers"][*name] = header(name);
    }
    answer
}

/// The answers of an operation: its own, and shared ones by their status.
pub(super) fn responses(own: impl IntoIterator<Item = (&'static str, Value)>, shared: &[&str]) -> Value {
    // Any URL can be too long.
    let shared = shared.iter().chain(&["414"]).map(|status| {
        let name = name(status);
        ((*status).to_owned(), json!({ "$ref": format!("#/components/responses/{name}") }))
    });
    let own = own.into_iter().map(|(status, answer)| (status.to_owned(), answer));
    Value::Object(own.chain(shared).collect::<Map<_, _>>())
}

/// The answers that are referred to.
pub(super) fn shared() -> Value {
    let detail = |description: &str, text: &str| shown(description, &schema("Detail"), &json!({ "detail": text }));
    let again = |description: &str, text: &str| with_headers(detail(description, text), &["Retry-After"]);
    json!({
        "BadRequest": shown(
            "A parameter or a field is unknown, repeated or malformed; the answer names it.",
            &json!({ "anyOf": [schema("Errors"), schema("Detail")] }),
            &json!({ "start_time": ["start_time must not be after end_time."] }),
        ),
        "Unauthorized": with_headers(
            detail("It takes a key, and came with none that is good.", "Authentication credentials were not provided."),
            &["WWW-Authenticate"],
        ),
        "Forbidden": detail(
            "The key is for something else, or a page of another site sent it.",
            "You do not have permission to perform this action. It takes an admin key, and this is a read key.",
        ),
        "TooManyRequests": with_headers(
            again("More events than this key or address may send.", "Request was throttled. Expected available in 2 seconds."),
            &["RateLimit", "RateLimit-Policy"],
        ),
        "NotFound": detail("There is no such thing.", "Not found."),
        "MethodNotAllowed": with_headers(
            detail("Not with this method; `Allow` lists those there are.", "Method \"PUT\" not allowed."),
            &["Allow"],
        ),
        "RequestTimeout": detail("The body came too slowly, or stopped coming. Send it again.", "The body did not come in time."),
        "TooLarge": detail("The body, an event or a batch is over its limit.", "An event is larger than 1048576 bytes (EYE_MAX_EVENT)."),
        "UriTooLong": {
            "description": "Path and query are longer than 8 KiB.",
            "content": { "application/json": {
                "schema": schema("Detail"),
                "example": { "detail": "The URL is longer than 8192 bytes." },
            } },
        },
        "UnsupportedMediaType": detail(
            "A content type or encoding that is not read here.",
            "Unsupported media type \"text/html\" in request.",
        ),
        "Internal": detail("A bug. Nothing was promised.", "Internal server error."),
        "Unavailable": again(
            "Full, or a part is away. What was sent may or may not have arrived: send it again, with the same `id`, after \
             the seconds of `Retry-After`.",
            "The events could not be queued. Try again, with the same ids.",
        ),
    })
}

/// The headers that are referred to.
pub(super) fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "Vary": text("Names `Accept`: a browser gets a page.", "Accept"),
        "Location": text("The path of the new event; of one event, not of a batch.", "/events/0190b0e5-7c1f-7000-8000-000000000001"),
        "Link": text("The pages beside this one (RFC 8288): first, prev, next, last.", "<http://127.0.0.1:8000/events?page=2>; rel=\"next\""),
        "Preference-Applied": text("Which preferences were met (RFC 7240).", "wait"),
        "Allow": text("The methods there are.", "GET, HEAD"),
        "WWW-Authenticate": text("How one says who one is (RFC 6750).", "Bearer realm=\"The Eye\""),
        "RateLimit": text("What is left of each quota (draft-ietf-httpapi-ratelimit-headers-11).", "\"key\";r=0;t=2"),
        "RateLimit-Policy": text("The quotas, in events.", "\"key\";q=1000;w=10;qu=\"events\""),
        "Retry-After": {
            "description": "Seconds after which to try again.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9]+$" },
            "example": "1",
        },
    })
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn name(status: &str) -> &'static str {
    match status {
        "400" => "BadRequest",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "NotFound",
        "405" => "MethodNotAllowed",
        "408" => "RequestTimeout",
        "413" => "TooLarge",
        "414" => "UriTooLong",
        "415" => "UnsupportedMediaType",
        "429" => "TooManyRequests",
        "503" => "Unavailable",
        _ => "Internal",
    }
}
