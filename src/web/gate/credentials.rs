//! The key of a request: in its `Authorization` header, or in its URL, where a page that goes away can put it.
//!
//! What does not look like one of our keys is none: other clients send other things, and what is in front of us too.

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};

use super::super::error::Error;
use super::super::form::decoded;
use crate::access::{Key, Scope};

/// The query parameter of a key.
const PARAMETER: &str = "key";

/// How all of them begin.
const MARK: &str = "eye_";

/// The key that counts: a header says more than a URL, in which only a write key may stand.
pub(super) fn key(headers: &HeaderMap, in_url: Option<String>) -> Result<Option<Key>, Error> {
    if let Some(text) = bearer(headers) {
        return parsed(text).map(Some);
    }
    let Some(key) = in_url.map(|text| parsed(&text)).transpose()? else { return Ok(None) };
    match key.scope() {
        Scope::Write => Ok(Some(key)),
        Scope::Read | Scope::Admin => {
            let text = "Only a write key may stand in a URL. Send this one as `Authorization: Bearer …`.";
            Err(Error::Unauthorized(text.to_owned()))
        }
    }
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
            assert!(matches!(key(&with(other), None), Ok(None)), "{other}");
        }
        for wrong in ["Bearer eye_w_x", "bearer  eye_r_", "Bearer eye_"] {
            assert!(matches!(key(&with(wrong), None), Err(Error::Unauthorized(_))), "{wrong}");
        }
        let [read, write] = [Scope::Read, Scope::Write].map(|scope| Key::generate(scope).unwrap());
        let in_url = |key: &Key| Some(key.reveal().to_owned());
        let in_header = with(&format!("BEARER {}", read.reveal()));
        assert_eq!(key(&in_header, in_url(&write)).unwrap(), Some(read.clone()), "the header counts");
        assert_eq!(key(&HeaderMap::new(), in_url(&write)).unwrap(), Some(write));
        assert!(key(&HeaderMap::new(), in_url(&read)).is_err());
    }
}
