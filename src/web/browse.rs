//! Pages for browsers: an answer of JSON, shown with its request, its status and its headers.
//!
//! It stands around the handlers and changes no verdict of theirs. No script runs on these pages,
//! everything on them is escaped, and a policy says both to the browser.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use super::App;
use super::answer::PageLinks;
use super::error::Error;
use super::form::decoded;
use super::pretty::pretty;
use super::site::Site;
use crate::event::TimestampFormat;

/// Nothing is loaded but our stylesheet, nothing runs, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

const STYLESHEET: &str = include_str!("../../assets/the-eye.css");

/// Gives a browser a page, and everyone else the JSON.
pub(super) async fn page<T>(app: &App, request: Request, handler: impl Handler<T, App>) -> Response {
    let shown = wants_page(request.uri(), request.headers()).then(|| Shown::of(app, &request));
    let mut response = handler.call(request, app.clone()).await;
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    match shown.filter(|_| is_json) {
        Some(shown) => render(app, &shown, response).await,
        None => response,
    }
}

/// The pages' stylesheet.
pub(super) async fn stylesheet() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=3600"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, STYLESHEET).into_response()
}

/// The page's template.
#[derive(Template)]
#[template(path = "browse.html")]
struct Page<'a> {
    title: &'static str,
    /// Labels and paths from the root to here.
    crumbs: Vec<(String, String)>,
    stylesheet: String,
    method: &'a str,
    target: String,
    status: String,
    headers: Vec<(String, String)>,
    json: String,
    links: Vec<(&'static str, String)>,
    /// Names and values of the filters, on a list.
    filters: Vec<(&'static str, String)>,
    post: Option<PostForm>,
}

/// The form that sends an event, filled with one that is valid.
struct PostForm {
    action: String,
    category: String,
    name: String,
    data: String,
    timestamp: String,
}

/// What a page shows of its request.
struct Shown {
    site: Site,
    method: Method,
    uri: Uri,
}

impl Shown {
    fn of(app: &App, request: &Request) -> Self {
        let site = Site::new(app, request.uri(), request.headers(), request.extensions());
        Self { site, method: request.method().clone(), uri: request.uri().clone() }
    }
}

async fn render(app: &App, shown: &Shown, response: Response) -> Response {
    let Shown { site, method, uri } = shown;
    let (mut parts, body) = response.into_parts();
    let Ok(json) = body.collect().await else { return Error::Internal.into_response() };
    let json = json.to_bytes();
    let (resource, is_list) = resource(uri.path());
    let page = Page {
        title: resource,
        crumbs: crumbs(site, uri.path()),
        stylesheet: site.path("/assets/the-eye.css"),
        method: method.as_str(),
        target: site.path(uri.path_and_query().map_or("/", |target| target.as_str())),
        status: status(parts.status),
        headers: header_lines(&parts.headers),
        json: pretty(&String::from_utf8_lossy(&json)),
        links: parts.extensions.remove::<PageLinks>().map(|PageLinks(links)| links).unwrap_or_default(),
        filters: if is_list { filters(uri.query()) } else { Vec::new() },
        post: (resource == "Events").then(|| post_form(app, site)),
    };
    let Ok(html) = page.render() else { return Error::Internal.into_response() };
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    parts.headers.remove(CONTENT_LENGTH);
    (parts, Body::from(html)).into_response()
}

/// Whether a page is wanted: a suffix or `format` decides, and else what the client accepts.
fn wants_page(uri: &Uri, headers: &HeaderMap) -> bool {
    let named = |format: &str| match format {
        "json" => Some(false),
        "api" | "html" => Some(true),
        _ => None,
    };
    let query = uri.query().unwrap_or_default();
    let format = query.split('&').find_map(|part| part.strip_prefix("format="));
    let format = format.and_then(|format| decoded(format.as_bytes())).and_then(|format| named(&format));
    let suffix = uri.path().rsplit_once('.').and_then(|(_, suffix)| named(suffix));
    format.or(suffix).unwrap_or_else(|| prefers_html(headers))
}

/// Whether `text/html` is named, and wanted more than JSON (RFC 9110, 12.5.1).
fn prefers_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json, mut any) = (None, None, None);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parameters = range.split(';').map(str::trim);
        let name = parameters.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse::<f32>().ok());
        let quality = Some(quality.unwrap_or(1.0));
        match name.as_str() {
            "text/html" => html = quality,
            "application/json" => json = quality,
            "application/*" => json = json.or(quality),
            "*/*" => any = quality,
            _ => (),
        }
    }
    let json = json.or(any).unwrap_or(0.0);
    html.is_some_and(|html| html > 0.0 && html > json)
}

