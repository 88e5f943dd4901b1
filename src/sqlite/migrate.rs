//! Forward-only migrations: a list of SQL texts, and `user_version` says how many were applied.
//!
//! The crates that do this pin a `rusqlite` older than ours, and two SQLites cannot be linked.

use rusqlite::{Connection, TransactionBehavior};

/// Applies what is missing, each migration in a transaction, and says how many that were.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<usize, String> {
    let mut applied = 0;
    for (index, sql) in migrations.iter().enumerate() {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| error.to_string())?;
        // Read within the transaction: another process may be migrating too.
        if version(&transaction)? > index {
            continue;
        }
        transaction
            .execute_batch(sql)
            .and_then(|()| transaction.pragma_update(None, "user_version", index + 1))
            .and_then(|()| transaction.commit())
            .map_err(|error| format!("migration {} failed: {error}", index + 1))?;
        applied += 1;
    }
    is_current(connection, migrations)?;
    Ok(applied)
}

/// Whether the database is exactly at the version that this program knows.
pub(crate) fn is_current(connection: &Connection, migrations: &[&str]) -> Result<(), String> {
    let (found, known) = (version(connection)?, migrations.len());
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => {
            Err(format!("it is at version {found} and this program needs {known}: run `the-eye migrate`"))
        }
        std::cmp::Ordering::Greater => {
            Err(format!("it is at version {found} and this program knows {known}: use a newer the-eye"))
        }
    }
}

fn version(connection: &Connection) -> Result<usize, String> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_applied_once_and_only_forward() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = ["CREATE TABLE a (x)"];
        let both = ["CREATE TABLE a (x)", "CREATE TABLE b (x)"];
        assert!(is_current(&connection, &first).unwrap_err().contains("run `the-eye migrate`"));
        assert_eq!(migrate(&mut connection, &first), Ok(1));
        assert_eq!(migrate(&mut connection, &both), Ok(1));
        assert_eq!(migrate(&mut connection, &both), Ok(0));
        assert!(migrate(&mut connection, &first).unwrap_err().contains("use a newer the-eye"));
    }

    #[test]
    fn a_migration_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = ["CREATE TABLE a (x); CREATE TABLE a (x)"];
        assert!(migrate(&mut connection, &broken).unwrap_err().starts_with("migration 1 failed"));
        assert_eq!(migrate(&mut connection, &["CREATE TABLE a (x)"]), Ok(1));
    }
}
