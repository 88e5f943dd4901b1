//! Every setting, in one flat struct: flags, or environment variables of the same name.
//!
//! The environment is read here and nowhere else. Values are checked once, here; the parts of the
//! program are handed what they need and never see this.

mod urls;

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use clap::builder::Resettable;
use clap::{Arg, Args, Command, ValueEnum};
use percent_encoding::NON_ALPHANUMERIC;

use crate::access::{Proxies, Rate, StoreAddress};
use crate::event::{Retention, TimestampFormat};
pub use urls::{DatabaseUrl, PublicUrl, QueueUrl, Secret};

/// The settings of one process.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Config {
    /// Address and port to listen on
    #[arg(long, env = "EYE_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDRESS")]
    pub listen: String,

    /// Let everybody who can reach it do everything without a key. On a loopback address that is so for whoever is on
    /// this machine; on any other one it has to be said, or keys be made (`the-eye apps create`)
    #[arg(long, env = "EYE_OPEN")]
    pub open: bool,

    /// Ask for keys on a loopback address too: what a proxy on this machine passes on may look like it came from here
    #[arg(long, env = "EYE_REQUIRE_KEYS")]
    pub require_keys: bool,

    /// Let everybody read /metrics
    #[arg(long, env = "EYE_OPEN_METRICS")]
    pub open_metrics: bool,

    /// Proxies whose `X-Forwarded-For` or `Forwarded` is believed: addresses and networks, with commas
    #[arg(long, env = "EYE_TRUSTED_PROXIES", default_value = "", hide_default_value = true, value_name = "NETWORKS")]
    pub trusted_proxies: Proxies,

    /// Events that one address (of IPv6: one /64) may send in the long run, such as 100/s; ten times as many at once
    #[arg(long, env = "EYE_ADDRESS_RATE", value_name = "N/s")]
    pub address_rate: Option<Rate>,

    /// What is stored of a client's address with its events
    #[arg(long, env = "EYE_STORE_ADDRESS", default_value = "no", value_name = "HOW")]
    pub store_address: StoreAddress,

    /// Directory for everything The Eye writes; made if it is not there
    #[arg(long, env = "EYE_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,

    /// Where events are stored: `sqlite:` (the default: events.db in the data directory), `sqlite:PATH`, or
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`
    #[arg(long, env = "EYE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<DatabaseUrl>,

    /// Where events wait: `sqlite:` (queue.db in the data directory), `sqlite:PATH`, or
    /// `redis://USER:PASSWORD@HOST:PORT/NUMBER` (`rediss:` with TLS)
    #[arg(long, env = "EYE_QUEUE_URL", hide_env_values = true, default_value = "sqlite:", value_name = "URL")]
    pub queue_url: QueueUrl,

    /// The parts of a database URL, where none is given: the PostgreSQL server
    #[arg(long, env = "POSTGRES_HOST", value_name = "HOST")]
    pub postgres_host: Option<String>,

    /// Its port
    #[arg(long, env = "POSTGRES_PORT", default_value_t = 5432, value_name = "PORT")]
    pub postgres_port: u16,

    /// The user there
    #[arg(long, env = "POSTGRES_USER", default_value = "postgres", value_name = "USER")]
    pub postgres_user: String,

    /// The user's password
    #[arg(long, env = "POSTGRES_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub postgres_password: Option<Secret>,

    /// The database there; without it, the one that is called like the user
    #[arg(long, env = "POSTGRES_DB", value_name = "DATABASE")]
    pub postgres_db: Option<String>,

    /// Use a PostgreSQL that may lose what it has committed (`fsync` or `full_page_writes` is off)
    #[arg(long, env = "EYE_ACCEPT_DATA_LOSS")]
    pub accept_data_loss: bool,

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

    /// Connections at once; above it, 503
    #[arg(long, env = "EYE_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub max_connections: u32,

    /// Connections at once from one address (a proxy in front is one)
    #[arg(long, env = "EYE_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub max_connections_per_address: u32,

    /// Events the queue may hold; above it, 503
    #[arg(long, env = "EYE_QUEUE_MAX", default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    pub queue_max: u64,

    /// Bytes of events the queue may hold; above it, 503
    #[arg(long, env = "EYE_QUEUE_MAX_BYTES", default_value = "8GiB", value_parser = size, value_name = "SIZE")]
    pub queue_max_bytes: u64,

    /// Room that stays free on the embedded queue's disk (a tenth of a small one at most); below it, 503
    #[arg(long, env = "EYE_DISK_RESERVE", default_value = "64MiB", value_parser = size, value_name = "SIZE")]
    pub disk_reserve: u64,

    /// Refused events that are kept; above it, the oldest are removed
    #[arg(long, env = "EYE_REJECTED_MAX", default_value_t = 10_000, value_name = "N")]
    pub rejected_max: u64,

    /// How long events are kept after they happened, such as 90d, or 90d,form_interaction=30d (d and h; `forever`)
    #[arg(long, env = "EYE_RETENTION", default_value = "", hide_default_value = true, value_name = "TIMES")]
    pub retention: Retention,

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

