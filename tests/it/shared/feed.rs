//! The feed of the shared store: in an order that late commits cannot change, whoever else uses the server.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::Event;
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, Place, PostgresStore, PostgresStoreOptions, Store, Stored};
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;

use crate::support::events::{at, event, refused};
use crate::support::servers;

async fn open(url: &str) -> Arc<PostgresStore> {
    let options = PostgresStoreOptions {
        url: url.to_owned(),
        max_refused: 100_000,
        migrations: Migrations::Apply,
        data_loss: DataLoss::Refuse,
        clock: Clock::Fixed(at(0)),
    };
    Arc::new(PostgresStore::open(&options, Arc::new(Metrics::new())).await.unwrap())
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Reads on from a place, and says what came.
async fn news(store: &PostgresStore, place: &mut Place) -> Vec<u128> {
    let news = store.stored_after(*place, 1000).await.unwrap();
    assert!(!news.missed);
    *place = news.end;
    let id = |stored: &Stored| match stored {
        Stored::Event(event) => event.id.as_u128(),
        Stored::Rejected(rejected) => rejected.id.as_u128(),
    };
    news.items.iter().map(|(_, stored)| id(stored)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_late_is_not_passed_over() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    // An insert of that session has its number, and waits in the middle of its transaction.
    let gate = connect(&url).await;
    gate.batch_execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF EXISTS (SELECT 1 FROM session WHERE number = NEW.session AND session_id = 'slow') \
         THEN PERFORM pg_current_xact_id(); PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END $$; \
         CREATE TRIGGER wait BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION wait(); \
         SELECT pg_advisory_lock(4711)",
    )
    .await
    .unwrap();
    let mut place = store.newest_place().await.unwrap();
    let slow = Event { session_id: "slow".to_owned(), ..event(1) };
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.insert([slow].into()).await }
    });
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 4711";
    while gate.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        looks.tick().await;
    }
    // These commit before it, and have greater numbers.
    store.insert([event(2)].into()).await.unwrap();
    store.insert_rejected([refused(3)].into()).await.unwrap();
    assert_eq!(news(&store, &mut place).await, [0; 0]);
    gate.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(news(&store, &mut place).await, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_of_somebody_else_holds_nothing_up() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    let mut place = store.newest_place().await.unwrap();
    let somebody = connect(&url).await;
    somebody.batch_execute("BEGIN; CREATE TABLE theirs (x int); SELECT pg_current_xact_id()").await.unwrap();
    store.insert([event(1)].into()).await.unwrap();
    assert_eq!(news(&store, &mut place).await, [1]);
    somebody.batch_execute("COMMIT").await.unwrap();
    assert_eq!(news(&store, &mut place).await, [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_store_at_once_are_followed_without_a_gap() {
    const WRITERS: u32 = 4;
    const EACH: u32 = 5000;
    let url = servers::new_schema().await;
    let follower = open(&url).await;
    let mut place = follower.newest_place().await.unwrap();
    let write = async |store: Arc<PostgresStore>, writer: u32| {
        let mut number = writer * EACH;
        let mut turn = 0;
        while number < (writer + 1) * EACH {
            turn += 1;
            let size = (turn * 37 % 400 + 1).min((writer + 1) * EACH - number);
            match turn % 5 {
                0 => store.insert_rejected((number..number + size).map(refused).collect()).await.unwrap(),
                _ => drop(store.insert((number..number + size).map(event).collect()).await.unwrap()),
            }
            number += size;
        }
    };
    let done = CancellationToken::new();
    let writing = tokio::spawn({
        let (done, url) = (done.clone(), url.clone());
        async move {
            let stores = [open(&url).await, open(&url).await, open(&url).await, open(&url).await];
            let [a, b, c, d] = stores;
            tokio::join!(write(a, 0), write(b, 1), write(c, 2), write(d, 3));
            done.cancel();
        }
    });
    let mut seen = HashSet::new();
    loop {
        let is_last = done.is_cancelled();
        let found = news(&follower, &mut place).await;
        if is_last && found.is_empty() {
            break;
        }
        for id in found {
            assert!(seen.insert(id), "{id} came twice");
        }
    }
    writing.await.unwrap();
    assert_eq!(seen.len(), (WRITERS * EACH) as usize);
}
