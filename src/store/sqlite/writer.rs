//! The one connection that writes, and when it is to be trusted.

use rusqlite::Connection;

use super::SqliteStoreOptions;
use super::insert::Inserter;
use crate::sqlite::{self, Damage, Fault, SameFile};

/// KiB of pages that the writer keeps in memory, and pages (4 KiB each) that the log holds before they
/// are moved into the database. Each batch changes some thousand pages, most of them those of the batch
/// before: docs/decisions/0006-tally.md has what this is worth.
const CACHE_KIB: i64 = 32 << 10;
const CHECKPOINT_PAGES: i32 = 16_000;

fn for_batches(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    sqlite::checkpoint::at(connection, CHECKPOINT_PAGES)
}

/// Whoever has it writes.
#[derive(Debug)]
pub(super) struct Writer {
    /// None after an error of the disk, until it can be opened again.
    connection: Option<Connection>,
    same_file: SameFile,
    damage: Damage,
    /// The disk was full when this was last tried.
    full: bool,
    inserter: Inserter,
    options: SqliteStoreOptions,
}

impl Writer {
    pub(super) fn new(
        mut connection: Connection,
        options: &SqliteStoreOptions,
        same_file: SameFile,
        damage: Damage,
    ) -> rusqlite::Result<Self> {
        for_batches(&mut connection)?;
        let (full, inserter) = Default::default();
        Ok(Self { connection: Some(connection), same_file, damage, full, inserter, options: options.clone() })
    }

    /// Does something with the connection, and looks what its error says of that.
    pub(super) fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Inserter, &mut Connection, &SqliteStoreOptions) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.damage.check()?;
        // It stays open: put back, it is what it was.
        self.same_file.check()?;
        // Taken out for the time being: after a panic or an error of the disk it is not put back.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                // What another process has changed meanwhile cannot be told through a new connection.
                self.inserter = Inserter::default();
                sqlite::reopen(&self.options.path)
                    .and_then(|mut connection| for_batches(&mut connection).map(|()| connection))
                    .inspect_err(|error| self.damage.look(error))?
            }
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
