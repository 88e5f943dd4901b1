//! What PostgreSQL is asked for, and how its tables come to be and are divided.

use std::process::Output;
use std::sync::Arc;

use serde_json::{Value, json};
use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::{Event, Timestamp};
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, Filter, Order, PostgresStore, PostgresStoreOptions, Query, Start, Store};

use crate::support::events::{event, id};
use crate::support::process::{Process, command};
use crate::support::servers::{self, Postgres};
use crate::support::{Pair, TestEye, page_view_with, sql};

async fn run(arguments: &[&str], postgres: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(folder.path(), arguments, &[("EYE_DATABASE_URL", postgres)]).output().await.unwrap()
}

/// The store of a process that starts at that time.
async fn store_at(url: &str, time: &str) -> PostgresStore {
    let options = PostgresStoreOptions {
        url: url.to_owned(),
        max_refused: 10,
        migrations: Migrations::Apply,
        data_loss: DataLoss::Refuse,
        clock: Clock::Fixed(Timestamp::parse(time).unwrap()),
    };
    PostgresStore::open(&options, Arc::new(Metrics::new())).await.unwrap()
}

/// An event of that time, whose id is its number.
fn event_at(number: u32, time: &str) -> Event {
    Event { timestamp: Timestamp::parse(time).unwrap(), ..event(number) }
}

async fn insert(store: &PostgresStore, events: impl IntoIterator<Item = Event>) -> usize {
    store.insert(events.into_iter().collect()).await.unwrap().new
}

async fn partitions(url: &str) -> Vec<String> {
    let found = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
                 WHERE inhparent = 'event'::regclass ORDER BY relname COLLATE \"C\"";
    sql(url, found).await
}