/// What a path shows, and whether that is a list.
fn resource(path: &str) -> (&'static str, bool) {
    let mut parts = path.trim_matches('/').splitn(2, '/');
    let first = parts.next().unwrap_or_default();
    let is_list = parts.next().is_none();
    match (first.split('.').next().unwrap_or_default(), is_list) {
        ("", _) => ("The Eye", false),
        ("events", true) => ("Events", true),
        ("events", false) => ("Event", false),
        ("rejected", true) => ("Rejected", true),
        ("rejected", false) => ("Rejected event", false),
        ("healthz", true) => ("Health", false),
        ("readyz", true) => ("Readiness", false),
        _ => ("Not found", false),
    }
}

fn crumbs(site: &Site, path: &str) -> Vec<(String, String)> {
    let mut crumbs = vec![("The Eye".to_owned(), site.path("/"))];
    let mut so_far = String::new();
    for part in path.trim_matches('/').split('/').filter(|part| !part.is_empty()) {
        so_far = format!("{so_far}/{part}");
        crumbs.push((part.to_owned(), site.path(&so_far)));
    }
    crumbs
}

fn status(status: StatusCode) -> String {
    format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default())
}

fn header_lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers
        .iter()
        .filter(|(name, _)| *name != CONTENT_LENGTH)
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

fn filters(query: Option<&str>) -> Vec<(&'static str, String)> {
    let value = |name: &str| {
        query.unwrap_or_default().split('&').find_map(|part| {
            let (found, value) = part.split_once('=')?;
            (found == name).then(|| decoded(value.as_bytes()).unwrap_or_default())
        })
    };
    ["session_id", "category", "name", "start_time", "end_time", "order", "page_size"]
        .map(|name| (name, value(name).unwrap_or_default()))
        .into()
}

fn post_form(app: &App, site: &Site) -> PostForm {
    let example = app.catalog.get("page_interaction", "page_view").or_else(|| app.catalog.types().next());
    PostForm {
        action: site.path("/events"),
        category: example.map(|example| example.kind.category.clone()).unwrap_or_default(),
        name: example.map(|example| example.kind.name.clone()).unwrap_or_default(),
        data: example.map(|example| pretty(&example.example)).unwrap_or_default(),
        timestamp: app.clock.now().format(TimestampFormat::Rfc3339),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, path: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        assert_eq!(wants_page(&path.parse().unwrap(), &headers), expected, "{accept} {path}");
    }

    #[test]
    fn a_page_is_for_those_who_prefer_one() {
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "/events", true);
        check("*/*", "/events", false);
        check("application/json", "/events", false);
        check("application/json, text/html", "/events", false);
        check("application/json;q=0.5, text/html", "/events", true);
        check("text/html;q=0.5, */*", "/events", false);
        check("text/html;q=0", "/events", false);
        check("text/*", "/events", false);
        check("text/html", "/events?format=json", false);
        check("*/*", "/events?page=2&format=api", true);
        check("*/*", "/events?format=html", true);
        check("*/*", "/events.api", true);
        check("text/html", "/events.json", false);
        check("*/*", "/events/0190b0e5-0000-7000-8000-000000000000.api", true);
    }
}
