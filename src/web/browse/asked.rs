//! What a page shows of its request: the line, and what was typed into a form.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Uri};
use futures_util::StreamExt;

use super::super::App;
use super::super::form::{self, Pairs, decoded};
use super::super::gate::Caller;
use super::super::site::Site;

/// The longest form that is kept to be shown again. It is kept as it came, without a copy, and only as long as
/// its request takes.
const MOST: usize = 4 << 20;

/// A request, as its page shows it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) site: Site,
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// Whether a key lets them see this, and not where they are.
    pub(super) has_key: bool,
    body: Arc<Mutex<Kept>>,
}

/// What came of a body so far.
#[derive(Debug, Default)]
struct Kept {
    parts: Vec<Bytes>,
    length: usize,
}

impl Asked {
    /// What will be shown of a request, and the request to be handled.
    pub(super) fn of(app: &App, request: Request) -> (Request, Self) {
        let asked = Self {
            site: Site::new(app, request.uri(), request.headers(), request.extensions()),
            method: request.method().clone(),
            uri: request.uri().clone(),
            has_key: request.extensions().get::<Caller>().is_some(),
            body: Arc::default(),
        };
        let is_form = request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        let request = match is_form {
            true => request.map(|body| asked.listen(body)),
            false => request,
        };
        (request, asked)
    }

    /// The fields of the form that was sent; none if there was none, or it was too long.
    pub(super) fn form(&self) -> Pairs {
        let kept = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.length <= MOST {
            true => form::urlencoded(&kept.parts.concat()).unwrap_or_default(),
            false => Pairs::new(),
        }
    }

    /// The value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// This place with one parameter set to another value.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let query = self.uri.query().unwrap_or_default();
        let others = query.split('&').filter(|part| {
            let found = part.split('=').next().unwrap_or_default();
            !part.is_empty() && decoded(found.as_bytes()).is_none_or(|found| found != name)
        });
        let mut path = format!("{}?", self.site.here_path());
        for part in others {
            path.push_str(part);
            path.push('&');
        }
        path.push_str(&format!("{name}={value}"));
        path
    }

    fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        self.uri.query().unwrap_or_default().split('&').map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let text = |text: &str| decoded(text.as_bytes()).unwrap_or_default();
            (text(name), text(value))
        })
    }

    fn listen(&self, body: Body) -> Body {
        let kept = self.body.clone();
        Body::from_stream(body.into_data_stream().inspect(move |part| {
            let Ok(part) = part else { return };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.length += part.len();
            match kept.length <= MOST {
                true => kept.parts.push(part.clone()),
                false => kept.parts.clear(),
            }
        }))
    }
}
