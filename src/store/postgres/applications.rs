//! The applications that the database knows, by number and by name.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::values::Value;
use crate::event::Application;
use crate::store::applications::{another_name, another_number};

/// Sees that an application is known by this number and this name; if either is another one's, says so.
pub(super) async fn know(client: &mut Client, application: &Application) -> Result<Result<(), String>, Error> {
    let Ok(number) = i32::try_from(application.number.get()) else {
        return Ok(Err(format!("this database has no application with a number like {}", application.number)));
    };
    if let Some(found) = look(client, application, number).await? {
        return Ok(found);
    }
    add(client, application, number).await?;
    // Another worker may have been faster, with another one.
    let found = look(client, application, number).await?;
    Ok(found.unwrap_or_else(|| Err(format!("application {number} was removed as it was added"))))
}

/// What is known of an application, if its number or its name is.
async fn look(client: &Client, application: &Application, number: i32) -> Result<Option<Result<(), String>>, Error> {
    let names: [Value<'_>; 2] = [(&number, Type::INT4), (&application.name, Type::TEXT)];
    let sql = "SELECT number, name FROM application WHERE number = $1 OR name = $2 ORDER BY number <> $1";
    let rows = client.query_typed(sql, &names).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (known, name): (i32, &str) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Some(match (known == number, name == application.name) {
        (true, true) => Ok(()),
        (true, false) => Err(another_name(application, name)),
        (false, _) => Err(another_number(application, known.unsigned_abs())),
    }))
}

async fn add(client: &mut Client, application: &Application, number: i32) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    // Nobody is given a number meanwhile, and those that are given from now on come behind this one.
    transaction.batch_execute("LOCK TABLE application IN SHARE ROW EXCLUSIVE MODE").await?;
    let sql = "INSERT INTO application (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    transaction.execute_typed(sql, &[(&number, Type::INT4), (&application.name, Type::TEXT)]).await?;
    let sql = "WITH counter (sequence) AS (SELECT pg_get_serial_sequence('application', 'number')::regclass) \
               SELECT setval(sequence, greatest(coalesce(pg_sequence_last_value(sequence), 1), \
                   (SELECT max(number) FROM application))) FROM counter";
    transaction.query_typed(sql, &[]).await?;
    transaction.commit().await
}
