//! The shared store: one PostgreSQL, which any number of processes read and write.
//!
//! An event is a row of a table whose key is (timestamp, id, application): the order of lists, and what
//! makes two events the same. The table has a partition for each month ([`months`]).
//! `migrations/postgres/store` has the tables.
//!
//! **When the server is away.** Opening the store tries once. Where that fails for a reason that may
//! pass, the store is there all the same, every call says that it is unavailable, and a task goes on
//! trying until the server answers and is as it should be. What only an operator can mend is an
//! error at the start, and said again and again later.

mod applications;
mod database;
mod emptied;
mod expired_month;
mod feed;
mod figures;
mod fold;
mod insert;
mod list;
mod lock;
mod months;
mod numbering;
mod numbers;
mod partitions;
mod recount;
mod registry;
mod rejected;
mod removal;
mod remove;
mod schema;
mod selection;
mod server;
mod session_list;
mod tally;
mod tls;
mod url;
mod values;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::blocks::Mark;
use super::{
    Change, Counts, ErasedRows, Filter, Inserted, Intervals, News, Page, Place, Position, Query, ReasonCount, Registry,
    Sample, Session, SessionQuery, Sessions, Store, StoreError,
};
use crate::access::{KeptKey, NewApplication, Registered};
use crate::clock::Clock;
use crate::event::{Application, Event, Expiry, Rejected, Timestamp};
use crate::metrics::Metrics;
use crate::sqlite::Migrations;
use database::{Database, FIRST_PAUSE, LONGEST_PAUSE};
pub use server::DataLoss;
use server::Refusal;
use url::Url;
use values::Values;

/// How long the server may take to say that it is well.
const PROBE: Duration = Duration::from_secs(3);

/// The shared store.
#[derive(Debug)]
pub struct PostgresStore {
    database: Arc<Database>,
    /// Waits for the server, makes months and folds the tally; ends with the store.
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

impl PostgresStore {
    /// Opens the store, and makes its tables where there are none. It is there even if the server
    /// is not yet.
    pub async fn open(options: &PostgresStoreOptions, metrics: Arc<Metrics>) -> Result<Self, PostgresOpenError> {
        let database = Arc::new(Database::new(options, metrics)?);
        match database.make_ready().await {
            Ok(()) | Err(Refusal::Unreachable(_)) => (),
            Err(Refusal::Unusable(problem)) => return Err(database.unusable(problem)),
        }
        let keeper = tokio::spawn(database::keep(database.clone()));
        Ok(Self { database, keeper })
    }

