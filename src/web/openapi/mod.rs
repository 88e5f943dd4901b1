//! The description of the API, OpenAPI 3.1, made of what the code itself goes by: the catalog, the settings, the
//! parameters of lists, the reasons of refusals. A test holds its paths against the routes.
//!
//! It is built as JSON, and not derived from types with `utoipa`: its derive macros describe what is known when the
//! program is compiled, and ours comes from the catalog when it starts. `data` is a schema that somebody wrote.

mod answers;
mod catalog;
mod events;
mod live;
mod parameters;
mod rejected;
mod schemas;
mod service;
mod sessions;
mod stats;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::error::Error;
use super::list::only_format;
use super::site::Site;
use super::{App, Settings};
use crate::event::Catalog;

/// The parts of the API, in the order in which people want to know of them.
const TAGS: [(&str, &str); 6] = [
    ("Events", "Sending events, and reading them."),
    ("Sessions", "The events that share a `session_id`."),
    ("Figures", "How many there are, and of what."),
    ("Live", "Events as they are stored."),
    ("Rejected", "What was refused or could not be stored, and its second try."),
    ("Service", "What operators and tools look at."),
];

const DESCRIPTION: &str = "Collects what people do on websites as JSON events: each is checked against its type, \
    acknowledged when it is durable, stored, and can be queried. Parameters are read strictly: one that is unknown, \
    repeated or malformed is a 400 that names it. Every resource is JSON by default and a page where a browser asks for \
    it. Where there is GET, there is HEAD. A path may end with `/`, and that of a list or of a row with `.json` or \
    `.api`.";

/// The document.
pub(super) async fn json(State(app): State<App>, site: Site, RawQuery(query): RawQuery) -> Result<Answer, Error> {
    only_format(query.as_deref())?;
    Ok(Answer::new(StatusCode::OK, document(Api::of(&app), &site.url("")).to_string()))
}

/// The description of the API that this application has.
pub(super) fn document(api: Api<'_>, root: &str) -> Value {
    let paths = [
        events::paths(api),
        sessions::paths(api),
        stats::paths(api),
        live::paths(api),
        rejected::paths(api),
        service::paths(),
    ];
    let mut paths: Map<String, Value> = paths.into_iter().flatten().collect();
    guard(&mut paths);
    let tags = TAGS.map(|(name, description)| json!({ "name": name, "description": description }));
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "The Eye",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": root }],
        // Whether one is needed at all is for the server's settings to say.
        "security": [{}, { "key": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas::all(api),
            "responses": answers::shared(),
            "headers": answers::headers(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key, as `the-eye apps create` printed it." },
                "key_in_url": {
                    "type": "apiKey", "in": "query", "name": "key",
                    "description": "A write key alone: a beacon can set no headers.",
                },
            },
        },
    })
}

/// Adds what whoever has no key, or one for something else, is told.
fn guard(paths: &mut Map<String, Value>) {
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    for operation in operations.filter(|operation| operation["security"] != json!([])) {
        for (status, name) in [("401", "Unauthorized"), ("403", "Forbidden")] {
            operation["responses"][status] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
}

/// What the description depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api<'a> {
    catalog: &'a Catalog,
    settings: &'a Settings,
}

impl<'a> Api<'a> {
    pub(super) fn of(app: &'a App) -> Self {
        Self { catalog: &app.catalog, settings: &app.settings }
    }
}

/// Paths with their operations.
type Paths = Vec<(String, Value)>;

/// A reference to a schema.
fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests;
