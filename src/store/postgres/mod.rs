//! The shared store: one PostgreSQL, which any number of processes read and write.
//!
//! An event is a row of a table whose key is (timestamp, id): the order of lists, and what makes
//! two events the same. The table has a partition for each month ([`months`]).
//! `migrations/postgres/store` has the tables.
//!
//! **When the server is away.** Opening the store tries once. Where that fails for a reason that may
//! pass, the store is there all the same, every call says that it is unavailable, and a task goes on
//! trying until the server answers and is as it should be. What only an operator can mend is an
//! error at the start, and said again and again later.

mod insert;
mod list;
mod months;
mod rejected;
mod schema;
mod server;
mod tls;
mod url;
mod values;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, IsolationLevel, Transaction};
use uuid::Uuid;

use super::{Inserted, Page, Position, Query, Store, StoreError};
use crate::clock::Clock;
use crate::event::{Event, Rejected};
use crate::metrics::Metrics;
use crate::sqlite::Migrations;
use insert::Inserter;
pub use server::DataLoss;
use server::{Refusal, Server, message};
use url::Url;
use values::Timestamptz;

/// How long between two tries while the server is away.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often it is seen whether months are due.
const MONTHS: Duration = Duration::from_secs(3600);

/// How long an insert may take before the connection is given up: the server hangs, or the network.
const INSERT: Duration = Duration::from_secs(150);

/// How long the server may take to say that it is well.
const PROBE: Duration = Duration::from_secs(3);

/// The shared store.
#[derive(Debug)]
pub struct PostgresStore {
    inner: Arc<Inner>,
    /// Waits for the server and makes months; ends with the store.
    keeper: JoinHandle<()>,
}

/// How to open the shared store.
#[derive(Clone)]
pub struct PostgresStoreOptions {
    /// `postgres://…`, with libpq's parameters.
    pub url: String,
    /// Refused events it keeps.
    pub max_refused: u64,
    /// Whether to bring the database up to date.
    pub migrations: Migrations,
    /// Whether a server that may lose what it has committed is used all the same.
    pub data_loss: DataLoss,
    /// What time it is, for which months are made.
    pub clock: Clock,
}

/// A database that cannot be used until somebody changes something.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the database `{server}`: {problem}")]
pub struct PostgresOpenError {
    /// The server and the database.
    pub server: String,
    /// What is wrong.
    pub problem: String,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    name: String,
    options: PostgresStoreOptions,
    inserter: Inserter,
    metrics: Arc<Metrics>,
    /// Set once the database has been seen to be as it should be.
    ready: OnceCell<()>,
}

impl PostgresStore {
    /// Opens the store, and makes its tables where there are none. It is there even if the server
    /// is not yet.
    pub async fn open(options: &PostgresStoreOptions, metrics: Arc<Metrics>) -> Result<Self, PostgresOpenError> {
        let inner = Arc::new(Inner::new(options, metrics)?);
        match inner.ready().await {
            Ok(()) | Err(Refusal::Unreachable(_)) => (),
            Err(Refusal::Unusable(problem)) => return Err(inner.unusable(problem)),
        }
        let keeper = tokio::spawn(keep(inner.clone()));
        Ok(Self { inner, keeper })
    }

