//! Pages of other sites: those of an application's origins may send events, and read the answers to that.
//!
//! No site may read anything else, and none is named by `*`: an origin is let in to the letter, or not at all.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::App;
use super::super::error::Error;

/// Seconds for which a browser need not ask again; two hours are the most that one keeps to.
const MAX_AGE: &str = "7200";

/// What a page may send along, beside what it always may.
const HEADERS: &str = "authorization, content-encoding, content-type, prefer";

/// What a page may read of an answer, beside what it always may.
const EXPOSED: &str = "location, preference-applied, ratelimit, ratelimit-policy, retry-after";

/// What an answer says to a page that may read it.
#[derive(Debug)]
pub(in crate::web) struct Cors(HeaderValue);

impl Cors {
    pub(super) fn to(origin: HeaderValue) -> Self {
        Self(origin)
    }

    /// Says it.
    pub(in crate::web) fn add(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.0);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// The answer to a browser that asks whether a page may send events; nothing if this is another question. Such a
/// question brings no key, so the page's site has to be in some application's list.
pub(in crate::web) fn preflight(app: &App, headers: &HeaderMap) -> Option<Response> {
    headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let origin = headers.get(ORIGIN)?;
    let known = app.keys.known();
    let is_known = |origin: &str| known.is_some_and(|known| known.has_origin(origin));
    let mut answer = match origin.to_str().is_ok_and(is_known) {
        true => StatusCode::NO_CONTENT.into_response(),
        false => Error::Forbidden("No application has pages of this site.".to_owned()).into_response(),
    };
    if answer.status() == StatusCode::NO_CONTENT {
        Cors::to(origin.clone()).add(answer.headers_mut());
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, "POST"),
            (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    Some(answer)
}
