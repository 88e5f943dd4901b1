//! `/docs`: the description of the API for people, made of the same document. No script is needed, and nothing
//! is loaded from elsewhere.

mod operation;

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde_json::Value;

use super::App;
use super::answer::Answer;
use super::browse::{Frame, View, shown};
use super::error::Error;
use super::list::only_format;
use super::openapi::{self, Api};
use super::pretty::pretty;
use super::site::Site;
use operation::Operation;

/// The page; whoever wants JSON gets the document.
pub(super) async fn page(State(app): State<App>, site: Site, RawQuery(query): RawQuery) -> Result<Answer, Error> {
    only_format(query.as_deref())?;
    let document = openapi::document(Api::of(&app), &site.url(""));
    let json = document.to_string();
    Ok(Answer::new(StatusCode::OK, json).view(Docs { document }))
}

/// The document, as a page.
#[derive(Debug)]
struct Docs {
    document: Value,
}

/// The template of it.
#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    description: &'a str,
    parts: Vec<Part<'a>>,
    schemas: Vec<(&'a str, String)>,
}

/// A part of the API.
struct Part<'a> {
    name: &'a str,
    description: &'a str,
    operations: Vec<Operation<'a>>,
}

impl View for Docs {
    fn title(&self) -> String {
        "API".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let document = &self.document;
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        Page {
            frame,
            description: text(&document["info"]["description"]),
            parts: document["tags"].as_array().into_iter().flatten().map(|tag| Part::new(document, tag)).collect(),
            schemas: schemas.map(|(name, schema)| (name.as_str(), pretty(&schema.to_string()))).collect(),
        }
        .render()
    }

    fn shows_exchange(&self) -> bool {
        false
    }
}

impl<'a> Part<'a> {
    fn new(document: &'a Value, tag: &'a Value) -> Self {
        let name = text(&tag["name"]);
        let paths = document["paths"].as_object().into_iter().flatten();
        let all = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (path, method, operation))
        });
        let own = all.filter(|(.., operation)| text(&operation["tags"][0]) == name);
        let operations = own.map(|(path, method, operation)| Operation::new(document, path, method, operation));
        Self { name, description: text(&tag["description"]), operations: operations.collect() }
    }
}

/// A sentence of the document, in which words between backquotes are code.
fn prose(sentence: &str) -> Prose<'_> {
    Prose(sentence)
}

/// The same, to be written.
struct Prose<'a>(&'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.split('`').enumerate() {
            match number % 2 {
                0 => write!(f, "{}", shown(part))?,
                _ => write!(f, "<code>{}</code>", shown(part))?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Prose<'_> {}

/// The text of a value; of what is none, nothing.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
