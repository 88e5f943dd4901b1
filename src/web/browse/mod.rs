//! Pages for browsers: an answer of JSON, shown with its request, its status and its headers, or as the
//! [`View`] that its handler left with it.
//!
//! It stands around the handlers and changes no verdict of theirs. Everything on a page is escaped, nothing
//! is loaded from elsewhere, and a policy says both to the browser. Pages work without scripts.

mod asked;
mod errors;
mod exchange;
mod filter;
mod html;
mod json;
mod pager;
mod policy;
mod resource;
mod send;
mod view;
mod wanted;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::response::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use super::App;
use super::answer::PageLinks;
use super::error::Error;
use asked::Asked;
use errors::Complaints;
use exchange::Exchange;
use filter::Filter;
pub(super) use html::shown;
use pager::Pager;
use resource::Resource;
use send::SendForms;
pub(super) use view::{Frame, ShowsView, View};
pub(super) use wanted::{Wanted, prefers_html};

/// The parameters of the filter form of a path.
#[cfg(test)]
pub(super) fn filters(path: &str) -> &'static [&'static str] {
    Resource::at(path).filters
}

/// Answers over this size are laid out on a thread of their own, so that others need not wait.
const LARGE: usize = 64 * 1024;

/// Gives a browser a page, and everyone else the JSON.
pub(super) async fn page<F: Future<Output = Response>>(
    app: &App,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let (request, asked) = match Wanted::of(request.uri(), request.headers()) {
        Wanted::Json => (request, None),
        Wanted::Page => {
            let (request, asked) = Asked::of(app, request);
            (request, Some(asked))
        }
    };
    let mut response = answer(request).await;
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    match asked.filter(|_| is_json) {
        Some(asked) => shown_to(app.clone(), asked, response).await,
        None => response,
    }
}

async fn shown_to(app: App, asked: Asked, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(json) = body.collect().await else { return Error::Internal.into_response() };
    let json = json.to_bytes();
    // A view may hold as much as it likes.
    let is_large = json.len() > LARGE || parts.extensions.get::<ShowsView>().is_some();
    let rendered = match is_large {
        false => render(&app, &asked, &mut parts, &json),
        true => {
            let task = tokio::task::spawn_blocking(move || (render(&app, &asked, &mut parts, &json), parts));
            let Ok((rendered, given_back)) = task.await else { return Error::Internal.into_response() };
            parts = given_back;
            rendered
        }
    };
    let Ok(html) = rendered else { return Error::Internal.into_response() };
    parts.headers.remove(CONTENT_LENGTH);
    policy::add(&mut parts.headers);
    (parts, Body::from(html)).into_response()
}

/// The page of an answer that has no view of its own.
#[derive(Template)]
#[template(path = "browse.html")]
struct Page<'a> {
    frame: &'a Frame<'a>,
    /// What is wrong with what was sent, and stands beside no field.
    complaints: Vec<String>,
    /// Where the event is that was taken in.
    taken: Option<String>,
    send: Option<SendForms>,
}

fn render(app: &App, asked: &Asked, parts: &mut Parts, json: &Bytes) -> askama::Result<String> {
    let resource = Resource::at(asked.uri.path());
    let json = String::from_utf8_lossy(json);
    let links = parts.extensions.remove::<PageLinks>();
    let view = parts.extensions.remove::<ShowsView>().map(|ShowsView(view)| view);
    let mut complaints = match parts.status.is_client_error() {
        true => Complaints::of(&json),
        false => Complaints::default(),
    };
    let may_send = resource.takes_events && !asked.has_key && parts.status != StatusCode::UNAUTHORIZED;
    let send = may_send.then(|| SendForms::new(app, asked, &mut complaints));
    let filter = match resource.filters {
        [] => String::new(),
        names => Filter::new(&app.catalog, asked, names, &mut complaints).render()?,
    };
    let frame = Frame {
        site: &asked.site,
        path: asked.uri.path(),
        method: &asked.method,
        query: asked.uri.query(),
        has_key: asked.has_key,
        title: view.as_ref().map_or_else(|| resource.title.to_owned(), |view| view.title()),
        script: view.as_ref().and_then(|view| view.script()),
        exchange: match view.as_ref().is_none_or(|view| view.shows_exchange()) {
            true => Exchange::new(asked, parts, &json, resource).render()?,
            false => String::new(),
        },
        pager: Pager::new(asked, links).render()?,
        filter,
    };
    if let Some(view) = view {
        return view.render(&frame);
    }
    let location = parts.headers.get("location").filter(|_| parts.status == StatusCode::CREATED);
    let taken = location.and_then(|location| location.to_str().ok()).map(str::to_owned);
    Page { frame: &frame, complaints: complaints.rest(), taken, send }.render()
}
