//! Sessions that have no events any more: noted when their events are removed, and removed with their names a while
//! later, many at once.
//!
//! Processes remember the numbers of sessions. So sessions are removed while nobody inserts, and a generation that every
//! insert reads counts up ([`super::insert`]).

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Transaction};

use super::fold::{self, Folding};
use super::values::Value;

/// Sessions that are looked at in one transaction, beside which nobody inserts.
const AT_ONCE: i64 = 5000;

/// Notes sessions that may be empty.
pub(super) async fn note(transaction: &Transaction<'_>, sessions: &[i64]) -> Result<(), Error> {
    let sql = "INSERT INTO emptied_session (session) SELECT * FROM unnest($1) ON CONFLICT DO NOTHING";
    transaction.execute_typed(sql, &[(&sessions, Type::INT8_ARRAY)]).await.map(drop)
}

/// Notes those of these sessions that seem to be empty.
pub(super) async fn note_empty(transaction: &Transaction<'_>, sessions: &[i64]) -> Result<(), Error> {
    let sql = "INSERT INTO emptied_session (session) SELECT number FROM unnest($1) AS touched (number) \
               WHERE NOT EXISTS (SELECT FROM event WHERE session = touched.number) ON CONFLICT DO NOTHING";
    transaction.execute_typed(sql, &[(&sessions, Type::INT8_ARRAY)]).await.map(drop)
}

/// Whether so many are noted that they are to be removed at once.
pub(super) async fn are_many(client: &Client) -> Result<bool, Error> {
    let sql = "SELECT count(*) = $1 FROM (SELECT FROM emptied_session LIMIT $1) AS noted";
    client.query_typed_one(sql, &[(&AT_ONCE, Type::INT8)]).await?.try_get(0)
}

/// Removes all that are noted and empty. If somebody inserts for long just now, they are left to the next time.
pub(super) async fn sweep(client: &mut Client) -> Result<(), Error> {
    loop {
        let sql = "SELECT session FROM emptied_session ORDER BY session LIMIT $1";
        let rows = client.query_typed(sql, &[(&AT_ONCE, Type::INT8)]).await?;
        let noted = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        if noted.is_empty() || !remove(client, &noted).await? {
            return Ok(());
        }
    }
}

/// Removes those of these sessions that are empty; false if somebody inserts for long just now.
pub(super) async fn remove(client: &mut Client, noted: &[i64]) -> Result<bool, Error> {
    fold::if_alone(async {
        let folding = Folding::alone(client).await?;
        let transaction = &folding.transaction;
        let these: [Value<'_>; 1] = [(&noted, Type::INT8_ARRAY)];
        let sql = "DELETE FROM session WHERE number = ANY ($1) \
                   AND NOT EXISTS (SELECT FROM event WHERE event.session = session.number)";
        if transaction.execute_typed(sql, &these).await? > 0 {
            let sql = "UPDATE session_generation SET number = number + 1";
            transaction.execute_typed(sql, &[]).await?;
            let sql = "DELETE FROM tallied_session WHERE session = ANY ($1) \
                       AND NOT EXISTS (SELECT FROM session WHERE number = tallied_session.session) RETURNING session";
            let rows = transaction.query_typed(sql, &these).await?;
            let lists = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
            if !lists.is_empty() {
                folding.forget(&lists).await?;
            }
        }
        transaction.execute_typed("DELETE FROM emptied_session WHERE session = ANY ($1)", &these).await?;
        folding.transaction.commit().await.map(|()| true)
    })
    .await
}
