//! Requests that a page of another site makes a browser send.
//!
//! Trackers on other sites are what The Eye is for: their `fetch` and `sendBeacon` are taken in. A form of
//! another site that is sent as a navigation is not, and what changes anything but by sending events takes only
//! pages of ours. Clients that are no browsers send none of these headers, and are never in the way.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

use super::browse::prefers_html;
use super::error::Error;
use super::site::Site;

/// What a browser says of where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Nothing, as clients do that are no browsers.
    Unknown,
    /// A page of ours, or the person themselves.
    Here,
    Elsewhere,
}

/// Refuses a form that a page of another site sent by a navigation.
pub(super) fn check(headers: &HeaderMap, site: impl FnOnce() -> Site) -> Result<(), Error> {
    let navigates = match text(headers, "sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        // Browsers say so only to hosts they trust the way to.
        None => headers.contains_key(ORIGIN) && prefers_html(headers),
    };
    match navigates && origin(headers, site) == Origin::Elsewhere {
        true => Err(Error::Forbidden("This form was sent by a page of another site.".to_owned())),
        false => Ok(()),
    }
}

/// Refuses whatever says that it comes from a page of another site.
pub(super) fn same_site_only(headers: &HeaderMap, site: &Site) -> Result<(), Error> {
    match origin(headers, || site.clone()) {
        Origin::Elsewhere => Err(Error::Forbidden("Only a page of The Eye itself may send this.".to_owned())),
        Origin::Unknown | Origin::Here => Ok(()),
    }
}

/// Whether a browser says that a page of ours sent this.
pub(super) fn is_own_page(headers: &HeaderMap, site: impl FnOnce() -> Site) -> bool {
    origin(headers, site) == Origin::Here
}

fn origin(headers: &HeaderMap, site: impl FnOnce() -> Site) -> Origin {
    if let Some(fetch_site) = text(headers, "sec-fetch-site") {
        return match fetch_site {
            "same-origin" | "none" => Origin::Here,
            _ => Origin::Elsewhere,
        };
    }
    let Some(origin) = headers.get(ORIGIN) else { return Origin::Unknown };
    let Ok(origin) = origin.to_str() else { return Origin::Elsewhere };
    let named = text(headers, HOST.as_str()).zip(origin.split_once("://"));
    match named.is_some_and(|(host, (_, origin))| host.eq_ignore_ascii_case(origin)) || site().is_origin(origin) {
        true => Origin::Here,
        false => Origin::Elsewhere,
    }
}

/// The text of a header; what is no text is something that we do not know.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "text/html,*/*;q=0.8";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn site() -> Site {
        Site::fixed("https://eye.example/sub")
    }

    #[test]
    fn navigations_from_elsewhere_are_refused_and_trackers_are_not() {
        for (pairs, taken) in [
            (&[][..], true),
            (&[("accept", HTML)], true),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "none")], true),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-mode", "navigate"), ("sec-fetch-site", "\u{e9}")], false),
            (
                &[("sec-fetch-mode", "no-cors"), ("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")],
                true,
            ),
            (&[("sec-fetch-mode", "cors"), ("sec-fetch-site", "cross-site"), ("accept", HTML)], true),
            (&[("accept", HTML), ("origin", "https://shop.example")], false),
            (&[("accept", HTML), ("origin", "null")], false),
            (&[("accept", HTML), ("origin", "https://eye.example")], true),
            (&[("accept", HTML), ("origin", "http://eye.example")], true),
            (&[("accept", HTML), ("origin", "https://eye.example:8443")], false),
            (&[("accept", HTML), ("origin", "http://10.0.0.1:8000"), ("host", "10.0.0.1:8000")], true),
            (&[("accept", HTML), ("origin", "http://10.0.0.1:8001"), ("host", "10.0.0.1:8000")], false),
            (&[("accept", "*/*"), ("origin", "https://shop.example")], true),
        ] {
            assert_eq!(check(&headers(pairs), site).is_ok(), taken, "{pairs:?}");
        }
    }

    #[test]
    fn only_pages_of_ours_or_no_browser_at_all() {
        for (pairs, taken, ours) in [
            (&[][..], true, false),
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "none")], true, true),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://eye.example")], false, false),
            (&[("origin", "https://eye.example")], true, true),
            (&[("origin", "https://eye.example.evil.example")], false, false),
            (&[("origin", "https://shop.example"), ("host", "eye.example")], false, false),
            (&[("origin", "null")], false, false),
            (&[("origin", "")], false, false),
        ] {
            let headers = headers(pairs);
            assert_eq!(same_site_only(&headers, &site()).is_ok(), taken, "{pairs:?}");
            assert_eq!(is_own_page(&headers, site), ours, "{pairs:?}");
        }
    }
}
