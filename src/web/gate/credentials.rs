//! The key of a request: in its `Authorization` header, or in its URL, where a page that goes away can put it.
//!
//! What does not look like one of our keys is none: other clients send other things, and what is in front of us too.

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};

use super::super::error::Error;
use super::super::form::decoded;
use crate::access::Key;

/// The query parameter of a key.
const PARAMETER: &str = "key";

/// How all of them begin.
const MARK: &str = "eye_";

/// The key that came with a request.
#[derive(Debug)]
pub(super) enum Credential {
    None,
    Key(Key),
    KeyInUrl(Key),
}

/// The one that counts: a header says more than a URL.
pub(super) fn of(headers: &HeaderMap, in_url: Option<String>) -> Result<Credential, Error> {
    if let Some(text) = bearer(headers) {
        return parsed(text).map(Credential::Key);
    }
    in_url.map_or(Ok(Credential::None), |text| parsed(&text).map(Credential::KeyInUrl))
}

/// Takes a key out of the URL, so that no page, no log and no link can show it.
pub(super) fn take_from_url(request: &mut Request) -> Option<String> {
    let (key, rest) = without_key(request.uri().query()?)?;
    let path = request.uri().path();
    let path_and_query = match rest.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{rest}"),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path_and_query).ok();
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    Some(key)
}

/// The first key of a query, and what else there is. A parameter that holds no key of ours stays what it is.
fn without_key(query: &str) -> Option<(String, String)> {
    let mut found = None;
    let mut rest = Vec::new();
    for part in query.split('&') {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let key = (decoded(name.as_bytes()).as_deref() == Some(PARAMETER)).then(|| decoded(value.as_bytes())).flatten();
        match key.filter(|key| key.starts_with(MARK)) {
            Some(key) => drop(found.get_or_insert(key)),
            None => rest.push(part),
        }
    }
    found.map(|key| (key, rest.join("&")))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && token.starts_with(MARK)).then_some(token)
}

fn parsed(text: &str) -> Result<Key, Error> {
    Key::parse(text).ok_or_else(|| Error::Unauthorized("Invalid key: it was cut or mistyped.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, key: Option<&str>, left: &str) {
        let mut request = Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
        assert_eq!(take_from_url(&mut request).as_deref(), key, "{uri}");
        assert_eq!(request.uri(), left, "{uri}");
    }

    #[test]
    fn a_key_is_taken_out_of_the_url() {
        check("/events", None, "/events");
        check("/events?key=eye_w_x", Some("eye_w_x"), "/events");
        check("/events?a=1&key=eye_w_x&b=2", Some("eye_w_x"), "/events?a=1&b=2");
        check("/events?key=eye_w_x&key=eye_w_y&b", Some("eye_w_x"), "/events?b");
        check("/events?%6Bey=eye%5Fw_x", Some("eye_w_x"), "/events");
        check("http://eye.example/events?key=eye_w_x", Some("eye_w_x"), "http://eye.example/events");
        check("/events?key=other&keys=eye_w_x", None, "/events?key=other&keys=eye_w_x");
    }

    #[test]
    fn what_is_no_key_of_ours_is_none() {
        let with = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        for other in ["Token abc", "Basic eye_w_x", "Bearer abc", "Bearer", "eye_w_x", "Bearer  "] {
            assert!(matches!(of(&with(other), None), Ok(Credential::None)), "{other}");
        }
        for wrong in ["Bearer eye_w_x", "bearer  eye_r_", "Bearer eye_"] {
            assert!(matches!(of(&with(wrong), None), Err(Error::Unauthorized(_))), "{wrong}");
        }
        let key = Key::generate(crate::access::Scope::Read).unwrap();
        assert!(matches!(of(&with(&format!("BEARER {}", key.reveal())), Some("x".to_owned())), Ok(Credential::Key(_))));
    }
}
