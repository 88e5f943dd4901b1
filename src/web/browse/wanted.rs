//! JSON or a page: a suffix or `format` decides, and else what the client accepts.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};

use super::super::App;
use super::super::form::decoded;

/// What a client wants to have. A handler may ask for it; most leave it to what stands around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Wanted {
    Json,
    Page,
}

impl Wanted {
    /// What a request wants.
    pub(in crate::web) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let named = |format: &str| match format {
            "json" => Some(Self::Json),
            "api" | "html" => Some(Self::Page),
            _ => None,
        };
        let query = uri.query().unwrap_or_default();
        let format = query.split('&').find_map(|part| part.strip_prefix("format="));
        let format = format.and_then(|format| decoded(format.as_bytes())).and_then(|format| named(&format));
        // The id of a session may end in anything.
        let is_session = uri.path().starts_with("/sessions/");
        let suffix = uri.path().rsplit_once('.').filter(|_| !is_session).and_then(|(_, suffix)| named(suffix));
        format.or(suffix).unwrap_or_else(|| match prefers_html(headers) {
            true => Self::Page,
            false => Self::Json,
        })
    }
}

impl FromRequestParts<App> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

/// Whether `text/html` is named, and wanted more than JSON (RFC 9110, 12.5.1).
pub(in crate::web) fn prefers_html(headers: &HeaderMap) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, path: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, accept.parse().unwrap());
        let wanted = Wanted::of(&path.parse().unwrap(), &headers);
        assert_eq!(wanted == Wanted::Page, expected, "{accept} {path}");
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