    /// Waits for the server, brings the database up to date and says how many migrations that took.
    pub async fn migrate(options: &PostgresStoreOptions, waiting: impl Fn(&str)) -> Result<usize, PostgresOpenError> {
        let database = Database::new(options, Arc::new(Metrics::new()))?;
        let mut pause = FIRST_PAUSE;
        loop {
            match database.prepare().await {
                Ok(applied) => return Ok(applied),
                Err(Refusal::Unusable(problem)) => return Err(database.unusable(problem)),
                Err(Refusal::Unreachable(problem)) => waiting(&format!("waiting for `{}`: {problem}", database.name)),
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

/// Reads what rests on counts, again if partitions had to be counted anew. As a function it would take a closure
/// whose future nobody can say to be `Send`.
macro_rules! read_counted {
    ($store:ident, $transaction:ident => $reading:expr) => {{
        // Others may have been changed meanwhile.
        for _ in 0..5 {
            match $store.database.read(async |$transaction| $reading.await).await? {
                Some(found) => return Ok(found),
                None => $store.database.count_changed_partitions().await?,
            }
        }
        Err(StoreError::Unavailable("partitions are changed faster than their events are counted".to_owned()))
    }};
}
use read_counted;

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn insert(&self, events: Arc<[Event]>) -> Result<Inserted, StoreError> {
        let Database { inserter, .. } = &*self.database;
        let insert = async |client: &mut Client| inserter.insert(client, &events, self.database.connections()).await;
        self.database.write(insert).await?.map_err(StoreError::Refused)
    }

    async fn insert_rejected(&self, rejected: Arc<[Rejected]>) -> Result<(), StoreError> {
        let most = self.database.options.max_refused;
        let removed = self.database.write(async |client| rejected::insert(client, &rejected, most).await).await?;
        self.database.metrics.refused_removed.inc_by(removed);
        // They are in the feed too, which is trimmed behind folding.
        self.database.inserter.unfolded.add(rejected.len(), []);
        Ok(())
    }

    async fn events(&self, query: Query) -> Result<Option<Page<Event>>, StoreError> {
        read_counted!(self, transaction => list::page(transaction, &query))
    }

    async fn event(&self, id: Uuid, application: Option<String>) -> Result<Option<Event>, StoreError> {
        self.database.read(async |transaction| list::by_id(transaction, id, application.as_deref()).await).await
    }

    async fn rejected(&self, query: Query) -> Result<Option<Page<Rejected>>, StoreError> {
        self.database.read(async |transaction| rejected::page(transaction, &query).await).await
    }

    async fn rejected_by_id(&self, id: Uuid) -> Result<Option<Rejected>, StoreError> {
        self.database.read(async |transaction| rejected::by_id(transaction, id).await).await
    }

    async fn rejected_by_reason(&self, filter: Filter) -> Result<Vec<ReasonCount>, StoreError> {
        self.database.read(async |transaction| rejected::by_reason(transaction, &filter).await).await
    }

    async fn remove_rejected(&self, rows: Vec<Position>) -> Result<u64, StoreError> {
        self.database.write(async |client| rejected::remove(client, &rows).await).await
    }

    async fn remove_expired(&self, expiry: Expiry, most: usize) -> Result<u64, StoreError> {
        self.remove_some(&expiry, most).await
    }

    async fn erase_session(&self, session_id: String, application: Option<String>) -> Result<ErasedRows, StoreError> {
        self.erase(&session_id, application.as_deref()).await
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        // What takes room is the server's to clean up, and its log is not ours to rewrite.
        Ok(())
    }

    fn residues(&self) -> Vec<&'static str> {
        vec![
            "PostgreSQL: rows that were removed, until VACUUM has been there; its write-ahead log and what archives it; \
             replicas, and backups of these.",
        ]
    }

    async fn counts(&self, intervals: Intervals) -> Result<Vec<Counts>, StoreError> {
        read_counted!(self, transaction => figures::counts(transaction, &intervals))
    }

    async fn sample(&self, filter: Filter, size: u32) -> Result<Sample, StoreError> {
        read_counted!(self, transaction => figures::sample(transaction, &filter, u64::from(size)))
    }

    async fn sessions(&self, query: SessionQuery) -> Result<Sessions, StoreError> {
        read_counted!(self, transaction => session_list::page(transaction, &query))
    }

    async fn session(&self, session_id: String, application: Option<String>) -> Result<Option<Session>, StoreError> {
        read_counted!(self, transaction => session_list::by_id(transaction, &session_id, application.as_deref()))
    }

    async fn newest_place(&self) -> Result<Place, StoreError> {
        // In a transaction of its own: what follows has to see what was committed until then.
        let horizon = self.database.read(async |transaction| feed::horizon(transaction).await).await?;
        self.database.read(async |transaction| feed::newest(transaction, &horizon).await).await
    }

    async fn stored_after(&self, place: Place, most: usize) -> Result<News, StoreError> {
        let horizon = self.database.read(async |transaction| feed::horizon(transaction).await).await?;
        self.database.read(async |transaction| feed::after(transaction, &horizon, place, most).await).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                   WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";
        let size = async |transaction: &Transaction<'_>| transaction.query_typed_one(sql, &[]).await?.try_get(0);
        self.database.read(size).await.map(i64::unsigned_abs)
    }

    async fn count_stored(&self, keys: Vec<Position>) -> Result<usize, StoreError> {
        let keys: Vec<Mark> = keys.into_iter().map(Mark::from).collect();
        let count = async |transaction: &Transaction<'_>| {
            let mut values = Values::default();
            let sql = format!(
                "SELECT count(*) FROM unnest({}) AS key (timestamp, id, application) JOIN event USING (timestamp, id, application)",
                values.marks(&keys).join(", ")
            );
            transaction.query_typed_one(&sql, &values.list()).await?.try_get::<_, i64>(0)
        };
        self.database.read(count).await.map(|count| usize::try_from(count).unwrap_or_default())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        // As a writer: readers may all be busy with slow queries.
        let look = self.database.write(async |client| client.query_typed("SELECT 1 FROM event LIMIT 1", &[]).await);
        let late = |_| StoreError::Unavailable("the database did not answer in time".to_owned());
        tokio::time::timeout(PROBE, look).await.map_err(late)?.map(drop)
    }
}

#[async_trait]
impl Registry for PostgresStore {
    async fn registered(&self) -> Result<Registered, StoreError> {
        let found = self.database.read(async |transaction| registry::all(transaction).await).await?;
        found.ok_or_else(|| StoreError::Unavailable("the table `secret` has no row that is ours".to_owned()))
    }

    async fn create_application(
        &self,
        application: NewApplication,
        key: KeptKey,
    ) -> Result<Option<Application>, StoreError> {
        self.database.write(async |client| registry::create(client, &application, &key).await).await
    }

    async fn change_application(&self, name: String, change: Change) -> Result<bool, StoreError> {
        self.database.write(async |client| registry::change(client, &name, &change).await).await
    }

    async fn rotate_key(&self, name: String, key: KeptKey, end: Timestamp) -> Result<bool, StoreError> {
        self.database.write(async |client| registry::rotate(client, &name, &key, end).await).await
    }

    async fn end_keys(&self, name: String, end: Timestamp) -> Result<Option<u64>, StoreError> {
        self.database.write(async |client| registry::end_keys(client, &name, end).await).await
    }
}

impl std::fmt::Debug for PostgresStoreOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold a password.
        f.debug_struct("PostgresStoreOptions").field("max_refused", &self.max_refused).finish_non_exhaustive()
    }
}
