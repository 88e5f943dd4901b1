//! Signing in with a read key, for people: a form, and a cookie that lets their browser read.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::super::App;
use super::super::answer::Answer;
use super::super::body;
use super::super::browse::{Frame, ShowsView, View};
use super::super::cross_site;
use super::super::error::Error;
use super::super::form;
use super::super::site::{Mount, Site};
use super::signed_in::{self, Place};
use crate::access::{Key, Scope};

/// The most that the form can be.
const MOST: usize = 8 << 10;

/// The form.
#[derive(Debug)]
pub(in crate::web) struct SignInView {
    /// The path to go on to; the one that was asked for where that is `None`.
    next: Option<String>,
    /// What was wrong with the last try, or why one has to sign in.
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame<'a>,
    next: &'a str,
    problem: Option<&'a str>,
}

impl SignInView {
    /// The form that is shown in place of what was asked for.
    pub(in crate::web) fn before(problem: String) -> Self {
        Self { next: None, problem: Some(problem) }
    }
}

impl View for SignInView {
    fn title(&self) -> String {
        "Sign in".to_owned()
    }

    fn render(&self, frame: &Frame<'_>) -> askama::Result<String> {
        let asked = frame.asked();
        let next = self.next.as_deref().unwrap_or(if frame.is_get() { &asked } else { "/" });
        SignInPage { frame, next, problem: self.problem.as_deref() }.render()
    }

    fn shows_exchange(&self) -> bool {
        false
    }
}

/// The form by itself.
pub(in crate::web) async fn sign_in_page(uri: Uri) -> Answer {
    let next = form::urlencoded(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let next = next.into_iter().find(|(name, _)| name == "next").map_or_else(|| "/".to_owned(), |(_, next)| next);
    let json = serde_json::json!({ "detail": "Send the form with a read key." }).to_string();
    Answer::new(StatusCode::OK, json).view(SignInView { next: Some(next), problem: None })
}

/// Signs in.
pub(in crate::web) async fn sign_in(
    State(app): State<App>,
    site: Site,
    mount: Mount,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    // Nobody is signed in by a page of another site, as somebody else.
    cross_site::same_site_only(&parts.headers, &site).map_err(IntoResponse::into_response)?;
    let received = body::read(body, MOST, &app.budget).await;
    if let Some(error) = received.problem {
        return Err(error.into_response());
    }
    let fields = form::urlencoded(&received.bytes).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.trim());
    let next = own_path(field("next").unwrap_or("/")).to_owned();
    let key = field("key").and_then(Key::parse).filter(|key| key.scope() != Scope::Write);
    let failed = |error: Error| {
        let view = SignInView { next: Some(next.clone()), problem: Some(error.to_string()) };
        let mut answer = error.into_response();
        answer.extensions_mut().insert(ShowsView(Arc::new(view)));
        answer
    };
    let Some(key) = key else {
        return Err(failed(Error::Unauthorized("This is no read key: those begin with eye_r_ or eye_a_.".to_owned())));
    };
    app.keys.grant(&key, app.clock.now()).await.map_err(failed)?;
    let known = app.keys.known().ok_or(Error::NoKeys).map_err(IntoResponse::into_response)?;
    let place = Place::new(&mount.path(""), app.settings.public_url.as_deref(), &parts.uri, &parts.headers);
    let cookie = signed_in::begin(&known, &key, app.clock.now(), &place);
    Ok(see(&mount.path(&next), &cookie))
}

/// Signs out.
pub(in crate::web) async fn sign_out(
    State(app): State<App>,
    site: Site,
    mount: Mount,
    request: Request,
) -> Result<Response, Error> {
    cross_site::same_site_only(request.headers(), &site)?;
    let public_url = app.settings.public_url.as_deref();
    let place = Place::new(&mount.path(""), public_url, request.uri(), request.headers());
    Ok(see(&mount.path("/sign-in"), &signed_in::end(&place)))
}

/// A path of ours: a browser takes what follows two slashes, of either kind, for a host.
fn own_path(next: &str) -> &str {
    let is_own = next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.contains(['\r', '\n', '\t']);
    if is_own { next } else { "/" }
}

fn see(path: &str, cookie: &str) -> Response {
    // Not JSON, of which a page would be made that shows the headers.
    let mut answer = StatusCode::SEE_OTHER.into_response();
    let headers: &mut HeaderMap = answer.headers_mut();
    for (name, value) in [(LOCATION, path), (SET_COOKIE, cookie), (CACHE_CONTROL, "no-store")] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn one_goes_on_to_a_path_of_ours_and_nowhere_else() {
        for own in ["/", "/events?page=2", "/sessions/a%2Fb"] {
            assert_eq!(own_path(own), own);
        }
        for other in ["", "//evil.example", "/\\evil.example", "https://evil.example", "events", "/\t/evil.example"] {
            assert_eq!(own_path(other), "/", "{other}");
        }
    }
}
