//! A few connections that only read, so that queries neither wait for the writer nor for each other.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, ffi};
use tokio::sync::Semaphore;

use super::Damage;
use super::damage::corrupt;

/// Readers at once. More would only share two cores.
const READERS: usize = 4;

/// The readers of one database file.
#[derive(Debug, Clone)]
pub(crate) struct Readers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    damage: Damage,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path, damage: Damage) -> Self {
        let permits = Arc::new(Semaphore::new(READERS));
        Self(Arc::new(Inner { path: path.to_owned(), damage, permits, idle: Mutex::default() }))
    }

    /// Runs `work` on a thread that may block, within one transaction: it sees one state of the database.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let inner = self.0.clone();
        let permit = inner.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            inner.run(work)
        });
        match task.await {
            Ok(result) => result,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going down.
                Err(_) => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)),
            },
        }
    }
}

impl Inner {
    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.take().inspect_err(|error| self.damage.look(error))?;
        let result = connection.transaction().and_then(|transaction| work(&transaction));
        match &result {
            Ok(_) => self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection),
            // A connection on which something failed is not put back.
            Err(error) => {
                self.damage.look(error);
                self.damage.spare(&connection);
            }
        }
        result
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        // SQLite would wait in vain to make a database of it.
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == 0) {
            return Err(corrupt("it is empty".to_owned()));
        }
        let connection = super::open(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for connection in self.idle.get_mut().unwrap_or_else(PoisonError::into_inner) {
            self.damage.spare(connection);
        }
    }
}
