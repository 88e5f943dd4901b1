//! Applications and their keys, which are few.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::SqliteStore;
use crate::access::{KeptKey, KeyHash, NewApplication, Rate, Registered, Registration, Scope, Secret};
use crate::event::{Application, Timestamp};
use crate::sqlite::{always_there, rows};
use crate::store::registry::{Change, join, split};
use crate::store::{Registry, StoreError};

/// What the secret is called; there may be others one day.
const SECRET: &str = "server";

#[async_trait]
impl Registry for SqliteStore {
    async fn registered(&self) -> Result<Registered, StoreError> {
        self.read(all).await
    }

    async fn create_application(
        &self,
        application: NewApplication,
        key: KeptKey,
    ) -> Result<Option<Application>, StoreError> {
        self.write(move |_, connection, _| create(connection, &application, &key)).await
    }

    async fn change_application(&self, name: String, change: Change) -> Result<bool, StoreError> {
        self.write(move |_, connection, _| self::change(connection, &name, &change)).await
    }

    async fn rotate_key(&self, name: String, key: KeptKey, end: Timestamp) -> Result<bool, StoreError> {
        self.write(move |_, connection, _| rotate(connection, &name, &key, end)).await
    }

    async fn end_keys(&self, name: String, end: Timestamp) -> Result<Option<u64>, StoreError> {
        self.write(move |_, connection, _| end_keys(connection, &name, end)).await
    }
}

/// Makes the secret of all processes that will share this database.
pub(super) fn make_secret(connection: &Connection) -> rusqlite::Result<()> {
    let secret = Secret::generate().map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let sql = "INSERT INTO secret (name, bytes) VALUES (?1, ?2)";
    connection.execute(sql, params![SECRET, secret.as_bytes()]).map(drop)
}

/// All that is registered.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Registered> {
    let sql = "SELECT bytes FROM secret WHERE name = ?1";
    let secret = always_there(connection.query_row(sql, [SECRET], |row| row.get(0).map(Secret::from_bytes)))?;
    let mut applications: Vec<Registration> = connection
        .prepare_cached("SELECT number, name, scope, origins, rate, sees, created_at FROM application ORDER BY number")?
        .query_map([], registration)?
        .collect::<Result<_, _>>()?;
    let mut keys = connection
        .prepare_cached("SELECT application, hash, prefix, created_at, ends_at FROM key ORDER BY created_at, hash")?;
    for key in keys.query_map([], |row| Ok((row.get::<_, u32>(0)?, key(row)?)))? {
        let (number, key) = key?;
        if let Some(owner) = applications.iter_mut().find(|owner| owner.number().get() == number) {
            owner.keys.push(key);
        }
    }
    Ok(Registered { applications, secret })
}

/// Registers an application; `None` if there is one of that name that is.
pub(super) fn create(
    connection: &mut Connection,
    new: &NewApplication,
    key: &KeptKey,
) -> rusqlite::Result<Option<Application>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // One that is known by its events alone has a number, and keeps it.
    let sql = "INSERT INTO application (name, scope, origins, rate, sees, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
               ON CONFLICT (name) DO UPDATE SET scope = excluded.scope, origins = excluded.origins, \
               rate = excluded.rate, sees = excluded.sees, created_at = excluded.created_at WHERE scope IS NULL \
               RETURNING number";
    let NewApplication { name, scope, origins, rate, sees, created_at } = new;
    let rate = rate.map(|rate| rate.events().get());
    let values = params![name, scope.as_str(), join(origins), rate, sees, created_at.as_micros()];
    let number: Option<NonZeroU32> = transaction.query_row(sql, values, |row| row.get(0)).optional()?;
    let Some(number) = number else { return Ok(None) };
    add_key(&transaction, number, key)?;
    transaction.commit()?;
    Ok(Some(Application { number, name: name.clone() }))
}

/// Gives one other settings; false if there is none of that name.
pub(super) fn change(connection: &mut Connection, name: &str, change: &Change) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(number) = number(&transaction, name)? else { return Ok(false) };
    if let Some(origins) = &change.origins {
        let sql = "UPDATE application SET origins = ?2 WHERE number = ?1";
        transaction.execute(sql, params![number, join(origins)])?;
    }
    if let Some(rate) = change.rate {
        let sql = "UPDATE application SET rate = ?2 WHERE number = ?1";
        transaction.execute(sql, params![number, rate.map(|rate| rate.events().get())])?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Adds a key and ends the others; false if there is no application of that name.
pub(super) fn rotate(connection: &mut Connection, name: &str, key: &KeptKey, end: Timestamp) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(number) = number(&transaction, name)? else { return Ok(false) };
    end_all(&transaction, number, end)?;
    add_key(&transaction, number, key)?;
    transaction.commit()?;
    Ok(true)
}

/// Ends keys, and says how many; `None` if there is no application of that name.
pub(super) fn end_keys(connection: &mut Connection, name: &str, end: Timestamp) -> rusqlite::Result<Option<u64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(number) = number(&transaction, name)? else { return Ok(None) };
    let ended = end_all(&transaction, number, end)?;
    transaction.commit()?;
    Ok(Some(ended as u64))
}

fn number(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<NonZeroU32>> {
    let sql = "SELECT number FROM application WHERE name = ?1 AND scope IS NOT NULL";
    transaction.query_row(sql, [name], |row| row.get(0)).optional()
}

fn add_key(transaction: &Transaction<'_>, number: NonZeroU32, key: &KeptKey) -> rusqlite::Result<()> {
    let sql = "INSERT INTO key (hash, application, prefix, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (created_at, ends_at) = (key.created_at.as_micros(), key.ends_at.map(Timestamp::as_micros));
    transaction.execute(sql, params![key.hash.as_bytes(), number, key.prefix, created_at, ends_at]).map(drop)
}

fn end_all(transaction: &Transaction<'_>, number: NonZeroU32, end: Timestamp) -> rusqlite::Result<usize> {
    let sql = "UPDATE key SET ends_at = ?2 WHERE application = ?1 AND (ends_at IS NULL OR ends_at > ?2)";
    transaction.execute(sql, params![number, end.as_micros()])
}

fn registration(row: &Row<'_>) -> rusqlite::Result<Registration> {
    let application = Arc::new(Application { number: row.get(0)?, name: row.get(1)? });
    // A scope of a later version is none that this one can hold a key to.
    let scope = row.get::<_, Option<String>>(2)?.and_then(|word| Scope::parse(&word));
    let settings = scope.map(|scope| -> rusqlite::Result<_> {
        Ok(NewApplication {
            name: application.name.clone(),
            scope,
            origins: split(&row.get::<_, String>(3)?),
            rate: row.get::<_, Option<NonZeroU32>>(4)?.map(Rate::per_second),
            sees: row.get(5)?,
            created_at: rows::timestamp(row, 6)?,
        })
    });
    Ok(Registration { settings: settings.transpose()?, application, keys: Vec::new() })
}

fn key(row: &Row<'_>) -> rusqlite::Result<KeptKey> {
    let ends_at = row.get::<_, Option<i64>>(4)?.map(|_| rows::timestamp(row, 4)).transpose()?;
    Ok(KeptKey {
        hash: KeyHash::from_bytes(row.get(1)?),
        prefix: row.get(2)?,
        created_at: rows::timestamp(row, 3)?,
        ends_at,
    })
}
