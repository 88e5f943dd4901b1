//! The embedded store: one SQLite file, one writer, a few readers.
//!
//! An event is a row of a `WITHOUT ROWID` table whose key is (timestamp, id, application): the order of
//! lists, and what makes two events the same. [`key`] says how the last two are one column. `migrations/sqlite/store` has the tables.

mod applications;
mod derived;
mod feed;
mod figures;
mod insert;
mod key;
mod list;
mod registry;
mod rejected;
mod selection;
mod session_list;
mod sessions;
mod tally;
mod upper;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::blocks::Mark;
use super::{
    Change, Counts, ErasedRows, Filter, Inserted, Intervals, News, Page, Place, Position, Query, ReasonCount, Registry,
    Sample, Session, SessionQuery, Sessions, Store, StoreError,
};
use crate::access::{KeptKey, NewApplication, Registered};
use crate::event::{Application, Event, Expiry, Rejected, Timestamp};
use crate::metrics::Metrics;
use crate::sqlite::{self, Damage, Fault, Migration, Migrations, OpenError, Readers, Rescued, SameFile, Schema};
use insert::Inserter;

const SCHEMA: Schema = Schema {
    name: "store",
    application_id: 0x4579_6553, // "EyeS"
    migrations: &[
        Migration::new(include_str!("../../../migrations/sqlite/store/0001_store.sql")),
        Migration::filled_by(include_str!("../../../migrations/sqlite/store/0002_tally.sql"), fill_tally),
        Migration::filled_by(include_str!("../../../migrations/sqlite/store/0003_upper.sql"), upper::build),
        Migration::new(include_str!("../../../migrations/sqlite/store/0004_feed.sql")),
        Migration::new(include_str!("../../../migrations/sqlite/store/0005_size.sql")),
        Migration::new(include_str!("../../../migrations/sqlite/store/0006_applications.sql")),
        Migration::filled_by(include_str!("../../../migrations/sqlite/store/0007_keys.sql"), registry::make_secret),
    ],
    tables: derived::TABLES,
    derive: derived::make_anew,
};

/// KiB of pages that the writer keeps in memory, and pages (4 KiB each) that the log holds before they
/// are moved into the database. Each batch changes some thousand pages, most of them those of the batch
/// before: docs/decisions/0006-tally.md has what this is worth.
const CACHE_KIB: i64 = 32 << 10;
const CHECKPOINT_PAGES: i32 = 16_000;

fn for_batches(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    sqlite::checkpoint::at(connection, CHECKPOINT_PAGES)
}

fn fill_tally(connection: &Connection) -> rusqlite::Result<()> {
    sessions::hash_all(connection)?;
    insert::count_all(connection)
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    writer: Arc<Mutex<Writer>>,
    readers: Readers,
    same_file: SameFile,
    damage: Damage,
    metrics: Arc<Metrics>,
}

/// How to open the embedded store.
#[derive(Debug, Clone)]
pub struct SqliteStoreOptions {
    /// The database file.
    pub path: PathBuf,
    /// Refused events it keeps.
    pub max_refused: u64,
    /// Whether to bring the file up to date.
    pub migrations: Migrations,
}

#[derive(Debug)]
struct Writer {
    /// None after an error of the disk, until it can be opened again.
    connection: Option<Connection>,
    same_file: SameFile,
    damage: Damage,
    /// The disk was full when this was last tried.
    full: bool,
    inserter: Inserter,
    options: SqliteStoreOptions,
}

impl SqliteStore {
    /// Opens the store, and creates it where there is none.
    pub fn open(options: &SqliteStoreOptions, metrics: Arc<Metrics>) -> Result<Self, OpenError> {
        let path = &options.path;
        let mut connection = sqlite::open_current(path, &SCHEMA, options.migrations)?;
        for_batches(&mut connection).map_err(|error| OpenError::new(path, error.to_string()))?;
        let (damage, same_file) = (Damage::of(path), SameFile::of(path));
        let writer = Writer {
            connection: Some(connection),
            same_file: same_file.clone(),
            damage: damage.clone(),
            full: false,
            inserter: Inserter::default(),
            options: options.clone(),
        };
        let readers = Readers::new(path, damage.clone());
        Ok(Self { writer: Arc::new(Mutex::new(writer)), readers, same_file, damage, metrics })
    }

