//! What can go wrong with a request, and the only place that knows status codes for it.
//!
//! The texts are DRF's where DRF has one. What went wrong inside is logged, and not sent.

use std::sync::Arc;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::browse::ShowsView;
use super::gate::{OverQuota, SignInView};
use crate::event::Errors;
use crate::queue::QueueError;
use crate::store::StoreError;

/// Seconds after which a client may try again.
const RETRY_SECONDS: &str = "1";

/// How one says who one is.
const CHALLENGE: &str = "Bearer realm=\"The Eye\"";

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Fields or parameters are wrong.
    #[error("invalid")]
    Invalid(Errors),
    /// The event, or every event of the batch, is not valid; the JSON says why.
    #[error("no valid event")]
    InvalidEvents(String),
    /// The body cannot be parsed at all.
    #[error("{0}")]
    Unreadable(String),
    /// The connection broke within the body; nobody will read this.
    #[error("The body ended before its length.")]
    Incomplete,
    /// The body stopped coming.
    #[error("The body did not come in time.")]
    TimedOut,
    /// It takes a key, and came with none that is good.
    #[error("{0}")]
    Unauthorized(String),
    /// A page of another site sent it, or the key is for something else.
    #[error("{0}")]
    Forbidden(String),
    /// No such thing.
    #[error("Not found.")]
    NotFound,
    /// No page of that number.
    #[error("Invalid page.")]
    InvalidPage,
    /// Not with this method.
    #[error("Method \"{method}\" not allowed.")]
    MethodNotAllowed { method: Method, allow: &'static str },
    /// The URL is over its limit.
    #[error("The URL is longer than {0} bytes.")]
    UriTooLong(usize),
    /// Over a limit.
    #[error("{0}")]
    TooLarge(String),
    /// A content type or encoding that is not read here.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// More events than may be sent.
    #[error("Request was throttled. Expected available in {} seconds.", .0.seconds())]
    OverQuota(OverQuota),
    /// The queue was not emptied in time.
    #[error("What was taken in before is not stored yet, and nothing was erased. Try again later.")]
    NotStoredYet,
    /// Which keys are good is not known yet.
    #[error("The keys are not known yet, since the database is away. Try again.")]
    NoKeys,
    /// Too many bodies at once.
    #[error("Too many requests are being read at once. Try again.")]
    Busy,
    /// No stream can be opened now.
    #[error("No stream can be opened now: there are too many, or the database is away. Try again later.")]
    NoStream,
    /// The queue did not take the events.
    #[error("{}", match .0 {
        QueueError::TooLarge(what) => what.as_str(),
        _ => "The events could not be queued. Try again, with the same ids.",
    })]
    Queue(#[from] QueueError),
    /// The store did not answer.
    #[error("The database is not available. Try again.")]
    Store(#[from] StoreError),
    /// A bug: the handler panicked, which is logged by the hook of `telemetry`.
    #[error("Internal server error.")]
    Internal,
}

impl Error {
    /// The status code that says it.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::InvalidEvents(_) | Self::Unreadable(_) | Self::Incomplete => {
                StatusCode::BAD_REQUEST
            }
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::OverQuota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::InvalidPage => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) | Self::Queue(QueueError::TooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy | Self::NotStoredYet | Self::NoKeys | Self::NoStream | Self::Queue(_) | Self::Store(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The body that says it.
    pub(super) fn to_json(&self) -> String {
        match self {
            Self::Invalid(errors) => errors.to_json(),
            Self::InvalidEvents(json) => json.clone(),
            other => serde_json::json!({ "detail": other.to_string() }).to_string(),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::Queue(error) => tracing::debug!(error = %error, "a request could not be queued"),
            Self::Store(error) => tracing::error!(error = %error, "a query failed"),
            _ => (),
        }
        let mut response = (self.status(), self.to_json()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
        }
        match self {
            Self::MethodNotAllowed { allow, .. } => drop(headers.insert(ALLOW, HeaderValue::from_static(allow))),
            Self::Unauthorized(problem) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
                response.extensions_mut().insert(ShowsView(Arc::new(SignInView::before(problem))));
            }
            Self::OverQuota(over) => {
                headers.insert(RETRY_AFTER, over.seconds().into());
                over.add(headers);
            }
            _ => (),
        }
        response
    }
}
