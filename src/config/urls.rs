//! Settings that are URLs. Of those that may hold a password nothing is ever shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where events are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file, by default `events.db` in the data directory.
    Sqlite(Option<PathBuf>),
    /// A PostgreSQL database.
    Postgres(Secret),
}

/// Where events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// A SQLite file, by default `queue.db` in the data directory.
    Sqlite(Option<PathBuf>),
    /// A Redis.
    Redis(Secret),
}

/// A text that is not shown: a password, or a URL that may hold one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What clients call the service: scheme, host and any path, without a `/` at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match has_scheme(text, &["postgres", "postgresql"]) {
            true => Ok(Self::Postgres(Secret(text.to_owned()))),
            false => sqlite_path(text, "postgres://").map(Self::Sqlite),
        }
    }
}

impl FromStr for QueueUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match has_scheme(text, &["redis", "rediss"]) {
            true => Ok(Self::Redis(Secret(text.to_owned()))),
            false => sqlite_path(text, "redis://").map(Self::Sqlite),
        }
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: http::Uri = text.parse().map_err(|error| format!("{error}"))?;
        let known = matches!(url.scheme_str(), Some("http" | "https"));
        if !known || url.host().is_none_or(str::is_empty) || url.query().is_some() || text.contains('#') {
            return Err("it must look like https://eye.example.com or https://example.com/eye".to_owned());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

impl PublicUrl {
    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| schemes.contains(&scheme))
}

/// The path of a `sqlite:` URL, if it has one. Messages do not repeat the URL: it may hold a password.
fn sqlite_path(text: &str, other: &str) -> Result<Option<PathBuf>, String> {
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err(format!("it must begin with `sqlite:` or `{other}`"));
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.starts_with(':') || path.starts_with("file:") {
        return Err("after `sqlite:` comes the path of a file; what is only in memory is not kept".to_owned());
    }
    Ok((!path.is_empty()).then(|| PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_a_scheme_and_keep_their_secrets() {
        assert_eq!("sqlite:".parse(), Ok(DatabaseUrl::Sqlite(None)));
        assert_eq!("sqlite:a.db".parse(), Ok(QueueUrl::Sqlite(Some("a.db".into()))));
        assert_eq!("sqlite:///var/a.db".parse(), Ok(QueueUrl::Sqlite(Some("/var/a.db".into()))));
        for url in ["mysql://me:secret@host/db", "secret", "postgres", "sqlite::memory:", "sqlite:file:x"] {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains("`sqlite:`") && !error.contains("secret"), "{error}");
        }
        let secrets = (
            "postgres://me:secret@host/db".parse::<DatabaseUrl>().unwrap(),
            "rediss://me:secret@host/0".parse::<QueueUrl>().unwrap(),
        );
        assert_eq!(format!("{secrets:?}"), "(Postgres(Secret), Redis(Secret))");
    }

    #[test]
    fn a_public_url_has_a_scheme_and_a_host() {
        assert_eq!("https://example.com/eye/".parse::<PublicUrl>().unwrap().as_str(), "https://example.com/eye");
        for url in [
            "example.com",
            "ftp://example.com",
            "https://",
            "https://example.com?x=1",
            "https://example.com/#x",
            "/eye",
        ] {
            assert!(url.parse::<PublicUrl>().is_err(), "{url}");
        }
    }
}