    /// Brings the file up to date and says how many migrations that took.
    pub fn migrate(path: &Path) -> Result<usize, OpenError> {
        sqlite::migrate(path, &SCHEMA)
    }

    /// Copies what can be read of a damaged file into a new one; `None` if it is no store.
    pub fn rescue(old: &Path, new: &Path) -> Result<Option<Vec<Rescued>>, OpenError> {
        sqlite::rescue(old, new, &SCHEMA)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inserter, &mut Connection, &SqliteStoreOptions) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.writer.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.run(work)
        });
        match task.await {
            Ok(result) => result.map_err(|error| self.failure(&error)),
            // What panics on these events would panic on them again.
            Err(stopped) if stopped.is_panic() => Err(StoreError::Refused("the store panicked".to_owned())),
            Err(stopped) => Err(StoreError::Unavailable(stopped.to_string())),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.run(work).await.map_err(|error| {
            self.metrics.database_error("store");
            StoreError::Unavailable(error.to_string())
        })
    }

    fn failure(&self, error: &rusqlite::Error) -> StoreError {
        self.metrics.database_error("store");
        match sqlite::fault(error) {
            Fault::Refused => StoreError::Refused(error.to_string()),
            Fault::Full | Fault::Io | Fault::Unavailable => StoreError::Unavailable(error.to_string()),
        }
    }
}