async fn count(url: &str, table: &str) -> String {
    sql(url, &format!("SELECT count(*) FROM {table}")).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_may_lose_commits_is_refused_unless_that_is_accepted() {
    for setting in ["fsync", "full_page_writes"] {
        let postgres = Postgres::start_with(&[(setting, "off")]).await;
        let (url, listen) = (postgres.url(), ["--listen", "127.0.0.1:0"]);
        for arguments in [&["serve"][..], &["worker"], &["migrate"]] {
            let refused = run(arguments, &url).await;
            let stderr = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(1), "{stderr}");
            for word in [setting, "is off", "--accept-data-loss"] {
                assert!(stderr.contains(word), "{word} in {stderr}");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let variables = [("EYE_DATABASE_URL", url.as_str())];
        Process::start_with(folder.path(), &[&listen[..], &["--accept-data-loss"]].concat(), &variables)
            .await
            .kill()
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_processes_start_at_once_on_an_empty_database() {
    let url = servers::new_schema().await;
    let runs: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { run(&["migrate"], &url).await }
            })
        })
        .collect();
    let mut applied = 0;
    for output in runs {
        let Output { status, stdout, stderr } = output.await.unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        let stdout = String::from_utf8(stdout).unwrap();
        let line = stdout.lines().find(|line| line.starts_with("postgres://")).unwrap();
        let (_, said) = line.rsplit_once(": ").unwrap();
        applied += said.strip_suffix(" applied").map_or(0, |number| number.parse::<usize>().unwrap());
    }
    let migrations = sql(&url, "SELECT version FROM the_eye_migration").await.len();
    assert_eq!(applied, migrations, "each one once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_as_it_should_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let fails = async |arguments: &[&str], url: &str, code: i32, words: &[&str]| {
        let output = command(folder.path(), arguments, &[("EYE_DATABASE_URL", url)]).output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(words.iter().all(|word| stderr.contains(word)) && !stderr.contains("secret"), "{words:?} in {stderr}");
    };
    let listen = ["--listen", "127.0.0.1:0"];
    let url = servers::shared_postgres_url();
    let nowhere = url.replace("/postgres", "/nowhere").replace("postgres@", "postgres:secret@");
    fails(&listen, &nowhere, 1, &["postgres://127.0.0.1:", "/nowhere", "does not exist"]).await;
    fails(&listen, "postgres://me:secret@host/db?sslmode=maybe", 2, &["EYE_DATABASE_URL", "sslmode", "verify-full"])
        .await;
    fails(&listen, "postgres://me:secret@host/db?sslmode=verify-full&sslrootcert=nowhere.pem", 1, &["nowhere.pem"])
        .await;

    let fresh = servers::new_schema().await;
    fails(&["serve", "--no-migrate", "--listen", "127.0.0.1:0"], &fresh, 1, &["run `the-eye migrate`"]).await;
    sql(&fresh, "CREATE TABLE session (theirs text)").await;
    fails(
        &listen,
        &fresh,
        1,
        &["`session`", "already exists", "a schema of its own"].map(|word| word.trim_matches('`')),
    )
    .await;

    let later = servers::new_schema().await;
    assert!(run(&["migrate"], &later).await.status.success());
    sql(&later, "INSERT INTO the_eye_migration VALUES (99)").await;
    fails(&listen, &later, 1, &["version 99", "use a newer the-eye"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_year_has_a_place_and_old_months_can_be_dropped_whole() {
    let url = servers::new_schema().await;
    let store = store_at(&url, "2026-06-15").await;
    let months = ["03", "04", "05", "06", "07", "08"].map(|month| format!("event_2026_{month}"));
    let all = |months: &[String]| [months, &["event_default".to_owned(), "event_earlier".to_owned()]].concat();
    assert_eq!(partitions(&url).await, all(&months));
    let times = [
        "0001-01-01",
        "1969-12-31",
        "2026-02-28T23:59:59.999999",
        "2026-03-01",
        "2026-06-15",
        "2026-08-31T23:59:59.999999",
        "2026-09-01",
        "9999-12-31T23:59:59.999999",
    ];
    assert_eq!(insert(&store, (0..).zip(times).map(|(number, time)| event_at(number, time))).await, times.len());
    let counts = [
        ("event_earlier", "3"),
        ("event_2026_03", "1"),
        ("event_2026_06", "1"),
        ("event_2026_08", "1"),
        ("event_default", "2"),
    ];
    for (table, expected) in counts {
        assert_eq!(count(&url, table).await, expected, "{table}");
    }
    // A flood of odd timestamps makes no partitions.
    insert(&store, (100..1100).map(|number| event_at(number, &format!("{:04}-{:02}-01", number * 7, number % 12 + 1))))
        .await;
    assert_eq!(partitions(&url).await, all(&months));

    sql(&url, "DROP TABLE event_2026_03").await;
    let query = Query { filter: Filter::default(), order: Order::Ascending, start: Start::Page(1), size: 1000 };
    let page = store
        .events(Query {
            filter: Filter {
                start_time: Some(Timestamp::parse("2026-02-01").unwrap()),
                end_time: Some(Timestamp::parse("2026-07-01").unwrap()),
                ..Filter::default()
            },
            ..query
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.items.iter().map(|event| event.id).collect::<Vec<_>>(), [2, 4].map(id));
    // It is not made again, and its late events have a place.
    drop(store);
    let store = store_at(&url, "2026-06-20").await;
    assert_eq!(partitions(&url).await, all(&months[1..]));
    assert_eq!(insert(&store, [event_at(3, "2026-03-01")]).await, 1);
    // All before the first month can go too, and months are made as before.
    sql(&url, "DROP TABLE event_earlier").await;
    drop(store);
    let store = store_at(&url, "2026-08-01").await;
    let made = partitions(&url).await;
    assert!(made.contains(&"event_2026_10".to_owned()) && !made.contains(&"event_earlier".to_owned()), "{made:?}");
    assert_eq!(insert(&store, [event_at(0, "0001-01-01")]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_which_the_default_partition_holds_something_is_not_made() {
    let url = servers::new_schema().await;
    let store = store_at(&url, "2026-06-15").await;
    insert(&store, [event_at(1, "2026-10-10")]).await;
    drop(store);
    let store = store_at(&url, "2026-09-01").await;
    let made = partitions(&url).await;
    assert!(made.contains(&"event_2026_09".to_owned()) && made.contains(&"event_2026_11".to_owned()), "{made:?}");
    assert!(!made.contains(&"event_2026_10".to_owned()), "{made:?}");
    assert_eq!(insert(&store, [event_at(1, "2026-10-10"), event_at(2, "2026-10-11")]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_events_anywhere_in_a_large_batch_are_passed_over() {
    let url = servers::new_schema().await;
    let store = store_at(&url, "2026-06-15").await;
    let known = [0, 7, 9_999, 19_999];
    assert_eq!(insert(&store, known.map(event)).await, 4);
    assert_eq!(insert(&store, (0..20_000).map(event)).await, 19_996);
    assert_eq!(insert(&store, (0..20_000).map(event)).await, 0);
    assert_eq!(count(&url, "event").await, "20000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_event_is_buried_and_the_rest_flows() {
    let eye = TestEye::on(Pair::Shared).await;
    sql(eye.database_url(), "ALTER TABLE event ADD CHECK (data NOT LIKE '%poison%')").await;
    let path = |number: usize| if number == 37 { "/poison" } else { "/good" };
    let events: Vec<Value> = (0..100)
        .map(|number| page_view_with(&json!({ "data": { "host": "a.example", "path": path(number) } })))
        .collect();
    eye.post(&Value::from(events).to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events?page_size=1").await.json()["count"], 99);
    let rejected = eye.get("/rejected").await.json();
    assert_eq!((&rejected["count"], &rejected["results"][0]["kind"]), (&json!(1), &json!("dead_letter")));
    let reason = rejected["results"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("check constraint"), "{reason}");
    assert!(rejected["results"][0]["body"].as_str().unwrap().contains("/poison"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_query_holds_up_nobody_who_inserts() {
    let eye = TestEye::on(Pair::Shared).await;
    // All readers wait for a lock that inserts do not need.
    let (client, connection) = tokio_postgres::connect(eye.database_url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE rejected IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let slow: Vec<_> = (0..4).map(|_| tokio::spawn(reqwest::get(format!("{}/rejected", eye.base)))).collect();
    while sql(eye.database_url(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'rejected'::regclass")
        .await
        != ["4"]
    {
        tokio::task::yield_now().await;
    }
    eye.get("/readyz").await.expect(200);
    for _ in 0..10 {
        eye.post(&page_view_with(&json!({})).to_string()).await.expect(201);
        eye.drain().await;
    }
    assert_eq!(count(eye.database_url(), "event").await, "10");
    client.batch_execute("COMMIT").await.unwrap();
    for query in slow {
        assert_eq!(query.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_went_away_leaves_no_connection_busy() {
    let eye = TestEye::on(Pair::Shared).await;
    let url = eye.database_url();
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE rejected IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'rejected'::regclass";
    // More than there are readers, one after the other.
    for _ in 0..6 {
        let query = tokio::spawn(reqwest::get(format!("{}/rejected", eye.base)));
        while sql(url, waiting).await == ["0"] {
            tokio::task::yield_now().await;
        }
        query.abort();
        // The server itself notices that nobody is there any more.
        while sql(url, waiting).await != ["0"] {
            tokio::task::yield_now().await;
        }
    }
    eye.get("/events").await.expect(200);
    client.batch_execute("COMMIT").await.unwrap();
    eye.get("/rejected").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_sessions_are_not_remembered_beyond_a_connection() {
    let mut postgres = Postgres::start().await;
    let store = store_at(&postgres.url(), "2026-06-15").await;
    insert(&store, (0..7).map(event)).await;
    // As in a backup of before: the same sessions, and other numbers.
    sql(&postgres.url(), "TRUNCATE event; DELETE FROM session; INSERT INTO session (session_id) VALUES ('another')")
        .await;
    postgres.restart().await;
    let again = loop {
        if let Ok(inserted) = store.insert((0..7).map(event).collect()).await {
            break inserted.new;
        }
    };
    assert_eq!(again, 7);
    let query = Query { filter: Filter::default(), order: Order::Ascending, start: Start::Page(1), size: 1000 };
    let page = store.events(query).await.unwrap().unwrap();
    let sessions: Vec<_> = page.items.iter().map(|event| event.session_id.clone()).collect();
    assert_eq!(sessions, (0..7).map(|number| event(number).session_id).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_sets_for_its_users_does_not_stop_writers() {
    let postgres = Postgres::start().await;
    let url = postgres.url();
    sql(&url, "CREATE ROLE poor LOGIN; ALTER DATABASE postgres SET synchronous_commit = off").await;
    sql(&url, "ALTER DATABASE postgres SET default_transaction_read_only = on").await;
    let store = store_at(&url, "2026-06-15").await;
    assert_eq!(insert(&store, (0..7).map(event)).await, 7);
    assert_eq!(insert(&store, (0..8).map(event)).await, 1);

    sql(&url, "SET TRANSACTION READ WRITE; REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC").await;
    let poor = run(&["migrate"], &url.replace("postgres@", "poor@")).await;
    let stderr = String::from_utf8(poor.stderr).unwrap();
    assert!(poor.status.code() == Some(1) && stderr.contains("GRANT TEMPORARY"), "{stderr}");
}
