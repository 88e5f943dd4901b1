//! Which queue and which store the settings ask for, and how those are opened. The only place that
//! knows all of them.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Migrated, StartError, Upgrade};
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, QueueUrl, Secret};
use crate::metrics::Metrics;
use crate::queue::{Queue, RedisQueue, RedisQueueOptions, Role, SqliteQueue, SqliteQueueOptions};
use crate::sqlite::{Migrations, OpenError, Rescued};
use crate::store::{DataLoss, PostgresStore, PostgresStoreOptions, SqliteStore, SqliteStoreOptions, Store};

const QUEUE: &str = "queue.db";
const STORE: &str = "events.db";

/// How a queue and a store are to be opened.
pub(super) struct Opening<'a> {
    pub(super) config: &'a Config,
    pub(super) role: Role,
    pub(super) migrations: Migrations,
    pub(super) clock: Clock,
}

impl Opening<'_> {
    pub(super) fn queue(&self, metrics: &Arc<Metrics>) -> Result<Arc<dyn Queue>, StartError> {
        let Self { config, role, migrations, clock } = *self;
        let (max_events, max_bytes, max_refused) = (config.queue_max, config.queue_max_bytes, config.rejected_max);
        Ok(match &config.queue_url {
            QueueUrl::Sqlite(path) => {
                let path = config.path(path.clone(), QUEUE);
                let options = SqliteQueueOptions {
                    path,
                    role,
                    max_events,
                    max_bytes,
                    max_refused,
                    reserve: config.disk_reserve,
                    migrations,
                };
                Arc::new(SqliteQueue::open(&options, metrics.clone())?)
            }
            QueueUrl::Redis(url) => {
                redis(url)?;
                let url = url.reveal().to_owned();
                let options = RedisQueueOptions { url, role, max_events, max_bytes, max_refused, clock };
                Arc::new(RedisQueue::open(&options, metrics.clone())?)
            }
        })
    }

    pub(super) async fn store(&self, metrics: &Arc<Metrics>) -> Result<Arc<dyn Store>, StartError> {
        let Self { config, migrations, clock, .. } = *self;
        let max_refused = config.rejected_max;
        Ok(match config.database() {
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteStoreOptions { path: config.path(path, STORE), max_refused, migrations };
                Arc::new(SqliteStore::open(&options, metrics.clone())?)
            }
            DatabaseUrl::Postgres(url) => {
                postgres(&url)?;
                let options = PostgresStoreOptions {
                    url: url.reveal().to_owned(),
                    max_refused,
                    migrations,
                    data_loss: data_loss(config),
                    clock,
                };
                Arc::new(PostgresStore::open(&options, metrics.clone()).await?)
            }
        })
    }
}

/// Of two files, the one that is there and the one that is not: it may have been removed, or left behind.
pub(super) fn alone(config: &Config) -> Option<(PathBuf, PathBuf)> {
    let (QueueUrl::Sqlite(queue), DatabaseUrl::Sqlite(store)) = (&config.queue_url, config.database()) else {
        return None;
    };
    let (queue, store) = (config.path(queue.clone(), QUEUE), config.path(store, STORE));
    match (queue.exists(), store.exists()) {
        (true, false) => Some((queue, store)),
        (false, true) => Some((store, queue)),
        _ => None,
    }
}

/// Brings what the settings name up to date.
pub(super) async fn migrate(config: &Config, waiting: impl Fn(&str)) -> Result<Migrated, StartError> {
    let queue = match &config.queue_url {
        QueueUrl::Sqlite(path) => {
            let path = config.path(path.clone(), QUEUE);
            Upgrade { place: path.display().to_string(), applied: SqliteQueue::migrate(&path)? }
        }
        QueueUrl::Redis(url) => {
            let place = redis(url)?;
            // There is nothing to bring up to date, but a mistake in the URL should be seen now.
            RedisQueue::wait_for(url.reveal(), &waiting).await?;
            Upgrade { place, applied: 0 }
        }
    };
    let store = match config.database() {
        DatabaseUrl::Sqlite(path) => {
            let path = config.path(path, STORE);
            Upgrade { place: path.display().to_string(), applied: SqliteStore::migrate(&path)? }
        }
        DatabaseUrl::Postgres(url) => {
            let place = postgres(&url)?;
            let options = PostgresStoreOptions {
                url: url.reveal().to_owned(),
                max_refused: config.rejected_max,
                migrations: Migrations::Apply,
                data_loss: data_loss(config),
                clock: Clock::System,
            };
            Upgrade { place, applied: PostgresStore::migrate(&options, &waiting).await? }
        }
    };
    Ok(Migrated { queue, store })
}

/// What to do where there is no database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Make,
    Refuse,
}

/// The store alone, for who changes what is registered there.
pub(crate) async fn open_store(config: &Config, missing: Missing) -> Result<Arc<dyn Store>, StartError> {
    if let DatabaseUrl::Sqlite(path) = config.database()
        && !config.path(path.clone(), STORE).exists()
    {
        if missing == Missing::Refuse {
            let place = config.path(path, STORE);
            return Err(StartError::Setting(format!(
                "there is no database `{}`: is --data-dir right?",
                place.display()
            )));
        }
        super::make_data_dir(config)?;
        // Both files: of one alone, the next start would say that the other one is missing.
        migrate(config, |_| ()).await?;
    }
    let (role, migrations, clock) = (Role::Both, Migrations::Apply, Clock::System);
    Opening { config, role, migrations, clock }.store(&Arc::new(Metrics::new())).await
}

/// Copies what can be read of a damaged database file into a new one, and says what that was.
pub fn rescue(old: &Path, new: &Path) -> Result<Vec<Rescued>, OpenError> {
    for rescue in [SqliteQueue::rescue, SqliteStore::rescue] {
        if let Some(rescued) = rescue(old, new)? {
            return Ok(rescued);
        }
    }
    let problem = "it is neither a queue nor a store of The Eye, or its first page is damaged: restore a backup";
    Err(OpenError { path: old.to_owned(), problem: problem.to_owned() })
}

fn data_loss(config: &Config) -> DataLoss {
    if config.accept_data_loss { DataLoss::Accept } else { DataLoss::Refuse }
}

/// The server of a URL that can be used.
fn redis(url: &Secret) -> Result<String, StartError> {
    RedisQueue::server(url.reveal()).map_err(|problem| StartError::Setting(format!("EYE_QUEUE_URL: {problem}")))
}

/// The same for a database.
fn postgres(url: &Secret) -> Result<String, StartError> {
    PostgresStore::server(url.reveal()).map_err(|problem| StartError::Setting(format!("EYE_DATABASE_URL: {problem}")))
}