impl Writer {
    fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Inserter, &mut Connection, &SqliteStoreOptions) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.damage.check()?;
        // It stays open: put back, it is what it was.
        self.same_file.check()?;
        // Taken out for the time being: after a panic or an error of the disk it is not put back.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => sqlite::reopen(&self.options.path)
                .and_then(|mut connection| for_batches(&mut connection).map(|()| connection))
                .inspect_err(|error| self.damage.look(error))?,
        };
        if self.full {
            // What room there is now is first of all for the database: the same batch again would take it for
            // the log, in vain, and the log could never be moved. That this fails too says nothing new.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        let result = work(&mut self.inserter, &mut connection, &self.options);
        self.full = result.as_ref().is_err_and(|error| sqlite::fault(error) == Fault::Full);
        if let Err(error) = &result {
            self.damage.look(error);
            self.damage.spare(&connection);
        }
        match &result {
            Err(error) if sqlite::fault(error) == Fault::Io => sqlite::abandon(connection),
            _ => self.connection = Some(connection),
        }
        result
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            self.damage.spare(connection);
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, events: Arc<[Event]>) -> Result<Inserted, StoreError> {
        self.write(move |inserter, connection, _| inserter.insert(connection, &events)).await
    }

    async fn insert_rejected(&self, rejected: Arc<[Rejected]>) -> Result<(), StoreError> {
        let removed = self
            .write(move |_, connection, options| rejected::insert(connection, &rejected, options.max_refused))
            .await?;
        self.metrics.refused_removed.inc_by(removed);
        Ok(())
    }

    async fn events(&self, query: Query) -> Result<Option<Page<Event>>, StoreError> {
        self.read(move |connection| list::page(connection, &query)).await
    }

    async fn event(&self, id: Uuid, application: Option<String>) -> Result<Option<Event>, StoreError> {
        self.read(move |connection| list::by_id(connection, id, application.as_deref())).await
    }

    async fn rejected(&self, query: Query) -> Result<Option<Page<Rejected>>, StoreError> {
        self.read(move |connection| rejected::page(connection, &query)).await
    }

    async fn rejected_by_id(&self, id: Uuid) -> Result<Option<Rejected>, StoreError> {
        self.read(move |connection| rejected::by_id(connection, id)).await
    }

    async fn rejected_by_reason(&self, filter: Filter) -> Result<Vec<ReasonCount>, StoreError> {
        self.read(move |connection| rejected::by_reason(connection, &filter)).await
    }

    async fn remove_rejected(&self, rows: Vec<Position>) -> Result<u64, StoreError> {
        self.write(move |_, connection, _| rejected::remove(connection, &rows)).await
    }

    async fn remove_expired(&self, _expiry: Expiry, _most: usize) -> Result<u64, StoreError> {
        Err(StoreError::Unavailable("nothing is removed yet".to_owned()))
    }

    async fn erase_session(&self, _session_id: String, _application: Option<String>) -> Result<ErasedRows, StoreError> {
        Err(StoreError::Unavailable("nothing is removed yet".to_owned()))
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        self.write(|_, connection, _| sqlite::scrub(connection)).await
    }

    fn residues(&self) -> Vec<&'static str> {
        vec!["Copies of the store's file: backups, snapshots, and blocks of its disk that are free now."]
    }

    async fn counts(&self, intervals: Intervals) -> Result<Vec<Counts>, StoreError> {
        self.read(move |connection| figures::counts(connection, &intervals)).await
    }

    async fn sample(&self, filter: Filter, size: u32) -> Result<Sample, StoreError> {
        self.read(move |connection| figures::sample(connection, &filter, u64::from(size))).await
    }

    async fn sessions(&self, query: SessionQuery) -> Result<Sessions, StoreError> {
        self.read(move |connection| session_list::page(connection, &query)).await
    }

    async fn session(&self, session_id: String, application: Option<String>) -> Result<Option<Session>, StoreError> {
        self.read(move |connection| session_list::by_id(connection, &session_id, application)).await
    }

    async fn newest_place(&self) -> Result<Place, StoreError> {
        self.read(feed::newest).await
    }

    async fn stored_after(&self, place: Place, most: usize) -> Result<News, StoreError> {
        self.read(move |connection| feed::after(connection, place, most)).await
    }

    async fn size(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
            connection.query_row(sql, [], |row| row.get(0))
        })
        .await
    }

    async fn count_stored(&self, keys: Vec<Position>) -> Result<usize, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE timestamp = ?1 AND id = ?2)";
            let mut exists = connection.prepare_cached(sql)?;
            let mut count = 0;
            for key in keys {
                let key = Mark::from(key);
                let found: bool = exists.query_row(params![key.time, key.key()], |row| row.get(0))?;
                count += usize::from(found);
            }
            Ok(count)
        })
        .await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let well = self.damage.check().and_then(|()| self.same_file.check());
        well.map_err(|error| self.failure(&error))?;
        self.read(|connection| connection.query_row("SELECT 1 FROM event UNION ALL SELECT 1 LIMIT 1", [], |_| Ok(())))
            .await
    }
}

#[async_trait]
impl Registry for SqliteStore {
    async fn registered(&self) -> Result<Registered, StoreError> {
        self.read(registry::all).await
    }

    async fn create_application(
        &self,
        application: NewApplication,
        key: KeptKey,
    ) -> Result<Option<Application>, StoreError> {
        self.write(move |_, connection, _| registry::create(connection, &application, &key)).await
    }

    async fn change_application(&self, name: String, change: Change) -> Result<bool, StoreError> {
        self.write(move |_, connection, _| registry::change(connection, &name, &change)).await
    }

    async fn rotate_key(&self, name: String, key: KeptKey, end: Timestamp) -> Result<bool, StoreError> {
        self.write(move |_, connection, _| registry::rotate(connection, &name, &key, end)).await
    }

    async fn end_keys(&self, name: String, end: Timestamp) -> Result<Option<u64>, StoreError> {
        self.write(move |_, connection, _| registry::end_keys(connection, &name, end)).await
    }
}
