//! Locks that are not of a table: each has a number of ours, and stands for itself in every schema.

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};

/// Takes that lock, to the end of this transaction, if nobody has it.
pub(super) async fn try_lock(transaction: &Transaction<'_>, number: i32) -> Result<bool, Error> {
    let sql = "SELECT pg_try_advisory_xact_lock($1, hashtext(current_schema()))";
    transaction.query_typed_one(sql, &[(&number, Type::INT4)]).await?.try_get(0)
}

/// Waits until no other transaction has that lock, and keeps it to the end of this one.
pub(super) async fn lock(transaction: &Transaction<'_>, number: i32) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))";
    transaction.query_typed(sql, &[(&number, Type::INT4)]).await.map(drop)
}
