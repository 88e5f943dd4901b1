//! PostgreSQL and Redis for tests: the pair that `script/dev-services` started for all of them, and
//! servers of a test's own, which it may kill, stop and start again.

mod server;

use std::fs;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use the_eye::clock::Clock;

use server::{Kind, bound_to_us, postgres_program, postgres_user, psql, variable};
pub use server::{Server, Spot, free_port, optional_variable};

/// The database `postgres` of the shared PostgreSQL.
pub fn shared_postgres_url() -> String {
    variable("EYE_TEST_POSTGRES_URL")
}

/// The shared Redis.
pub fn shared_redis_url() -> String {
    variable("EYE_TEST_REDIS_URL")
}

/// A new and empty schema of the shared PostgreSQL: a URL with which it is all there is. That is made
/// sooner than a database.
pub async fn new_schema() -> String {
    let url = shared_postgres_url();
    let name = format!("test_{}", Clock::System.new_id().simple());
    psql(&url, &format!("CREATE SCHEMA {name}")).await.unwrap();
    format!("{url}?options=-c%20search_path%3D{name}")
}

/// A queue of one's own in the shared Redis: its URL.
pub fn new_queue() -> String {
    format!("{}?prefix={}", shared_redis_url(), new_prefix())
}

/// A prefix for keys of the shared Redis that no other test has.
fn new_prefix() -> String {
    format!("test:{}", Clock::System.new_id().simple())
}

/// A PostgreSQL of a test's own.
pub struct Postgres(Server);

/// A Redis of a test's own, as durable as The Eye asks for.
pub struct Redis(Server);

impl Postgres {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One with those settings of `postgresql.conf`. Files that they name are copied, so that
    /// PostgreSQL's user can read them.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(Spot::temporary(), settings).await
    }

    /// The same where a test wants it.
    pub async fn start_in(spot: Spot, settings: &[(&str, &str)]) -> Self {
        let folder = spot.folder();
        let data = folder.join("data");
        if let Some((user, group)) = postgres_user() {
            chown(folder, Some(user), Some(group)).unwrap();
        }
        let mut initdb = bound_to_us("QUIT", postgres_user());
        initdb.arg(postgres_program("initdb")).arg("-D").arg(&data).current_dir(folder);
        // What is written later is flushed all the same.
        initdb.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        let output = initdb.output().await.unwrap();
        assert!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));

        let mut arguments = vec!["-c".to_owned(), "log_lock_waits=on".to_owned()];
        for (name, value) in settings {
            let value = if name.ends_with("_file") { copy_for_postgres(Path::new(value), &data) } else { value };
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        Self(Server::start(Kind::Postgres, spot, arguments).await)
    }

    /// Its database `postgres`.
    pub fn url(&self) -> String {
        self.0.address()
    }
}

impl Redis {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One with those settings of `redis.conf` too. With a `tls-cert-file` it listens for TLS alone.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_in(Spot::temporary(), settings).await
    }

    /// The same where a test wants it.
    pub async fn start_in(spot: Spot, settings: &[(&str, &str)]) -> Self {
        let tls = settings.iter().any(|(name, _)| *name == "tls-cert-file");
        let durable = [
            ("appendonly", "yes"),
            ("appendfsync", "always"),
            ("no-appendfsync-on-rewrite", "no"),
            ("maxmemory-policy", "noeviction"),
            ("save", ""),
        ];
        // The last one counts.
        let arguments = durable.iter().chain(settings).flat_map(|(name, value)| [format!("--{name}"), (*value).into()]);
        let kind = if tls { Kind::RedisTls } else { Kind::Redis };
        Self(Server::start(kind, spot, arguments.collect()).await)
    }

    pub fn url(&self) -> String {
        self.0.address()
    }

    /// What it answers to a command.
    pub async fn command(&self, words: &[&str]) -> String {
        self.0.redis_cli(words).await
    }
}

impl Deref for Postgres {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Postgres {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}

impl Deref for Redis {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}

/// Copies a file into PostgreSQL's data, as its user's own: a key that others may read is refused.
fn copy_for_postgres<'a>(file: &'a Path, data: &Path) -> &'a str {
    let name = file.file_name().unwrap();
    let copy = data.join(name);
    fs::copy(file, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).unwrap();
    if let Some((user, group)) = postgres_user() {
        chown(&copy, Some(user), Some(group)).unwrap();
    }
    name.to_str().unwrap()
}
