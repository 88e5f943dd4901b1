//! The Eye as a host application uses it: opened, mounted, given a worker.
//!
//! ```no_run
//! # async fn host() -> Result<(), the_eye::StartError> {
//! let eye = the_eye::Eye::builder(the_eye::Access::Keys).data_dir("data").build().await?;
//! let app: axum::Router = axum::Router::new().nest("/eye", eye.router());
//!
//! let stop = the_eye::CancellationToken::new();
//! let worker = eye.worker();
//! tokio::spawn(async move { worker.run(stop).await });
//! # Ok(())
//! # }
//! ```

mod backends;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;

use crate::access::Access;
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Catalog, CatalogError, PrivacyKey};
use crate::metrics::{Metrics, Totals};
use crate::private;
use crate::queue::{Depth, QueueError, RedisOpenError, Role};
use crate::sqlite::{Migrations, OpenError};
use crate::store::PostgresOpenError;
use crate::telemetry::LogFolder;
use crate::web::{self, App, Budget, Keys, Live, Parts, Quotas, RefusalLog, Settings};
use crate::worker::Worker;
use backends::Opening;
pub use backends::rescue;
pub(crate) use backends::{Missing, open_store};

/// An opened Eye: its queue, its store, its catalog.
#[derive(Debug, Clone)]
pub struct Eye {
    app: App,
}

/// How to open one.
#[derive(Debug, Clone)]
pub struct EyeBuilder {
    config: Config,
    clock: Clock,
    role: Role,
    migrations: Migrations,
    access: Access,
    privacy_key: Option<PrivacyKey>,
}

/// Migrations that were applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// To the queue.
    pub queue: Upgrade,
    /// To the store.
    pub store: Upgrade,
}

/// What was done to one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// Its file, or its server without secrets.
    pub place: String,
    /// Migrations that were applied.
    pub applied: usize,
}

/// Why The Eye could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// An event type cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The data directory cannot be made.
    #[error("cannot make the data directory `{}`: {error}", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A database cannot be opened, or another process has it.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The PostgreSQL database cannot be used as it is.
    #[error(transparent)]
    Postgres(#[from] PostgresOpenError),
    /// The Redis cannot be used as it is.
    #[error(transparent)]
    Redis(#[from] RedisOpenError),
}

impl Eye {
    /// Starts with the defaults: everything in `data`. Who may use it without a key is for the host to say.
    pub fn builder(access: Access) -> EyeBuilder {
        EyeBuilder {
            config: Config::for_directory("data"),
            clock: Clock::System,
            role: Role::Both,
            migrations: Migrations::Apply,
            access,
            privacy_key: None,
        }
    }

    /// The API, to be served or to be mounted into another application.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        web::router(self.app.clone())
    }

    /// A worker. Events are stored while it runs; one is enough.
    pub fn worker(&self) -> Worker {
        let Parts { queue, store, metrics, clock, retention, .. } = &*self.app;
        Worker::new(queue.clone(), store.clone(), metrics.clone(), *clock).keeping(retention.clone())
    }

    /// Ends the streams of `/live`, which have no end of their own, and answers that are held (`Prefer: wait`): a host
    /// that shuts down calls this before it waits for open connections. No stream can be opened any more.
    pub fn end_streams(&self) {
        self.app.live.end();
    }

    /// Waits until what was refused so far is written.
    pub(crate) async fn flush_refused(&self) {
        // Requests are written in order; that this one fails changes nothing about those before it.
        let _ = self.app.queue.probe().await;
    }

    /// What waits in the queue.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        self.app.queue.depth().await
    }

    /// Whether somebody could use it: no key is needed, or there is one that is good. Not known while the database is
    /// away.
    pub fn can_be_used(&self) -> Option<bool> {
        match self.app.settings.access {
            Access::Open | Access::Loopback => Some(true),
            Access::Keys => self.app.keys.known().map(|known| known.has_keys(self.app.clock.now())),
        }
    }

    /// Whether it does anything with clients' addresses. A host then says them with each request (axum's
    /// `into_make_service_with_connect_info`).
    pub fn wants_addresses(&self) -> bool {
        self.app.wants_addresses()
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.app.metrics
    }

    /// Says in the log what happened since it was last said, if something did.
    pub(crate) async fn log_summary(&self) {
        let Some(Totals { accepted, refused, stored, dead_lettered }) = self.app.metrics.since_last_summary() else {
            return;
        };
        let unlogged = self.app.refusals.take_left_out();
        let queued = self.depth().await.map(|depth| depth.events).unwrap_or_default();
        tracing::info!(accepted, refused, unlogged, stored, dead_lettered, queued, "since the last summary");
    }
}

