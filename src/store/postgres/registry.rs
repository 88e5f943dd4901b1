//! Applications and their keys, which are few.

use std::num::NonZeroU32;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Transaction};

use super::values::{Timestamptz, Value, timestamp};
use crate::access::{KeptKey, KeyHash, NewApplication, Rate, Registered, Registration, Scope, Secret};
use crate::event::{Application, Timestamp};
use crate::store::registry::{Change, join, split};

/// All that is registered; `None` if the database has something there that is none of ours.
pub(super) async fn all(transaction: &Transaction<'_>) -> Result<Option<Registered>, Error> {
    let sql = "SELECT bytes FROM secret WHERE name = 'server'";
    let secret = transaction.query_typed_opt(sql, &[]).await?;
    let secret: Option<Vec<u8>> = secret.map(|row| row.try_get(0)).transpose()?;
    let Some(secret) = secret.and_then(|bytes| bytes.try_into().ok()).map(Secret::from_bytes) else { return Ok(None) };
    let sql = "SELECT number, name, scope, origins, rate, sees, created_at FROM application ORDER BY number";
    let rows = transaction.query_typed(sql, &[]).await?;
    let mut applications = Vec::with_capacity(rows.len());
    for row in &rows {
        applications.extend(registration(row)?);
    }
    let sql = "SELECT application, hash, prefix, created_at, ends_at FROM key ORDER BY created_at, hash";
    for row in &transaction.query_typed(sql, &[]).await? {
        let number: i32 = row.try_get(0)?;
        let owner = applications.iter_mut().find(|owner| i64::from(owner.number().get()) == i64::from(number));
        if let (Some(owner), Some(key)) = (owner, key(row)?) {
            owner.keys.push(key);
        }
    }
    Ok(Some(Registered { applications, secret }))
}

/// Registers an application; `None` if there is one of that name that is.
pub(super) async fn create(
    client: &mut Client,
    new: &NewApplication,
    key: &KeptKey,
) -> Result<Option<Application>, Error> {
    let transaction = client.transaction().await?;
    // One that is known by its events alone has a number, and keeps it.
    let sql = "INSERT INTO application (name, scope, origins, rate, sees, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (name) DO UPDATE SET scope = excluded.scope, origins = excluded.origins, \
               rate = excluded.rate, sees = excluded.sees, created_at = excluded.created_at \
               WHERE application.scope IS NULL RETURNING number";
    let NewApplication { name, scope, origins, rate, sees, created_at } = new;
    let (scope, origins, rate) = (scope.as_str(), join(origins), rate.map(|rate| i64::from(rate.events().get())));
    let created_at = Timestamptz::from(*created_at);
    let values: [Value<'_>; 6] = [
        (name, Type::TEXT),
        (&scope, Type::TEXT),
        (&origins, Type::TEXT),
        (&rate, Type::INT8),
        (sees, Type::TEXT),
        (&created_at, Type::TIMESTAMPTZ),
    ];
    let Some(row) = transaction.query_typed_opt(sql, &values).await? else { return Ok(None) };
    let number: i32 = row.try_get(0)?;
    add_key(&transaction, number, key).await?;
    transaction.commit().await?;
    Ok(nonzero(number).map(|number| Application { number, name: name.clone() }))
}

