//! Ways to open a store, one for each backend.

use std::sync::Arc;

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::config::DatabaseUrl;
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, PostgresStore, PostgresStoreOptions, SqliteStore, SqliteStoreOptions, Store};

use super::TestEye;
use super::events::at;
use super::servers;

/// A store that can be closed and opened again, and made to refuse a session.
pub trait Backend {
    async fn open(&self, max_refused: u64) -> Arc<dyn Store>;
    async fn refuse_session(&self, session_id: &str);
}

struct Sqlite(tempfile::TempDir);

impl Backend for Sqlite {
    async fn open(&self, max_refused: u64) -> Arc<dyn Store> {
        let options =
            SqliteStoreOptions { path: self.0.path().join("events.db"), max_refused, migrations: Migrations::Apply };
        Arc::new(SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap())
    }

    async fn refuse_session(&self, session_id: &str) {
        super::refuse_session(&self.0.path().join("events.db"), session_id);
    }
}

pub async fn sqlite() -> impl Backend {
    Sqlite(tempfile::tempdir().unwrap())
}

struct Postgres(String);

impl Backend for Postgres {
    async fn open(&self, max_refused: u64) -> Arc<dyn Store> {
        let options = PostgresStoreOptions {
            url: self.0.clone(),
            max_refused,
            migrations: Migrations::Apply,
            data_loss: DataLoss::Refuse,
            clock: Clock::Fixed(at(0)),
        };
        Arc::new(PostgresStore::open(&options, Arc::new(Metrics::new())).await.unwrap())
    }

    async fn refuse_session(&self, session_id: &str) {
        super::refuse_session_in_postgres(&self.0, session_id).await;
    }
}

/// The store of a running Eye, as another process would open it.
pub async fn store_of(eye: &TestEye) -> Arc<dyn Store> {
    match &eye.database_url {
        Some(DatabaseUrl::Postgres(url)) => Postgres(url.reveal().to_owned()).open(1000).await,
        _ => {
            let path = eye.dir.path().join("data/events.db");
            let options = SqliteStoreOptions { path, max_refused: 1000, migrations: Migrations::Expect };
            Arc::new(SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap())
        }
    }
}

pub async fn postgres() -> impl Backend {
    Postgres(servers::new_schema().await)
}
