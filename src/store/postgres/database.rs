//! The database as it has to be: reached, brought up to date, read in one state and written as a whole.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::sync::{Mutex, OnceCell};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};

use super::insert::Inserter;
use super::server::{Refusal, Server, message};
use super::url::Url;
use super::{PostgresOpenError, PostgresStoreOptions, feed, fold, months, partitions, schema};
use crate::metrics::Metrics;
use crate::store::StoreError;
use crate::store::feed::KEPT;

/// How long between two tries while the server is away.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(200);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often it is seen whether months are due.
const MONTHS: Duration = Duration::from_secs(3600);

/// How long between two tries to fold: each may hold inserts up for a second.
const FOLD_AGAIN: Duration = Duration::from_secs(10);

/// How long an insert and a query may take before the connection is given up: the server hangs, or the
/// network. The server itself ends each statement sooner.
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
    /// Held by the one who counts partitions anew that were changed by hand.
    counting: Arc<Mutex<()>>,
    /// Set once the database has been seen to be as it should be.
    ready: OnceCell<()>,
}

impl Database {
    pub(super) fn new(options: &PostgresStoreOptions, metrics: Arc<Metrics>) -> Result<Self, PostgresOpenError> {
        let failed = |server: &str, problem| PostgresOpenError { server: server.to_owned(), problem };
        let url = Url::parse(&options.url).map_err(|problem| failed("postgres:", problem))?;
        let name = url.name();
        let server = Server::new(&url, options.data_loss).map_err(|problem| failed(&name, problem))?;
        let (inserter, counting, ready) = Default::default();
        Ok(Self { server, name, options: options.clone(), inserter, metrics, counting, ready })
    }

    pub(super) fn unusable(&self, problem: String) -> PostgresOpenError {
        PostgresOpenError { server: self.name.clone(), problem }
    }

    /// Brings the database up to date, so that it can be used from then on. One at a time does this.
    pub(super) async fn make_ready(&self) -> Result<(), Refusal> {
        self.ready.get_or_try_init(async || self.prepare().await.map(drop)).await.copied()
    }

    fn expect_ready(&self) -> Result<(), StoreError> {
        // Whoever asks is not made to wait: the keeper does that.
        self.ready.get().copied().ok_or_else(|| StoreError::Unavailable("the database is not there yet".to_owned()))
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

    /// Writes on a connection of one's own.
    pub(super) async fn write<T>(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.expect_ready()?;
        let writing = async {
            let mut writer = Held::new(self.server.writer().await.map_err(StoreError::from)?);
            let written = work(writer.client()).await;
            // A server that takes no writes has become a standby; a new connection finds another one.
            if !written.as_ref().is_err_and(|error| error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)) {
                writer.give_back();
            }
            written.map_err(|error| failure(&error))
        };
        self.within(INSERT, writing).await
    }

    /// Reads within one transaction: it sees one state of the database.
    pub(super) async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.expect_ready()?;
        let reading = async {
            let mut reader = Held::new(self.server.reader().await?);
            let client = reader.client();
            let read = async {
                let snapshot = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead);
                let transaction = snapshot.read_only(true).start().await?;
                let found = work(&transaction).await?;
                transaction.commit().await?;
                Ok(found)
            };
            // Whatever it was: no event is at fault if a query fails.
            let found = read.await.map_err(|error: Error| StoreError::Unavailable(message(&error)));
            reader.give_back();
            found
        };
        self.within(QUERY, reading).await
    }

    /// Counts partitions that were changed by hand, however long that takes; waits for as long as a query
    /// may take.
    pub(super) async fn count_changed_partitions(self: &Arc<Self>) -> Result<(), StoreError> {
        let database = self.clone();
        let counting = async move {
            let alone = database.counting.clone().lock_owned().await;
            // In a task of its own, which goes on when nobody waits any more.
            let counting = tokio::spawn(async move {
                let _alone = alone;
                let mut writer = Held::new(database.server.writer().await?);
                let counted = partitions::count_changed(writer.client()).await;
                writer.give_back();
                counted.map_err(|error| StoreError::Unavailable(message(&error)))
            });
            counting.await.unwrap_or_else(|_| Err(StoreError::Unavailable("counting events anew failed".to_owned())))
        };
        self.within(QUERY, counting).await
    }

    /// How many connections for writing were ever made.
    pub(super) fn connections(&self) -> u64 {
        self.server.made()
    }

    async fn within<T>(
        &self,
        most: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |_| Err(StoreError::Unavailable("the database did not answer in time".to_owned()));
        let result = tokio::time::timeout(most, work).await.unwrap_or_else(late);
        if result.is_err() {
            self.metrics.database_error("store");
        }
        result
    }
}

/// A connection that is closed unless it is given back: if nobody waits for an answer any more, it is
/// still busy with the question, and nobody else may have it.
struct Held(Option<Object>);

impl Held {
    fn new(connection: Object) -> Self {
        Self(Some(connection))
    }

    fn client(&mut self) -> &mut Client {
        self.0.as_mut().expect("it is taken out at the end alone")
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

/// What an error of a write means.
fn failure(error: &Error) -> StoreError {
    match speaks_against_events(error) {
        true => StoreError::Refused(message(error)),
        false => StoreError::Unavailable(message(error)),
    }
}

/// Whether it is the rows that are at fault: the same again would be refused again.
fn speaks_against_events(error: &Error) -> bool {
    let Some(database) = error.as_db_error() else { return false };
    let code = database.code().code();
    match database.table() {
        // Sessions and kinds are numbered by us: what is wrong there is no event's fault.
        Some("session" | "kind") => false,
        // A constraint has a name. That no partition takes a row, or a sequence is at its end, has none.
        _ if code.starts_with("23") => database.constraint().is_some(),
        // Data exceptions, limits of the program, and what a trigger raises.
        _ => code != "2200H" && ["22", "54", "P0001"].iter().any(|class| code.starts_with(class)),
    }
}

/// Waits until the server is ready, says so, makes months as time goes by and folds what is inserted.
pub(super) async fn keep(database: Arc<Database>) {
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    while let Err(refusal) = database.make_ready().await {
        let problem = refusal.to_string();
        if problem != said {
            tracing::warn!(server = database.name, problem, "waiting for the database");
            said = problem;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    tracing::info!(server = database.name, "the database is ready");
    tokio::join!(make_months(&database), fold_changes(&database));
}

async fn make_months(database: &Database) {
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

/// Folds what was inserted, again and again, and removes what the feed keeps no longer.
async fn fold_changes(database: &Database) {
    let unfolded = &database.inserter.unfolded;
    let (mut folded, mut said) = (0, false);
    // Another process may have left something.
    let mut untrimmed = KEPT;
    loop {
        unfolded.due().await;
        let Some((events, sessions)) = unfolded.take() else { continue };
        untrimmed += events;
        let folding = async |client: &mut Client| {
            folded += fold::fold(client, &sessions).await?;
            if let Err(error) = fold::free(client, &mut folded).await {
                tracing::debug!(error = message(&error), "the room of folded changes could not be freed");
            }
            if untrimmed >= KEPT {
                feed::trim(client).await?;
                untrimmed = 0;
            }
            Ok(())
        };
        let result = database.write(folding).await;
        if let Err(error) = &result {
            if !said {
                tracing::warn!(error = %error, "inserts could not be folded into the tally: queries take longer");
            }
            unfolded.add(1, sessions);
            tokio::time::sleep(FOLD_AGAIN).await;
        }
        said = result.is_err();
    }
}
