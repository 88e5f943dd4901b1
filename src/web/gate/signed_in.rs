//! Somebody who signed in with a key: a cookie says which key, until when, and that we wrote it.
//!
//! Nothing of it is kept. It ends with its time, or with its key, and in every process at once that shares the store.

use std::sync::Arc;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::App;
use super::super::error::Error;
use crate::access::{Grant, Key, KeyHash, Known};
use crate::event::Timestamp;

/// The cookie's name.
const NAME: &str = "eye_sign_in";

/// How long one stays signed in, in seconds.
const LASTS: i64 = 12 * 60 * 60;

/// What its signatures are for.
const PURPOSE: &str = "sign-in";

/// What the cookie of a request lets one do, if it has one that is good.
pub(super) fn grant(app: &App, headers: &HeaderMap) -> Result<Option<Arc<Grant>>, Error> {
    let mut cookies = cookies(headers).peekable();
    if cookies.peek().is_none() {
        return Ok(None);
    }
    let known = app.keys.known().ok_or(Error::NoKeys)?;
    let now = app.clock.now();
    Ok(cookies.find_map(|value| read(&known, value, now)))
}

/// The header that signs somebody in.
pub(super) fn begin(known: &Known, key: &Key, now: Timestamp, place: &Place) -> String {
    let end = now.as_micros() / 1_000_000 + LASTS;
    let value = write(known, key.prefix(), &key.hash(), end);
    format!("{NAME}={value}; Max-Age={LASTS}; {}", place.attributes())
}

/// The header that ends it.
pub(super) fn end(place: &Place) -> String {
    format!("{NAME}=; Max-Age=0; {}", place.attributes())
}

/// Where a cookie is sent back to.
pub(super) struct Place {
    /// The path under which we are mounted.
    path: String,
    /// Whether the way there is encrypted.
    is_secure: bool,
}

impl Place {
    pub(super) fn new(mount: &str, public_url: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Self {
        let is_https = |url: &str| url.starts_with("https://");
        // What a proxy says of the way to it can only make this stricter.
        let forwarded = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
        let is_secure = public_url.map_or(uri.scheme_str() == Some("https") || forwarded, is_https);
        Self { path: format!("{mount}/"), is_secure }
    }

    fn attributes(&self) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("Path={}; HttpOnly; SameSite=Strict{secure}", self.path)
    }
}

fn write(known: &Known, prefix: &str, hash: &KeyHash, end: i64) -> String {
    let signature = known.secret.sign(PURPOSE, &[hash.as_bytes(), &end.to_be_bytes()]);
    format!("{prefix}.{end}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn read(known: &Known, value: &str, now: Timestamp) -> Option<Arc<Grant>> {
    let mut parts = value.splitn(3, '.');
    let (prefix, end, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let (end, signature) = (end.parse::<i64>().ok()?, URL_SAFE_NO_PAD.decode(signature).ok()?);
    if end <= now.as_micros() / 1_000_000 {
        return None;
    }
    let is_of = |hash: &KeyHash| known.secret.signed(PURPOSE, &[hash.as_bytes(), &end.to_be_bytes()], &signature);
    known.good(prefix, now).find(|grant| is_of(&grant.key.hash)).cloned()
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME && !value.is_empty()).then_some(value)
    })
}
