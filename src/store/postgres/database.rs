//! The database as it has to be: reached, brought up to date, read in one state and written as a whole.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};

use super::insert::Inserter;
use super::server::{Refusal, Server, message};
use super::url::Url;
use super::{PostgresOpenError, PostgresStoreOptions, months, schema};
use crate::metrics::Metrics;
use crate::store::StoreError;

/// How long between two tries while the server is away.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often it is seen whether months are due.
const MONTHS: Duration = Duration::from_secs(3600);

/// How long an insert and a query may take before the connection is given up: the server hangs, or the
/// network. The server itself ends both sooner.
const INSERT: Duration = Duration::from_secs(150);
const QUERY: Duration = Duration::from_secs(40);

/// One database.
#[derive(Debug)]
pub(super) struct Database {
    server: Server,
    pub(super) name: String,
    pub(super) options: PostgresStoreOptions,
    pub(super) inserter: Inserter,
    pub(super) metrics: Arc<Metrics>,
    /// Set once the database has been seen to be as it should be.
    ready: OnceCell<()>,
}

impl Database {
    pub(super) fn new(options: &PostgresStoreOptions, metrics: Arc<Metrics>) -> Result<Self, PostgresOpenError> {
        let failed = |server: &str, problem| PostgresOpenError { server: server.to_owned(), problem };
        let url = Url::parse(&options.url).map_err(|problem| failed("postgres:", problem))?;
        let name = url.name();
        let server = Server::new(&url, options.data_loss).map_err(|problem| failed(&name, problem))?;
        let (inserter, ready) = (Inserter::default(), OnceCell::new());
        Ok(Self { server, name, options: options.clone(), inserter, metrics, ready })
    }

    pub(super) fn unusable(&self, problem: String) -> PostgresOpenError {
        PostgresOpenError { server: self.name.clone(), problem }
    }

    pub(super) async fn ready(&self) -> Result<(), Refusal> {
        self.ready.get_or_try_init(async || self.prepare().await.map(drop)).await.copied()
    }

    pub(super) async fn prepare(&self) -> Result<usize, Refusal> {
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

    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let refused = |refusal: Refusal| {
            self.metrics.database_error("store");
            StoreError::from(refusal)
        };
        self.ready().await.map_err(refused)?;
        let mut writer = self.server.writer().await.map_err(refused)?;
        match tokio::time::timeout(INSERT, work(&mut writer)).await {
            Ok(result) => result.map_err(|error| self.failure(&error)),
            Err(_) => Err(self.given_up(writer)),
        }
    }

    /// Reads within one transaction: it sees one state of the database.
    pub(super) async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.ready().await?;
        let mut reader = self.server.reader().await?;
        let client: &mut Client = &mut reader;
        let reading = async {
            let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let transaction = snapshot.start().await?;
            let found = work(&transaction).await?;
            transaction.commit().await?;
            Ok(found)
        };
        let result: Result<T, Error> = match tokio::time::timeout(QUERY, reading).await {
            Ok(result) => result,
            Err(_) => return Err(self.given_up(reader)),
        };
        result.map_err(|error| {
            self.metrics.database_error("store");
            StoreError::Unavailable(message(&error))
        })
    }

    /// Closes a connection that does not answer: what it was told is still under way, so nobody else
    /// may have it.
    fn given_up(&self, connection: deadpool_postgres::Object) -> StoreError {
        drop(deadpool_postgres::Object::take(connection));
        self.metrics.database_error("store");
        StoreError::Unavailable("the database did not answer in time".to_owned())
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
pub(super) async fn keep(database: Arc<Database>) {
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    while let Err(refusal) = database.ready().await {
        let problem = refusal.to_string();
        if problem != said {
            tracing::warn!(server = database.name, problem, "waiting for the database");
            said = problem;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::info!(server = database.name, "the database is ready");
    loop {
        tokio::time::sleep(MONTHS).await;
        let made = database.write(async |client| months::make(client, database.options.clock.now()).await).await;
        match made {
            Ok(0) => (),
            Ok(made) => tracing::info!(made, "months were made in the database"),
            Err(error) => tracing::warn!(error = %error, "the next months could not be made in the database"),
        }
    }
}
