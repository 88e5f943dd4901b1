//! Where this service is, as the client sees it: links follow the request's host and the path
//! under which a host application mounted us, or `EYE_PUBLIC_URL`.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, Uri};

use super::App;

/// The path under which we are mounted, alone; it costs nothing where that is the root.
#[derive(Debug, Clone)]
pub(super) struct Mount(String);

/// The client's view of one request.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// Scheme and host, and the path under which we are mounted; no `/` at the end.
    root: String,
    /// The path alone.
    mount: String,
    /// The request's path below that.
    path: String,
}

impl Site {
    /// The absolute URL of the requested path with that query.
    pub(super) fn here(&self, pairs: &[(String, String)]) -> String {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        format!("{}{}{}", self.root, self.path, query(&pairs))
    }

    /// The path of one of our resources.
    pub(super) fn path(&self, resource: &str) -> String {
        format!("{}{resource}", self.mount)
    }

    /// The path that was asked for, as a link that leads nowhere else: a browser takes what follows two slashes, of
    /// either kind, for a host.
    pub(super) fn here_path(&self) -> String {
        let path = self.path.replace('\\', "%5C");
        self.path(&format!("/{}", path.trim_start_matches('/')))
    }

    /// The absolute URL of one of our resources.
    pub(super) fn url(&self, resource: &str) -> String {
        format!("{}{resource}", self.root)
    }
}

impl Site {
    /// The path of one session.
    pub(super) fn session_path(&self, session_id: &str) -> String {
        self.path(&session(session_id))
    }

    /// The absolute URL of one session.
    pub(super) fn session_url(&self, session_id: &str) -> String {
        self.url(&session(session_id))
    }

    /// The path of a URL that is ours.
    pub(super) fn own_path(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.root)?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| self.path(if rest.is_empty() { "/" } else { rest }))
    }

    /// Whether an `Origin` is where this service is.
    pub(super) fn is_origin(&self, origin: &str) -> bool {
        // What ends TLS before us tells us nothing of it, so the schemes may differ.
        let host = |url: &str| url.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or(rest).to_owned());
        host(origin).is_some_and(|origin| host(&self.root).is_some_and(|own| own.eq_ignore_ascii_case(&origin)))
    }

    #[cfg(test)]
    pub(super) fn fixed(root: &str) -> Self {
        let mount =
            root.split_once("://").unwrap().1.find('/').map_or("", |at| &root[root.find("://").unwrap() + 3 + at..]);
        Self { root: root.to_owned(), mount: mount.to_owned(), path: "/".to_owned() }
    }

    pub(super) fn new(app: &App, uri: &Uri, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let path = uri.path().to_owned();
        let Mount(mount) = Mount::new(app, uri, extensions);
        if let Some(root) = &app.settings.public_url {
            return Self { root: root.clone(), mount, path };
        }
        let scheme = uri.scheme_str().unwrap_or("http");
        let host = uri
            .authority()
            .map(Authority::as_str)
            .or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()))
            .filter(|host| is_plain(host))
            .unwrap_or("localhost");
        Self { root: format!("{scheme}://{host}{mount}"), mount, path }
    }
}

impl Mount {
    fn new(app: &App, uri: &Uri, extensions: &Extensions) -> Self {
        if let Some(root) = &app.settings.public_url {
            let after_scheme = root.split_once("://").map_or("", |(_, rest)| rest);
            return Self(after_scheme.find('/').map_or("", |at| &after_scheme[at..]).to_owned());
        }
        let original = extensions.get::<OriginalUri>().map_or(uri.path(), |uri| uri.path());
        let mount = match original.strip_suffix(uri.path()) {
            Some(mount) => mount,
            // Mounted under `/eye`, `/eye` is our `/`.
            None => original.trim_end_matches('/'),
        };
        Self(mount.to_owned())
    }

    /// The path of one of our resources.
    pub(super) fn path(&self, resource: &str) -> String {
        format!("{}{resource}", self.0)
    }
}

impl FromRequestParts<App> for Site {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::new(app, &parts.uri, &parts.headers, &parts.extensions))
    }
}

impl FromRequestParts<App> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::new(app, &parts.uri, &parts.extensions))
    }
}

/// Where one session is. A browser takes away path segments that are dots, also encoded ones, so those two sessions
/// are reached through the list of events.
fn session(session_id: &str) -> String {
    match session_id {
        "." | ".." => format!("/events{}", query(&[("session_id", session_id)])),
        // A dot before `json` would ask for a format.
        _ => format!("/sessions/{}", encoded(session_id).collect::<String>().replace('.', "%2E")),
    }
}

/// Parameters as the end of a URL; nothing of none.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.extend(encoded(name));
        out.push('=');
        out.extend(encoded(value));
    }
    out
}

/// Whether a host can stand in a link without being quoted.
fn is_plain(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(plain)
}

/// A text as a query holds it: letters, digits and `-._~` as they are.
fn encoded(text: &str) -> impl Iterator<Item = &str> {
    const KEPT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT)
}
