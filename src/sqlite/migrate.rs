//! Forward-only migrations: a list of steps, most of them SQL texts, and `user_version` says how many were applied.
//!
//! The crates that do this pin a `rusqlite` older than ours, and two SQLites cannot be linked.

use rusqlite::{Connection, TransactionBehavior};

use super::Table;

/// What a database file is for, and how it came to look as it does.
#[derive(Debug)]
pub(crate) struct Schema {
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// SQLite's `application_id`: keeps a queue from being opened as a store.
    pub(crate) application_id: i32,
    /// Oldest first.
    pub(crate) migrations: &'static [Migration],
    /// Those whose rows are enough to make the rest of them.
    pub(crate) tables: &'static [Table],
    /// Makes everything anew that is derived from other rows, where those may have changed without it.
    pub(crate) derive: fn(&Connection) -> rusqlite::Result<()>,
}

/// One step from a version to the next.
#[derive(Debug)]
pub(crate) struct Migration {
    sql: &'static str,
    fill: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

impl Migration {
    /// A step that is SQL alone.
    pub(crate) const fn new(sql: &'static str) -> Self {
        Self { sql, fill: None }
    }

    /// A step whose new tables are then filled with what SQL alone cannot say.
    pub(crate) const fn filled_by(sql: &'static str, fill: fn(&Connection) -> rusqlite::Result<()>) -> Self {
        Self { sql, fill: Some(fill) }
    }
}

impl Schema {
    /// Applies what is missing, each migration in a transaction, and says how many that were.
    pub(crate) fn migrate(&self, connection: &mut Connection) -> Result<usize, String> {
        let mut applied = 0;
        for (index, Migration { sql, fill }) in self.migrations.iter().enumerate() {
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|error| error.to_string())?;
            // Read within the transaction: another process may be migrating too.
            if self.version(&transaction)? > index {
                continue;
            }
            transaction
                .execute_batch(sql)
                .and_then(|()| fill.map_or(Ok(()), |fill| fill(&transaction)))
                .and_then(|()| transaction.pragma_update(None, "application_id", self.application_id))
                .and_then(|()| transaction.pragma_update(None, "user_version", index + 1))
                .and_then(|()| transaction.commit())
                .map_err(|error| format!("migration {} failed: {error}", index + 1))?;
            applied += 1;
        }
        self.expect(connection)?;
        Ok(applied)
    }

    /// Whether the database is exactly at the version that this program knows.
    pub(crate) fn expect(&self, connection: &Connection) -> Result<(), String> {
        let (found, known) = (self.version(connection)?, self.migrations.len());
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err(self.is_behind(found)),
            std::cmp::Ordering::Greater => {
                Err(format!("it is at version {found} and this program knows {known}: use a newer the-eye"))
            }
        }
    }

    /// What is said of a database that is older than this program.
    pub(super) fn is_behind(&self, found: usize) -> String {
        let known = self.migrations.len();
        format!("it is at version {found} and this program needs {known}: run `the-eye migrate`")
    }

    /// Whether a file that is there is a database of this kind.
    pub(super) fn is_ours(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        Ok(application == i64::from(self.application_id))
    }

    /// What is said of one that is not.
    pub(super) fn is_foreign(&self) -> String {
        format!("it is the database of something else, and no {} of The Eye: choose another path", self.name)
    }

    /// Makes everything anew that is derived, in one transaction.
    pub(super) fn derive_anew(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        (self.derive)(&transaction)?;
        transaction.commit()
    }

    /// How many migrations it has; an error if it is the database of something else.
    fn version(&self, connection: &Connection) -> Result<usize, String> {
        let version: i64 =
            connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| error.to_string())?;
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|error| error.to_string())?;
        let is_new = version == 0 && tables == 0;
        match is_new || self.is_ours(connection).map_err(|error| error.to_string())? {
            true => usize::try_from(version).map_err(|error| error.to_string()),
            false => Err(self.is_foreign()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Migration = Migration::new("CREATE TABLE a (x)");
    const B: Migration = Migration::new("CREATE TABLE b (x)");
    const BROKEN: Migration = Migration::new("CREATE TABLE a (x); CREATE TABLE a (x)");

    fn schema(migrations: &'static [Migration]) -> Schema {
        Schema { name: "queue", application_id: 7, migrations, tables: &[], derive: |_| Ok(()) }
    }

    #[test]
    fn migrations_are_applied_once_and_only_forward() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = schema(&[A]);
        let both = schema(&[A, B]);
        assert!(first.expect(&connection).unwrap_err().contains("run `the-eye migrate`"));
        assert_eq!(first.migrate(&mut connection), Ok(1));
        assert_eq!(both.migrate(&mut connection), Ok(1));
        assert_eq!(both.migrate(&mut connection), Ok(0));
        assert!(first.migrate(&mut connection).unwrap_err().contains("use a newer the-eye"));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = schema(&[BROKEN]);
        assert!(broken.migrate(&mut connection).unwrap_err().starts_with("migration 1 failed"));
        assert_eq!(schema(&[A]).migrate(&mut connection), Ok(1));
    }

    #[test]
    fn the_database_of_something_else_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema(&[A]).migrate(&mut connection).unwrap();
        let store = Schema { name: "store", application_id: 8, ..schema(&[B]) };
        assert!(store.migrate(&mut connection).unwrap_err().contains("no store of The Eye"));
        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(store.migrate(&mut foreign).unwrap_err().contains("something else"));
    }
}
