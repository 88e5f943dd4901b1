//! The connections to one PostgreSQL: a few that read, a few that write, and what each is told and
//! asked when it is made.
//!
//! Readers and writers are apart, so that slow queries cannot hold up inserts. When a writer is made
//! it looks whether the server keeps what it commits: it may have been restarted with other settings.
//! Settings that are changed under an open connection are not seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::{Client, Error};

use super::tls;
use super::url::Url;
use crate::store::StoreError;

/// Connections of one process. Writers: events, rejected events, what has to be done to tables, folding,
/// counting anew, and whether the server is well, which slow queries must not hide.
const READERS: usize = 4;
const WRITERS: usize = 6;

/// How long a request waits for a connection to become free, and for one to be made.
const FREE: Duration = Duration::from_secs(10);
const MADE: Duration = Duration::from_secs(5);

/// What a reader is told: a query ends after half a minute, and plans that suit these tables. They
/// are looked up by key and in order; without statistics the planner would hash and sort them.
const READER: &str = "SET statement_timeout = '30s'; SET default_transaction_read_only = on; SET jit = off; \
                      SET enable_hashjoin = off; SET enable_mergejoin = off; SET TimeZone = 'UTC'; \
                      SET client_connection_check_interval = '2s'";

/// What a writer is told: a commit is flushed, and nothing is held for ever, whatever becomes of us.
/// Everything it looks up has an index, which a planner without statistics would not take; the price
/// it puts on what has none would have it compile. What is seen behind a lock is what was committed
/// before it.
const WRITER: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                      WHERE current_setting('synchronous_commit') IN ('off', 'local'); SET statement_timeout = '120s'; SET lock_timeout = '60s'; \
                      SET idle_in_transaction_session_timeout = '60s'; SET enable_seqscan = off; SET jit = off; \
                      SET default_transaction_read_only = off; SET TimeZone = 'UTC'; \
                      SET default_transaction_isolation = 'read committed'; \
                      SET client_connection_check_interval = '2s'";

/// Whether a server that may lose what it has committed is used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataLoss {
    /// It is not.
    #[default]
    Refuse,
    /// It is: for tests and for toys.
    Accept,
}

/// Why a connection is not had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It may be had later.
    #[error("{0}")]
    Unreachable(String),
    /// Somebody has to change something first.
    #[error("{0}")]
    Unusable(String),
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    readers: Pool,
    writers: Pool,
    /// Writers that were ever made.
    made: Arc<AtomicU64>,
}

impl Server {
    /// The server of a URL. Nothing is connected yet.
    pub(super) fn new(url: &Url, loss: DataLoss) -> Result<Self, String> {
        let pool = |size: usize, hook: Hook| {
            let manager = Manager::from_config(
                url.config.clone(),
                tls::connector(&url.tls)?,
                ManagerConfig { recycling_method: RecyclingMethod::Fast },
            );
            Pool::builder(manager)
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(FREE))
                .create_timeout(Some(MADE))
                .recycle_timeout(Some(MADE))
                .post_create(hook)
                .build()
                .map_err(|error| error.to_string())
        };
        let reader = Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(READER).await.map_err(HookError::Backend) })
        });
        let made = Arc::new(AtomicU64::new(0));
        let count = made.clone();
        let writer = Hook::async_fn(move |client, _| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                client.batch_execute(WRITER).await.map_err(HookError::Backend)?;
                match problem(client, loss).await.map_err(HookError::Backend)? {
                    None => Ok(()),
                    Some(problem) => Err(HookError::message(problem)),
                }
            })
        });
        Ok(Self { readers: pool(READERS, reader)?, writers: pool(WRITERS, writer)?, made })
    }

    pub(super) async fn reader(&self) -> Result<Object, StoreError> {
        self.readers.get().await.map_err(|error| StoreError::Unavailable(refusal(error).to_string()))
    }

    /// How many connections for writing were ever made.
    pub(super) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) async fn writer(&self) -> Result<Object, Refusal> {
        self.writers.get().await.map_err(refusal)
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        Self::Unavailable(refusal.to_string())
    }
}

/// What an error says, with the server's own words where it has some.
pub(super) fn message(error: &Error) -> String {
    match error.as_db_error() {
        Some(database) => database.message().to_owned(),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// Whether an error may be over without anybody's doing: the server is starting, stopping, full,
/// busy or gone. A wrong password or a missing table is not.
pub(super) fn may_pass(error: &Error) -> bool {
    let Some(state) = error.code() else { return true };
    // Connection, transaction rollback, resources, object in use, operator intervention, system.
    ["08", "40", "53", "55", "57", "58"].iter().any(|class| state.code().starts_with(class))
}

/// What stands in the way of writing here, if anything: mostly that the server loses commits.
async fn problem(client: &Client, loss: DataLoss) -> Result<Option<String>, Error> {
    let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
               pg_encoding_to_char(encoding), has_database_privilege(datname, 'TEMPORARY') \
               FROM pg_database WHERE datname = current_database()";
    let row = client.query_typed_one(sql, &[]).await?;
    let [fsync, pages, encoding] = [row.try_get::<_, String>(0)?, row.try_get(1)?, row.try_get(2)?];
    if encoding != "UTF8" {
        return Ok(Some(format!("its encoding is {encoding}, and it has to be UTF8: make another database")));
    }
    if !row.try_get::<_, bool>(3)? {
        return Ok(Some("the user may not make temporary tables there: GRANT TEMPORARY ON DATABASE to it".to_owned()));
    }
    let off = [("fsync", fsync), ("full_page_writes", pages)];
    let off: Vec<_> = off.into_iter().filter(|(_, value)| value == "off").map(|(name, _)| name).collect();
    Ok(match (off.is_empty(), loss) {
        (true, _) | (_, DataLoss::Accept) => None,
        (false, DataLoss::Refuse) => Some(format!(
            "it may lose what it has committed, since {} is off: switch it on, or use --accept-data-loss",
            off.join(" and ")
        )),
    })
}

fn refusal(error: PoolError) -> Refusal {
    match error {
        PoolError::PostCreateHook(HookError::Message(problem)) => Refusal::Unusable(problem.into_owned()),
        PoolError::PostCreateHook(HookError::Backend(error)) | PoolError::Backend(error) => match may_pass(&error) {
            true => Refusal::Unreachable(message(&error)),
            false => Refusal::Unusable(message(&error)),
        },
        PoolError::Timeout(_) => Refusal::Unreachable("no connection could be had in time".to_owned()),
        other => Refusal::Unreachable(other.to_string()),
    }
}