impl Config {
    /// The defaults, without a look at the environment, for hosts that embed the library.
    pub fn for_directory(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            open: false,
            require_keys: false,
            open_metrics: false,
            trusted_proxies: Proxies::default(),
            address_rate: None,
            store_address: StoreAddress::No,
            data_dir: data_dir.into(),
            database_url: None,
            queue_url: QueueUrl::Sqlite(None),
            postgres_host: None,
            postgres_port: 5432,
            postgres_user: "postgres".to_owned(),
            postgres_password: None,
            postgres_db: None,
            accept_data_loss: false,
            catalog: None,
            page_size: 10,
            max_event: 1 << 20,
            max_body: 16 << 20,
            max_connections: 10_000,
            max_connections_per_address: 5_000,
            queue_max: 10_000_000,
            queue_max_bytes: 8 << 30,
            disk_reserve: 64 << 20,
            rejected_max: 10_000,
            retention: Retention::default(),
            clock_tolerance: Duration::from_secs(5),
            timestamp_format: TimestampFormat::Rfc3339,
            public_url: None,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            drain_timeout: Duration::from_secs(10),
        }
    }

    /// Where events are stored: the URL that is given, or the one that its parts make, or SQLite.
    pub fn database(&self) -> DatabaseUrl {
        match (&self.database_url, &self.postgres_host) {
            (Some(url), _) => url.clone(),
            (None, Some(host)) => DatabaseUrl::Postgres(self.postgres_url(host)),
            (None, None) => DatabaseUrl::Sqlite(None),
        }
    }

    /// The file of a SQLite database, by default one of that name in the data directory.
    pub fn path(&self, given: Option<PathBuf>, name: &str) -> PathBuf {
        given.unwrap_or_else(|| self.data_dir.join(name))
    }

    fn postgres_url(&self, host: &str) -> Secret {
        let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let password = self.postgres_password.as_ref().map(|password| format!(":{}", encoded(password.reveal())));
        // A host name and an IPv4 address stand as they are, an IPv6 address and a path do not.
        let host = if host.contains(':') { format!("[{host}]") } else { host.replace('/', "%2F") };
        Secret::new(format!(
            "postgres://{}{}@{host}:{}/{}",
            encoded(&self.postgres_user),
            password.unwrap_or_default(),
            self.postgres_port,
            encoded(self.postgres_db.as_ref().unwrap_or(&self.postgres_user)),
        ))
    }
}

/// The command line without the variables that are empty: they count as not set. Compose files and
/// shells make them of variables that nobody set.
pub fn without_empty_variables(command: Command) -> Command {
    let is_empty = |argument: &Arg| argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    let command = command.mut_args(|argument| match is_empty(&argument) {
        true => argument.env(Resettable::Reset),
        false => argument,
    });
    command.mut_subcommands(without_empty_variables)
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

fn size(text: &str) -> Result<u64, String> {
    match text.parse::<ByteSize>() {
        Ok(size) if size.as_u64() > 0 => Ok(size.as_u64()),
        _ => Err("it must be a size above 0, such as 1048576, 512KiB or 16MiB".to_owned()),
    }
}

/// Reads a time such as `5s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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
    fn the_parts_of_a_database_url_make_one_where_none_is_given() {
        let mut config = Config::for_directory("data");
        config.postgres_password = Some(Secret::new("a/b:c@d".to_owned()));
        assert_eq!(config.database(), DatabaseUrl::Sqlite(None), "without a host there is no server");
        let mut check = |host: &str, expected: &str| {
            config.postgres_host = Some(host.to_owned());
            assert_eq!(config.database(), DatabaseUrl::Postgres(Secret::new(expected.to_owned())));
        };
        check("db", "postgres://postgres:a%2Fb%3Ac%40d@db:5432/postgres");
        check("::1", "postgres://postgres:a%2Fb%3Ac%40d@[::1]:5432/postgres");
        check("/run/pg", "postgres://postgres:a%2Fb%3Ac%40d@%2Frun%2Fpg:5432/postgres");
        config.database_url = Some(DatabaseUrl::Sqlite(None));
        assert_eq!(config.database(), DatabaseUrl::Sqlite(None), "a URL wins");
    }
}
