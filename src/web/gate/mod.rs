//! Who may pass: each handler asks for a permission, and a request has it by its key, by the cookie of somebody who
//! signed in, or by where it comes from.
//!
//! A key is for what its scope says, wherever it is sent. Cookies let one read and nothing else, so that no page can
//! make a browser change anything. What was found out is left with the request as a [`Caller`].

mod cors;
mod credentials;
mod keys;
mod local;
mod quota;
mod sign_in;
mod signed_in;

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{CACHE_CONTROL, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};

use super::App;
use super::error::Error;
use crate::access::{Access, Grant, Scope};
use crate::store::Filter;
use cors::Cors;
pub(super) use cors::preflight;
pub(crate) use keys::Keys;
pub(crate) use quota::Quotas;
pub(super) use quota::{OverQuota, Quota};
pub(super) use sign_in::{SignInView, sign_in, sign_in_page, sign_out};

/// What a handler lets one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    /// Nothing that needs to be allowed.
    Anyone,
    /// Send events.
    Ingest,
    /// Read.
    Read,
    /// Read the counters, which may be open to everyone.
    Metrics,
    /// Change what is there.
    Administer,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// What the key lets them do; nothing where none was needed.
    pub(super) grant: Option<Arc<Grant>>,
}

/// What an answer has to say of who asked.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// A page of another site may read it.
    cors: Option<Cors>,
    /// It is for the holder of a key.
    is_private: bool,
}

/// Lets a request pass, or says why not.
pub(super) async fn admit(app: &App, permission: Permission, request: &mut Request) -> Result<Admitted, Error> {
    // First of all: from here on nothing can show it.
    let in_url = credentials::take_from_url(request);
    if permission == Permission::Anyone {
        return Ok(Admitted::default());
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let grant = match credentials::key(request.headers(), in_url)? {
        Some(key) => Some(app.keys.grant(&key, app.clock.now()).await?),
        None if is_open(app, permission, request) => return Ok(Admitted::default()),
        None if is_read => signed_in::grant(app, request.headers())?,
        None => None,
    };
    let Some(grant) = grant else { return Err(no_key(app, request)) };
    if permission == Permission::Metrics && grant.sees.is_some() {
        return Err(Error::Forbidden("The counters are of all applications, and this key sees one.".to_owned()));
    }
    if !permission.is_given_by(grant.scope) {
        let (scope, needed) = (grant.scope.as_str(), permission.needs());
        return Err(Error::Forbidden(format!(
            "You do not have permission to perform this action. It takes {needed}, and this is a {scope} key."
        )));
    }
    let cors = match request.headers().get(ORIGIN) {
        Some(origin) if permission == Permission::Ingest => Some(from_page(&grant, origin)?),
        _ => None,
    };
    request.extensions_mut().insert(Caller { grant: Some(grant) });
    Ok(Admitted { cors, is_private: true })
}

impl Admitted {
    /// Says it.
    pub(super) fn add(self, headers: &mut HeaderMap) {
        if self.is_private {
            // Nobody in between may keep it for others.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
        if let Some(cors) = self.cors {
            cors.add(headers);
        }
    }
}

/// Whether one needs no key.
fn is_open(app: &App, permission: Permission, request: &Request) -> bool {
    match app.settings.access {
        Access::Open => true,
        Access::Loopback if local::is_local(request) => true,
        Access::Loopback | Access::Keys => permission == Permission::Metrics && app.settings.open_metrics,
    }
}

fn no_key(app: &App, request: &Request) -> Error {
    let way = match app.settings.access {
        Access::Loopback => local::why_not(request),
        _ => "Send a key: `Authorization: Bearer eye_…`.",
    };
    Error::Unauthorized(format!("Authentication credentials were not provided. {way}"))
}

/// A key is of use only on pages of the sites it was made for.
fn from_page(grant: &Grant, origin: &HeaderValue) -> Result<Cors, Error> {
    match origin.to_str().is_ok_and(|origin| grant.is_for_origin(origin)) {
        true => Ok(Cors::to(origin.clone())),
        false => {
            let text =
                "This key may not be used by pages of this site. `the-eye apps change NAME --origin …` adds one.";
            Err(Error::Forbidden(text.to_owned()))
        }
    }
}

impl Permission {
    fn is_given_by(self, scope: Scope) -> bool {
        match self {
            Self::Anyone => true,
            Self::Ingest => scope == Scope::Write,
            Self::Read | Self::Metrics => scope != Scope::Write,
            Self::Administer => scope == Scope::Admin,
        }
    }

    fn needs(self) -> &'static str {
        match self {
            Self::Anyone => "none",
            Self::Ingest => "a write key",
            Self::Read | Self::Metrics => "a read key",
            Self::Administer => "an admin key",
        }
    }
}

impl Caller {
    /// Ends when what lets them read does.
    pub(super) async fn ended(self, app: App) {
        match self.grant {
            Some(grant) => app.keys.ended(&grant, app.clock).await,
            None => std::future::pending().await,
        }
    }

    /// The one application whose events they see; all where there is none.
    pub(super) fn sees(&self) -> Option<&str> {
        self.grant.as_ref()?.sees.as_deref()
    }

    /// Leaves no more of a filter than they see.
    pub(super) fn narrow(&self, filter: &mut Filter) -> Result<(), Error> {
        let Some(sees) = self.sees() else { return Ok(()) };
        match &filter.application {
            Some(other) if other != sees => {
                Err(Error::Forbidden("You do not have permission to see events of this application.".to_owned()))
            }
            _ => {
                filter.application = Some(sees.to_owned());
                Ok(())
            }
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
