//! A request and its answer, as people who know HTTP look at them.

use askama::Template;
use axum::http::header::{CONTENT_LENGTH, LOCATION};
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::super::pretty::pretty;
use super::asked::Asked;
use super::html::{Shown, shown};
use super::json::{Links, coloured};
use super::resource::Resource;

/// The request, ways to ask it again, and the answer.
#[derive(Template)]
#[template(path = "exchange.html")]
pub(super) struct Exchange<'a> {
    method: &'a Method,
    target: String,
    /// This place, in the formats there are.
    formats: [(&'static str, String); 2],
    here: String,
    options: Option<Options>,
    status: String,
    is_error: bool,
    headers: Vec<Header>,
    /// HTML.
    json: String,
}

/// The answer to `OPTIONS`, which no link can ask for.
struct Options {
    allow: &'static str,
    json: String,
}

/// A header of the answer.
struct Header {
    name: String,
    value: String,
    /// Where its value leads to, if we made it.
    link: Option<String>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(asked: &'a Asked, parts: &Parts, json: &str, resource: Resource) -> Self {
        let site = &asked.site;
        let query = asked.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{query}", site.here_path());
        Self {
            method: &asked.method,
            here: if asked.method == Method::GET { target.clone() } else { site.here_path() },
            target,
            formats: [("JSON", asked.with("format", "json")), ("Page", asked.with("format", "api"))],
            options: resource
                .options
                .map(|metadata| Options { allow: metadata.allow, json: pretty(&metadata.json().to_string()) }),
            status: status(parts.status),
            is_error: !parts.status.is_success(),
            headers: headers(&parts.headers),
            json: coloured(json, Links { site, rows: resource.rows }),
        }
    }
}

impl Header {
    fn shown(&self) -> Shown<'_> {
        shown(&self.value)
    }
}

fn status(status: StatusCode) -> String {
    format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default())
}

fn headers(headers: &HeaderMap) -> Vec<Header> {
    let shown = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        Header { name: name.to_string(), link: (*name == LOCATION).then(|| value.clone()), value }
    };
    headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH).map(shown).collect()
}
