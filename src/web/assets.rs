//! What pages load: files of `assets/`, compiled in. Nothing is ever loaded from elsewhere.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use super::error::Error;

/// One file.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
    /// Another one for another text: links name it, so that an answer may be kept for long.
    version: u64,
}

const ASSETS: [Asset; 4] = [
    Asset::new("the-eye.css", "text/css; charset=utf-8", include_str!("../../assets/the-eye.css")),
    Asset::new("live.js", "text/javascript; charset=utf-8", include_str!("../../assets/live.js")),
    Asset::new("replay.js", "text/javascript; charset=utf-8", include_str!("../../assets/replay.js")),
    Asset::new("the-eye.svg", "image/svg+xml", include_str!("../../assets/the-eye.svg")),
];

/// The file of that name.
pub(super) async fn one(
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let Ok(Path(name)) = name else { return Err(Error::NotFound) };
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Error::NotFound)?;
    // Who was sent here by a page of another version is not to keep this one for that.
    let caching = match query.is_some_and(|query| query == format!("v={:x}", asset.version)) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, caching)];
    Ok((headers, asset.text).into_response())
}

/// The path of a file, with its version.
pub(super) fn path(name: &str) -> String {
    let version = ASSETS.iter().find(|asset| asset.name == name).map_or(0, |asset| asset.version);
    format!("/assets/{name}?v={version:x}")
}

impl Asset {
    const fn new(name: &'static str, content_type: &'static str, text: &'static str) -> Self {
        Self { name, content_type, text, version: fnv(text.as_bytes()) }
    }
}

/// FNV-1a: enough to tell two versions of a file apart, and it runs at compile time.
const fn fnv(bytes: &[u8]) -> u64 {
    let (mut hash, mut at) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