/// Gives one other settings; false if there is none of that name.
pub(super) async fn change(client: &mut Client, name: &str, change: &Change) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    let Some(number) = number(&transaction, name).await? else { return Ok(false) };
    if let Some(origins) = &change.origins {
        let origins = join(origins);
        let values: [Value<'_>; 2] = [(&number, Type::INT4), (&origins, Type::TEXT)];
        transaction.execute_typed("UPDATE application SET origins = $2 WHERE number = $1", &values).await?;
    }
    if let Some(rate) = change.rate {
        let rate = rate.map(|rate| i64::from(rate.events().get()));
        let values: [Value<'_>; 2] = [(&number, Type::INT4), (&rate, Type::INT8)];
        transaction.execute_typed("UPDATE application SET rate = $2 WHERE number = $1", &values).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Adds a key and ends the others; false if there is no application of that name.
pub(super) async fn rotate(client: &mut Client, name: &str, key: &KeptKey, end: Timestamp) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    let Some(number) = number(&transaction, name).await? else { return Ok(false) };
    end_all(&transaction, number, end).await?;
    add_key(&transaction, number, key).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends keys, and says how many; `None` if there is no application of that name.
pub(super) async fn end_keys(client: &mut Client, name: &str, end: Timestamp) -> Result<Option<u64>, Error> {
    let transaction = client.transaction().await?;
    let Some(number) = number(&transaction, name).await? else { return Ok(None) };
    let ended = end_all(&transaction, number, end).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}

async fn number(transaction: &Transaction<'_>, name: &str) -> Result<Option<i32>, Error> {
    // Locked: of two that change one application, one comes after the other.
    let sql = "SELECT number FROM application WHERE name = $1 AND scope IS NOT NULL FOR UPDATE";
    let row = transaction.query_typed_opt(sql, &[(&name, Type::TEXT)]).await?;
    row.map(|row| row.try_get(0)).transpose()
}

async fn add_key(transaction: &Transaction<'_>, number: i32, key: &KeptKey) -> Result<(), Error> {
    let (hash, created_at) = (&key.hash.as_bytes()[..], Timestamptz::from(key.created_at));
    let ends_at = key.ends_at.map(Timestamptz::from);
    let values: [Value<'_>; 5] = [
        (&hash, Type::BYTEA),
        (&number, Type::INT4),
        (&key.prefix, Type::TEXT),
        (&created_at, Type::TIMESTAMPTZ),
        (&ends_at, Type::TIMESTAMPTZ),
    ];
    let sql = "INSERT INTO key (hash, application, prefix, created_at, ends_at) VALUES ($1, $2, $3, $4, $5)";
    transaction.execute_typed(sql, &values).await.map(drop)
}

async fn end_all(transaction: &Transaction<'_>, number: i32, end: Timestamp) -> Result<u64, Error> {
    let end = Timestamptz::from(end);
    let values: [Value<'_>; 2] = [(&number, Type::INT4), (&end, Type::TIMESTAMPTZ)];
    let sql = "UPDATE key SET ends_at = $2 WHERE application = $1 AND (ends_at IS NULL OR ends_at > $2)";
    transaction.execute_typed(sql, &values).await
}

fn registration(row: &Row) -> Result<Option<Registration>, Error> {
    let Some(number) = nonzero(row.try_get(0)?) else { return Ok(None) };
    let application = Arc::new(Application { number, name: row.try_get(1)? });
    // A scope of a later version is none that this one can hold a key to.
    let scope = row.try_get::<_, Option<String>>(2)?.and_then(|word| Scope::parse(&word));
    let mut settings = None;
    if let Some(scope) = scope {
        let rate: Option<i64> = row.try_get(4)?;
        let rate = rate.and_then(|rate| u32::try_from(rate).ok()).and_then(NonZeroU32::new);
        settings = Some(NewApplication {
            name: application.name.clone(),
            scope,
            origins: split(row.try_get(3)?),
            rate: rate.map(Rate::per_second),
            sees: row.try_get(5)?,
            created_at: timestamp(row, 6)?,
        });
    }
    Ok(Some(Registration { application, settings, keys: Vec::new() }))
}

fn key(row: &Row) -> Result<Option<KeptKey>, Error> {
    let hash: Vec<u8> = row.try_get(1)?;
    let Ok(hash) = hash.try_into() else { return Ok(None) };
    let ends_at = match row.try_get::<_, Option<Timestamptz>>(4)? {
        Some(_) => Some(timestamp(row, 4)?),
        None => None,
    };
    Ok(Some(KeptKey {
        hash: KeyHash::from_bytes(hash),
        prefix: row.try_get(2)?,
        created_at: timestamp(row, 3)?,
        ends_at,
    }))
}

fn nonzero(number: i32) -> Option<NonZeroU32> {
    u32::try_from(number).ok().and_then(NonZeroU32::new)
}
