//! Forward-only migrations, each in a transaction, under a lock: ten processes may start at once.

use tokio_postgres::{Client, Error, Transaction};

use super::partitions;
use super::server::{Refusal, may_pass, message};
use crate::sqlite::Migrations;

/// SQL texts, oldest first. One that was released is never edited.
const MIGRATIONS: [&str; 7] = [
    include_str!("../../../migrations/postgres/store/0001_store.sql"),
    include_str!("../../../migrations/postgres/store/0002_tally.sql"),
    include_str!("../../../migrations/postgres/store/0003_feed.sql"),
    include_str!("../../../migrations/postgres/store/0004_size.sql"),
    include_str!("../../../migrations/postgres/store/0005_applications.sql"),
    include_str!("../../../migrations/postgres/store/0006_keys.sql"),
    include_str!("../../../migrations/postgres/store/0007_erasure.sql"),
];

/// How many migrations there are when the tally is made, which then counts what there is.
const TALLY: usize = 2;

/// What this program locks before it changes tables, in every schema of its own: "EyeS".
const LOCK: i32 = 0x4579_6553;

/// Brings the database up to date, or sees that it is; says how many migrations that took.
pub(super) async fn prepare(client: &mut Client, migrations: Migrations) -> Result<usize, Refusal> {
    let mut applied = 0;
    for (index, sql) in MIGRATIONS.iter().enumerate() {
        if migrations == Migrations::Expect {
            break;
        }
        let transaction = lock(client).await.map_err(|error| refusal(&error))?;
        // Read under the lock: another process may have been faster.
        if version(&transaction).await? > index {
            continue;
        }
        let migrated = async {
            // A large table takes its time.
            transaction.batch_execute("SET LOCAL statement_timeout = 0").await?;
            transaction.batch_execute(sql).await?;
            let transaction = match index + 1 {
                TALLY => partitions::count_all(transaction).await?,
                _ => transaction,
            };
            let sql = "INSERT INTO the_eye_migration (version) VALUES ($1)";
            let version = i32::try_from(index + 1).expect("there are few");
            transaction.execute_typed(sql, &[(&version, tokio_postgres::types::Type::INT4)]).await?;
            transaction.commit().await
        };
        migrated.await.map_err(|error| match may_pass(&error) {
            true => refusal(&error),
            false => Refusal::Unusable(format!(
                "migration {} failed: {}; The Eye wants a database or a schema of its own",
                index + 1,
                message(&error)
            )),
        })?;
        applied += 1;
    }
    let transaction = client.transaction().await.map_err(|error| refusal(&error))?;
    let found = version(&transaction).await?;
    let known = MIGRATIONS.len();
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(applied),
        std::cmp::Ordering::Less => Err(Refusal::Unusable(format!(
            "it is at version {found} and this program needs {known}: run `the-eye migrate`"
        ))),
        std::cmp::Ordering::Greater => Err(Refusal::Unusable(format!(
            "it is at version {found} and this program knows {known}: use a newer the-eye"
        ))),
    }
}

/// A transaction in which no other process of ours changes tables.
pub(super) async fn lock(client: &mut Client) -> Result<Transaction<'_>, Error> {
    let transaction = client.transaction().await?;
    super::lock::lock(&transaction, LOCK).await?;
    Ok(transaction)
}

/// How many migrations the database has.
async fn version(transaction: &Transaction<'_>) -> Result<usize, Refusal> {
    let read = async {
        let exists = "SELECT to_regclass('the_eye_migration') IS NOT NULL";
        if transaction.query_typed_one(exists, &[]).await?.try_get(0)? {
            let sql = "SELECT coalesce(max(version), 0) FROM the_eye_migration";
            return transaction.query_typed_one(sql, &[]).await?.try_get::<_, i32>(0);
        }
        Ok(0)
    };
    let version = read.await.map_err(|error| refusal(&error))?;
    Ok(usize::try_from(version).unwrap_or_default())
}

/// What an error means that is nobody's migration's.
fn refusal(error: &Error) -> Refusal {
    match may_pass(error) {
        true => Refusal::Unreachable(message(error)),
        false => Refusal::Unusable(message(error)),
    }
}
