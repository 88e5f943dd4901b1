//! An answer of JSON, with the headers that go with it.

use std::sync::Arc;

use axum::http::header::{CONTENT_TYPE, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::browse::{ShowsView, View};
use super::gate::Quota;

/// The header that says which preferences were met (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Headers that an answer has at most, as a rule: room for them is made once.
const HEADERS: usize = 6;

/// The neighbours of a page, left with the response for those who show it.
#[derive(Debug, Clone)]
pub(super) struct PageLinks {
    /// URLs by their relation.
    pub(super) links: Vec<(&'static str, String)>,
    /// The page's number and the last one's, where pages have numbers.
    pub(super) numbers: Option<(u64, u64)>,
}

/// What a handler found.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    links: Option<PageLinks>,
    view: Option<Arc<dyn View>>,
    json: Vec<u8>,
}

impl Answer {
    /// An answer whose body is already JSON.
    pub(super) fn new(status: StatusCode, json: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: HeaderMap::with_capacity(HEADERS), links: None, view: None, json: json.into() }
    }

    /// Where the new event will be.
    pub(super) fn location(self, path: String) -> Self {
        self.with(LOCATION, path)
    }

    /// The neighbours of a page (RFC 8288).
    pub(super) fn links(mut self, links: PageLinks) -> Self {
        let values: Vec<_> = links.links.iter().map(|(rel, url)| format!("<{url}>; rel=\"{rel}\"")).collect();
        self.links = Some(links);
        match values.is_empty() {
            true => self,
            false => self.with(LINK, values.join(", ")),
        }
    }

    /// Which preferences were met.
    pub(super) fn applied(self, preferences: &[&str]) -> Self {
        match preferences.is_empty() {
            true => self,
            false => self.with(PREFERENCE_APPLIED, preferences.join(", ")),
        }
    }

    /// What of a quota is left.
    pub(super) fn within(mut self, quota: &Quota) -> Self {
        quota.add(&mut self.headers);
        self
    }

    /// A page of its own, for browsers.
    pub(super) fn view(mut self, view: impl View + 'static) -> Self {
        self.view = Some(Arc::new(view));
        self
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        // Hosts and parameters come from the request; what no header can hold is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.json.into());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(links) = self.links {
            response.extensions_mut().insert(links);
        }
        if let Some(view) = self.view {
            response.extensions_mut().insert(ShowsView(view));
        }
        response
    }
}
