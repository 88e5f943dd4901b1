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
mod remove;
mod selection;
mod session_list;
mod sessions;
mod tally;
mod uncount;
mod upper;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::blocks::Mark;
use super::{
    Counts, ErasedRows, Filter, Inserted, Intervals, News, Page, Place, Position, Query, ReasonCount, Sample, Session,
    SessionQuery, Sessions, Store, StoreError,
};
use crate::clock::Clock;
use crate::event::{Event, Expiry, Rejected};
use crate::metrics::Metrics;
use crate::sqlite::{self, Damage, Fault, Migration, Migrations, OpenError, Readers, Rescued, SameFile, Schema};
use insert::Inserter;
use writer::Writer;

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
        Migration::new(include_str!("../../../migrations/sqlite/store/0008_erasure.sql")),
    ],
    tables: derived::TABLES,
    derive: derived::make_anew,
};

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

impl SqliteStore {
    /// Opens the store, and creates it where there is none.
    pub fn open(options: &SqliteStoreOptions, metrics: Arc<Metrics>) -> Result<Self, OpenError> {
        let path = &options.path;
        let connection = sqlite::open_current(path, &SCHEMA, options.migrations)?;
        let (damage, same_file) = (Damage::of(path), SameFile::of(path));
        let writer = Writer::new(connection, options, same_file.clone(), damage.clone())
            .map_err(|error| OpenError::new(path, error.to_string()))?;
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

    async fn remove_expired(&self, expiry: Expiry, most: usize) -> Result<u64, StoreError> {
        self.write(move |inserter, connection, _| remove::expired(connection, inserter, &expiry, most)).await
    }

    async fn erase_session(&self, session_id: String, application: Option<String>) -> Result<ErasedRows, StoreError> {
        let erasure = remove::Erasure { id: Clock::System.new_id(), at: Clock::System.now() };
        let (session_id, application) = (Arc::<str>::from(session_id), application.map(Arc::<str>::from));
        let mut events = 0;
        loop {
            let of = (session_id.clone(), application.clone());
            let some = self.write(move |inserter, connection, _| {
                remove::some_of_session(connection, inserter, erasure, (&of.0, of.1.as_deref()))
            });
            let removed = some.await?;
            events += removed;
            if removed < remove::STEP as u64 {
                break;
            }
        }
        let found =
            self.read(move |connection| rejected::of_session(connection, &session_id, application.as_deref())).await?;
        for some in found.chunks(remove::STEP) {
            let keys = some.to_vec();
            self.write(move |_, connection, _| remove::some_rejected(connection, erasure, &keys)).await?;
        }
        Ok(ErasedRows { id: erasure.id, events, rejected: found.into_iter().map(|row| row.id).collect() })
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
