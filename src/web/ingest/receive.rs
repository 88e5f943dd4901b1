//! From a request's body to verdicts: reading, decompressing, and telling the content types apart.

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;

use super::super::App;
use super::super::body::{self, Received, Share};
use super::super::cross_site;
use super::super::decode::{self, Encoding};
use super::super::error::Error;
use super::super::form;
use super::super::site::Site;
use super::judge::{Judge, Judged, Sender};

/// Bodies over this size are parsed on a thread of their own, so that others need not wait.
const LARGE: usize = 64 * 1024;

/// A body that was not read to its end, or could not be understood as a whole.
pub(super) struct Unread {
    pub(super) error: Error,
    /// As much of it as there is.
    pub(super) body: Vec<u8>,
    /// Bytes of it that came and are not here.
    pub(super) more: usize,
}

impl Unread {
    fn new(error: Error, body: Vec<u8>) -> Self {
        Self { error, body, more: 0 }
    }
}

/// What a body holds, by its content type.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Json,
    NdJson,
    Form,
    /// A form of a page of ours, which may hold a body of another type.
    OwnForm,
    Multipart {
        boundary: String,
    },
}

/// Reads a body and judges what is in it. The share of the memory budget has to live as long as
/// the events are held.
pub(super) async fn receive(app: &App, parts: &Parts, body: Body, sender: Sender) -> Result<(Judged, Share), Unread> {
    let Received { bytes, more, mut share, problem } = body::read(body, app.settings.max_body, &app.budget).await;
    if let Some(error) = problem {
        return Err(Unread { error, body: bytes, more });
    }
    let headers = &parts.headers;
    let (mut content, encodings) = match content(headers).and_then(|content| Ok((content, Encoding::of(headers)?))) {
        Ok(found) => found,
        Err(error) => return Err(Unread::new(error, bytes)),
    };
    let limit = app.settings.max_body;
    let bytes = match encodings.is_empty() {
        true => bytes,
        false => {
            let decoder = app.budget.decoder().await;
            let decoded;
            (decoded, share) = apart(move || {
                let _decoder = decoder;
                let decoded = decode::decode(&bytes, &encodings, limit, &mut share);
                (decoded.map_err(|error| Unread::new(error, bytes)), share)
            })
            .await;
            decoded?
        }
    };
    let site = || Site::new(app, &parts.uri, headers, &parts.extensions);
    if content == Content::Form && form::may_hold_a_body(&bytes) && cross_site::is_own_page(headers, site) {
        content = Content::OwnForm;
    }
    let judge = Judge::new(app.clone(), sender);
    let judged = match bytes.len() > LARGE {
        true => apart(move || judged(&judge, &content, bytes)).await,
        false => judged(&judge, &content, bytes),
    };
    Ok((judged?, share))
}

fn judged(judge: &Judge, content: &Content, bytes: Vec<u8>) -> Result<Judged, Unread> {
    let judged = match content {
        Content::Json => judge.json(&bytes),
        Content::NdJson => judge.lines(&bytes),
        Content::OwnForm => match form::held_body(&bytes) {
            Some((content_type, body)) => match content_called(&content_type) {
                Ok(content) => return judged(judge, &content, body.into_bytes()),
                Err(error) => return Err(Unread::new(error, body.into_bytes())),
            },
            None => judge.form(&bytes, form::urlencoded),
        },
        Content::Form => judge.form(&bytes, form::urlencoded),
        Content::Multipart { boundary } => judge.form(&bytes, |body| form::multipart(body, boundary)),
    };
    judged.map_err(|error| Unread::new(error, bytes))
}

/// Runs what takes its time where it holds up nobody.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // A panic goes on here and is answered as one; tasks are cancelled only when the runtime ends.
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}

fn content(headers: &HeaderMap) -> Result<Content, Error> {
    content_called(headers.get(CONTENT_TYPE).map_or(Ok(""), |value| value.to_str()).unwrap_or("?"))
}

fn content_called(value: &str) -> Result<Content, Error> {
    let unsupported = || {
        let shown: String = value.chars().take(100).collect();
        Error::UnsupportedMediaType(format!("Unsupported media type \"{shown}\" in request."))
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| essence.eq_ignore_ascii_case(name);
    if is("application/json") || is("text/plain") {
        Ok(Content::Json)
    } else if is("application/x-ndjson") {
        Ok(Content::NdJson)
    } else if is("application/x-www-form-urlencoded") {
        Ok(Content::Form)
    } else if is("multipart/form-data") {
        let unreadable = "Multipart form parse error - Invalid boundary in multipart: None";
        let boundary = multer::parse_boundary(value).map_err(|_| Error::Unreadable(unreadable.to_owned()))?;
        Ok(Content::Multipart { boundary })
    } else {
        Err(unsupported())
    }
}