impl EyeBuilder {
    /// Takes all settings from a [`Config`].
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Where everything is written.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.data_dir = path.into();
        self
    }

    /// A folder of event types.
    #[must_use]
    pub fn catalog(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.catalog = Some(path.into());
        self
    }

    /// What fields are hashed under that the catalog marks `hash`. All that take events in have to have the same.
    #[must_use]
    pub fn privacy_key(mut self, key: PrivacyKey) -> Self {
        self.privacy_key = Some(key);
        self
    }

    /// What time it is.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What this process does; another process may do the rest.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Whether to bring the databases up to date.
    #[must_use]
    pub fn migrations(mut self, migrations: Migrations) -> Self {
        self.migrations = migrations;
        self
    }

    /// Brings the databases up to date, and does nothing else. A server that is not there yet is waited
    /// for; `waiting` is told so.
    pub async fn migrate(self, waiting: impl Fn(&str)) -> Result<Migrated, StartError> {
        make_data_dir(&self.config)?;
        backends::migrate(&self.config, waiting).await
    }

    /// Opens queue, store and catalog.
    pub async fn build(self) -> Result<Eye, StartError> {
        let config = self.config;
        let catalog = match &config.catalog {
            Some(folder) => Catalog::load(folder)?,
            None => Catalog::built_in(),
        };
        let settings = settings(&config, self.access)?;
        make_data_dir(&config)?;
        let metrics = Arc::new(Metrics::new());
        let alone = backends::alone(&config);
        let opening = Opening { config: &config, role: self.role, migrations: self.migrations, clock: self.clock };
        let queue = opening.queue(&metrics)?;
        let store = opening.store(&metrics).await?;
        if let Some((there, new)) = alone {
            tracing::warn!(
                there = %there.display(),
                new = %new.display(),
                "a database was made anew beside one that was there: if it was there too, stop, put it back and start again"
            );
        }
        let live = Live::new(store.clone(), settings.timestamp_format);
        let keys = match self.role {
            // It is asked by nobody.
            Role::Worker => Keys::none(),
            Role::Both | Role::Api => Keys::of(store.clone()).await,
        };
        // A worker stores what others have hashed.
        let catalog = match catalog.needs_key() && self.role != Role::Worker {
            true => catalog.with_key(&self.privacy_key.or_else(|| privacy_key(&keys)).ok_or_else(no_privacy_key)?),
            false => catalog,
        };
        let quotas = Quotas::new(config.address_rate);
        let parts = Parts {
            queue,
            store,
            catalog,
            clock: self.clock,
            settings,
            budget: Budget::new(),
            refusals: RefusalLog::new(),
            live,
            keys,
            logs: LogFolder::of(&config.data_dir),
            retention: config.retention.clone(),
            quotas,
            metrics,
        };
        Ok(Eye { app: parts.into() })
    }
}

/// What fields are hashed with: the same in all processes that share the store.
fn privacy_key(keys: &Keys) -> Option<PrivacyKey> {
    keys.known().map(|known| PrivacyKey::new(known.secret.sign("privacy", &[])))
}

fn no_privacy_key() -> StartError {
    let problem = "the catalog marks fields to be hashed (x-eye-privacy), and what they are hashed with is in the \
                   database, which is away";
    StartError::Setting(problem.to_owned())
}

fn settings(config: &Config, access: Access) -> Result<Settings, StartError> {
    let bytes = |name: &str, value: u64| match usize::try_from(value) {
        Ok(value) if value <= web::BUDGET => Ok(value),
        _ => Err(StartError::Setting(format!("{name} is {value} bytes and may be {} at most", web::BUDGET))),
    };
    Ok(Settings {
        page_size: config.page_size,
        max_event: bytes("EYE_MAX_EVENT", config.max_event)?,
        max_body: bytes("EYE_MAX_BODY", config.max_body)?,
        clock_tolerance: config.clock_tolerance,
        timestamp_format: config.timestamp_format,
        access,
        open_metrics: config.open_metrics,
        proxies: config.trusted_proxies.clone(),
        store_address: config.store_address,
        public_url: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
    })
}

/// Makes the folder that everything is written to.
pub(crate) fn make_data_dir(config: &Config) -> Result<(), StartError> {
    let path = &config.data_dir;
    private::folder(path).map_err(|error| StartError::DataDir { path: path.clone(), error })
}
