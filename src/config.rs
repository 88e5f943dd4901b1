//! Every setting, in one flat struct: flags, or environment variables of the same name.
//!
//! The environment is read here and nowhere else. Values are checked once, here; the parts of the
//! program are handed what they need and never see this.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use crate::event::TimestampFormat;

/// The settings of one process.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, env = "EYE_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDRESS")]
    pub listen: String,

    /// Directory for everything The Eye writes; made if it is not there
    #[arg(long, env = "EYE_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,

    /// Where events are stored: `sqlite:` (events.db in the data directory) or `sqlite:PATH`
    #[arg(long, env = "EYE_DATABASE_URL", default_value = "sqlite:", value_name = "URL")]
    pub database_url: DatabaseUrl,

    /// Where events wait: `sqlite:` (queue.db in the data directory) or `sqlite:PATH`
    #[arg(long, env = "EYE_QUEUE_URL", default_value = "sqlite:", value_name = "URL")]
    pub queue_url: QueueUrl,

    /// Directory of event types (*.json) that add to the built-in ones or replace them
    #[arg(long, env = "EYE_CATALOG", value_name = "DIR")]
    pub catalog: Option<PathBuf>,

    /// Events on a page where the request does not say (1 to 1000)
    #[arg(long, env = "EYE_PAGE_SIZE", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub page_size: u32,

    /// Largest event
    #[arg(long, env = "EYE_MAX_EVENT", default_value = "1MiB", value_parser = size, value_name = "SIZE")]
    pub max_event: u64,

    /// Largest request body, after decompression (at most 64MiB, the budget of all bodies)
    #[arg(long, env = "EYE_MAX_BODY", default_value = "16MiB", value_parser = size, value_name = "SIZE")]
    pub max_body: u64,

    /// Events the queue may hold; above it, 503
    #[arg(long, env = "EYE_QUEUE_MAX", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    pub queue_max: u64,

    /// Bytes of events the queue may hold; above it, 503
    #[arg(long, env = "EYE_QUEUE_MAX_BYTES", default_value = "8GiB", value_parser = size, value_name = "SIZE")]
    pub queue_max_bytes: u64,

    /// Refused events that are kept; above it, the oldest are removed
    #[arg(long, env = "EYE_REJECTED_MAX", default_value_t = 10_000, value_name = "N")]
    pub rejected_max: u64,

    /// How far ahead of the server's clock an event may be
    #[arg(long, env = "EYE_CLOCK_TOLERANCE", default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub clock_tolerance: Duration,

    /// How answers print timestamps
    #[arg(long, env = "EYE_TIMESTAMP_FORMAT", default_value = "rfc3339", value_name = "FORMAT")]
    pub timestamp_format: TimestampFormat,

    /// What clients call this service, such as `https://eye.example.com`; without it links follow the request
    #[arg(long, env = "EYE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// Log filter: error, warn, info, debug, or one for each part (`info,the_eye::worker=debug`)
    #[arg(long, env = "EYE_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,

    /// How the log looks on the terminal
    #[arg(long, env = "EYE_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// How long a stop waits for open requests and for the queue to be stored
    #[arg(long, env = "EYE_DRAIN_TIMEOUT", default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub drain_timeout: Duration,
}

/// How the log looks on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Where events are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file, by default `events.db` in the data directory.
    Sqlite(Option<PathBuf>),
}

/// Where events wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueUrl {
    /// A SQLite file, by default `queue.db` in the data directory.
    Sqlite(Option<PathBuf>),
}

/// What clients call the service: scheme, host and any path, without a `/` at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl Config {
    /// The defaults, without a look at the environment, for hosts that embed the library.
    pub fn for_directory(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            data_dir: data_dir.into(),
            database_url: DatabaseUrl::Sqlite(None),
            queue_url: QueueUrl::Sqlite(None),
            catalog: None,
            page_size: 10,
            max_event: 1 << 20,
            max_body: 16 << 20,
            queue_max: 10_000_000,
            queue_max_bytes: 8 << 30,
            rejected_max: 10_000,
            clock_tolerance: Duration::from_secs(5),
            timestamp_format: TimestampFormat::Rfc3339,
            public_url: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            drain_timeout: Duration::from_secs(10),
        }
    }

    /// The file of the embedded store.
    pub fn store_path(&self) -> PathBuf {
        let DatabaseUrl::Sqlite(path) = &self.database_url;
        path.clone().unwrap_or_else(|| self.data_dir.join("events.db"))
    }

    /// The file of the embedded queue.
    pub fn queue_path(&self) -> PathBuf {
        let QueueUrl::Sqlite(path) = &self.queue_url;
        path.clone().unwrap_or_else(|| self.data_dir.join("queue.db"))
    }
}

/// Reads the `.env` file of a directory into the environment, where there is one; what is set
/// already stays.
pub fn read_env_file(directory: &Path) -> Result<(), String> {
    let path = directory.join(".env");
    match dotenvy::from_path(&path) {
        Ok(()) => Ok(()),
        Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        // Its message would show the line, which may hold a password.
        Err(dotenvy::Error::LineParse(_, at)) => {
            Err(format!("cannot read `{}`: a line is not NAME=VALUE (at character {at})", path.display()))
        }
        Err(error) => Err(format!("cannot read `{}`: {error}", path.display())),
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        sqlite_path(text, "postgres").map(Self::Sqlite)
    }
}

impl FromStr for QueueUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        sqlite_path(text, "redis").map(Self::Sqlite)
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

/// The path of a `sqlite:` URL, if it has one. Messages do not repeat the URL: it may hold a password.
fn sqlite_path(text: &str, later: &str) -> Result<Option<PathBuf>, String> {
    let Some(path) = text.strip_prefix("sqlite:") else {
        let scheme = text.split(':').next().unwrap_or_default();
        return Err(match scheme.starts_with(later) {
            true => format!("this version knows `sqlite:` alone; `{later}:` is on its way"),
            false => "it must begin with `sqlite:`".to_owned(),
        });
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.starts_with(':') || path.starts_with("file:") {
        return Err("after `sqlite:` comes the path of a file; what is only in memory is not kept".to_owned());
    }
    Ok((!path.is_empty()).then(|| PathBuf::from(path)))
}

fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err("it must be a size above 0, such as 1048576, 512KiB or 16MiB".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds: Result<u64, _> = text.parse();
    match seconds {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or_else(|| "it must be a time, such as 5, 5s, 500ms or 2m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(size("16MiB"), Ok(16 << 20));
        assert_eq!(size("1048576"), Ok(1 << 20));
        assert!(size("0").is_err() && size("many").is_err() && size("-1").is_err());
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }

    #[test]
    fn urls_are_sqlite_and_keep_their_secrets() {
        assert_eq!("sqlite:".parse(), Ok(DatabaseUrl::Sqlite(None)));
        assert_eq!("sqlite:a.db".parse(), Ok(QueueUrl::Sqlite(Some("a.db".into()))));
        assert_eq!("sqlite:///var/a.db".parse(), Ok(QueueUrl::Sqlite(Some("/var/a.db".into()))));
        for url in
            ["postgres://me:secret@host/db", "mysql://me:secret@host/db", "secret", "sqlite::memory:", "sqlite:file:x"]
        {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains("`sqlite:`") && !error.contains("secret"), "{error}");
        }
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