    /// Waits for the server, brings the database up to date and says how many migrations that took.
    pub async fn migrate(options: &PostgresStoreOptions, waiting: impl Fn(&str)) -> Result<usize, PostgresOpenError> {
        let inner = Inner::new(options, Arc::new(Metrics::new()))?;
        let mut pause = FIRST_PAUSE;
        loop {
            match inner.prepare().await {
                Ok(applied) => return Ok(applied),
                Err(Refusal::Unusable(problem)) => return Err(inner.unusable(problem)),
                Err(Refusal::Unreachable(problem)) => waiting(&format!("waiting for `{}`: {problem}", inner.name)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The server and the database of a URL, without secrets; an error says what is wrong with it.
    pub fn server(url: &str) -> Result<String, String> {
        Url::parse(url).map(|url| url.name())
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl Inner {
    fn new(options: &PostgresStoreOptions, metrics: Arc<Metrics>) -> Result<Self, PostgresOpenError> {
        let failed = |server: &str, problem| PostgresOpenError { server: server.to_owned(), problem };
        let url = Url::parse(&options.url).map_err(|problem| failed("postgres:", problem))?;
        let name = url.name();
        let server = Server::new(&url, options.data_loss).map_err(|problem| failed(&name, problem))?;
        let (inserter, ready) = (Inserter::default(), OnceCell::new());
        Ok(Self { server, name, options: options.clone(), inserter, metrics, ready })
    }

    fn unusable(&self, problem: String) -> PostgresOpenError {
        PostgresOpenError { server: self.name.clone(), problem }
    }

    async fn ready(&self) -> Result<(), Refusal> {
        self.ready.get_or_try_init(async || self.prepare().await.map(drop)).await.copied()
    }

    async fn prepare(&self) -> Result<usize, Refusal> {
        let mut writer = self.server.writer().await?;
        let applied = schema::prepare(&mut writer, self.options.migrations).await?;
        // Events find a place without it, so nobody waits for it.
        match months::make(&mut writer, self.options.clock.now()).await {
            Ok(0) => (),
            Ok(made) => tracing::info!(made, "months were made in the database"),
            Err(error) => tracing::warn!(error = message(&error), "the next months could not be made in the database"),
        }
        Ok(applied)
    }

    async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut tokio_postgres::Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let refused = |refusal: Refusal| {
            self.metrics.database_error("store");
            StoreError::from(refusal)
        };
        self.ready().await.map_err(refused)?;
        let mut writer = self.server.writer().await.map_err(refused)?;
        match tokio::time::timeout(INSERT, work(&mut writer)).await {
            Ok(result) => result.map_err(|error| self.failure(&error)),
            Err(_) => {
                // What it was told is still under way: nobody else may have it.
                drop(deadpool_postgres::Object::take(writer));
                self.metrics.database_error("store");
                Err(StoreError::Unavailable("the database did not answer in time".to_owned()))
            }
        }
    }

    /// Reads within one transaction: it sees one state of the database.
    async fn read<T>(&self, work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, StoreError> {
        self.ready().await?;
        let mut reader = self.server.reader().await?;
        let client: &mut tokio_postgres::Client = &mut reader;
        let reading = async {
            let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let transaction = snapshot.start().await?;
            let found = work(&transaction).await?;
            transaction.commit().await?;
            Ok(found)
        };
        reading.await.map_err(|error: Error| {
            self.metrics.database_error("store");
            StoreError::Unavailable(message(&error))
        })
    }

    fn failure(&self, error: &Error) -> StoreError {
        self.metrics.database_error("store");
        // Data exceptions, constraints, limits of the program, and what a trigger raises.
        let refused = |code: &str| ["22", "23", "54", "P0001"].iter().any(|class| code.starts_with(class));
        match error.code().is_some_and(|state| refused(state.code())) {
            true => StoreError::Refused(message(error)),
            false => StoreError::Unavailable(message(error)),
        }
    }
}

/// Waits until the server is ready, says so, and makes months as time goes by.
async fn keep(inner: Arc<Inner>) {
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    while let Err(refusal) = inner.ready().await {
        let problem = refusal.to_string();
        if problem != said {
            tracing::warn!(server = inner.name, problem, "waiting for the database");
            said = problem;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::info!(server = inner.name, "the database is ready");
    loop {
        tokio::time::sleep(MONTHS).await;
        let made = inner.write(async |client| months::make(client, inner.options.clock.now()).await).await;
        match made {
            Ok(0) => (),
            Ok(made) => tracing::info!(made, "months were made in the database"),
            Err(error) => tracing::warn!(error = %error, "the next months could not be made in the database"),
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn insert(&self, events: Arc<[Event]>) -> Result<Inserted, StoreError> {
        self.inner.write(async |client| self.inner.inserter.insert(client, &events).await).await
    }

    async fn insert_rejected(&self, rejected: Arc<[Rejected]>) -> Result<(), StoreError> {
        let most = self.inner.options.max_refused;
        let removed = self.inner.write(async |client| rejected::insert(client, &rejected, most).await).await?;
        self.inner.metrics.refused_removed.inc_by(removed);
        Ok(())
    }

    async fn events(&self, query: Query) -> Result<Option<Page<Event>>, StoreError> {
        self.inner.read(async |transaction| list::page(transaction, &query).await).await
    }

    async fn event(&self, id: Uuid) -> Result<Option<Event>, StoreError> {
        self.inner.read(async |transaction| list::by_id(transaction, id).await).await
    }

    async fn rejected(&self, query: Query) -> Result<Option<Page<Rejected>>, StoreError> {
        self.inner.read(async |transaction| rejected::page(transaction, &query).await).await
    }

    async fn rejected_by_id(&self, id: Uuid) -> Result<Option<Rejected>, StoreError> {
        self.inner.read(async |transaction| rejected::by_id(transaction, id).await).await
    }

    async fn count_stored(&self, keys: Vec<Position>) -> Result<usize, StoreError> {
        let (times, ids): (Vec<_>, Vec<_>) = keys.iter().map(|key| (Timestamptz(key.time), key.id)).unzip();
        let sql = "SELECT count(*) FROM unnest($1, $2) AS key (timestamp, id) \
                   JOIN event ON event.timestamp = key.timestamp AND event.id = key.id";
        let count = async |transaction: &Transaction<'_>| {
            let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                [(&times, Type::TIMESTAMPTZ_ARRAY), (&ids, Type::UUID_ARRAY)];
            transaction.query_typed_one(sql, &values).await?.try_get::<_, i64>(0)
        };
        self.inner.read(count).await.map(|count| usize::try_from(count).unwrap_or_default())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let look = self
            .inner
            .read(async |transaction| transaction.query_typed("SELECT 1 FROM event LIMIT 1", &[]).await.map(drop));
        let late = |_| StoreError::Unavailable("the database did not answer in time".to_owned());
        tokio::time::timeout(PROBE, look).await.map_err(late)?
    }
}

impl std::fmt::Debug for PostgresStoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("PostgresStoreOptions").field("max_refused", &self.max_refused).finish_non_exhaustive()
    }
}
