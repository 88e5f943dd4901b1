//! Processes that start before their servers, and go on when those come.

use serde_json::json;

use super::start;
use crate::support::load::{drained, stored};
use crate::support::page_view_with;
use crate::support::process::{Process, command};
use crate::support::servers::{Postgres, Redis};
use crate::support::sql;

async fn post(base: &str, number: u32) -> u16 {
    let event = page_view_with(&json!({ "session_id": format!("session-{number}") }));
    let request = reqwest::Client::new().post(format!("{base}/events")).header("content-type", "application/json");
    request.body(event.to_string()).send().await.unwrap().status().as_u16()
}

async fn status(base: &str, path: &str) -> u16 {
    reqwest::get(format!("{base}{path}")).await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn api_and_worker_wait_for_what_is_not_up_yet() {
    let (mut postgres, mut redis) = (Postgres::start().await, Redis::start().await);
    postgres.kill().await;
    redis.kill().await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["serve", "--no-worker", "--listen", "127.0.0.1:0"];
    let mut api = start(folder.path(), &arguments, &postgres.url(), &redis.url()).await;
    let mut worker = start(folder.path(), &["worker"], &postgres.url(), &redis.url()).await;
    for process in [&mut api, &mut worker] {
        process.has_said("waiting for the database").await;
        process.has_said("Redis cannot be reached").await;
    }
    assert_eq!(post(&api.base, 0).await, 503);
    for (path, expected) in [("/readyz", 503), ("/events", 503), ("/healthz", 200), ("/metrics", 200)] {
        assert_eq!(status(&api.base, path).await, expected, "{path}");
    }

    let metrics = reqwest::get(format!("{}/metrics", api.base)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("\neye_queue_depth -1\n"), "nobody knows: {metrics}");

    redis.restart().await;
    while post(&api.base, 1).await == 503 {
        tokio::task::yield_now().await;
    }
    // The database is still away, and nobody who sends notices.
    for number in 2..10 {
        assert_eq!(post(&api.base, number).await, 201);
    }
    assert_eq!((status(&api.base, "/readyz").await, status(&api.base, "/events").await), (503, 503));

    postgres.restart().await;
    for process in [&mut api, &mut worker] {
        process.has_said("the database is ready").await;
    }
    drained(&api.base).await;
    assert_eq!(stored(&api.base).await.len(), 9);
    assert_eq!(status(&api.base, "/readyz").await, 200);
    worker.terminate().await;
    assert_eq!(worker.exit_code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_waits_too() {
    let (mut postgres, mut redis) = (Postgres::start().await, Redis::start().await);
    postgres.kill().await;
    redis.kill().await;
    let folder = tempfile::tempdir().unwrap();
    let (database, queue) = (postgres.url(), redis.url());
    let variables = [("EYE_DATABASE_URL", database.as_str()), ("EYE_QUEUE_URL", queue.as_str())];
    let mut migrate = Process::spawn(command(folder.path(), &["migrate"], &variables));
    migrate.line_with(&["waiting for `redis://127.0.0.1:"]).await;
    redis.restart().await;
    migrate.line_with(&["waiting for `postgres://127.0.0.1:"]).await;
    postgres.restart().await;
    assert_eq!(migrate.exit_code().await, Some(0));
    assert_eq!(sql(&database, "SELECT count(*) FROM event").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_database_url_are_enough_and_empty_variables_are_none() {
    let postgres = Postgres::start().await;
    sql(&postgres.url(), "CREATE USER \"an eye\" PASSWORD 'a/b:c@d%'").await;
    sql(&postgres.url(), "CREATE DATABASE \"events+\" OWNER \"an eye\"").await;
    let folder = tempfile::tempdir().unwrap();
    let url = postgres.url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let (_, port) = server.rsplit_once(':').unwrap();
    let variables = [
        ("POSTGRES_HOST", "127.0.0.1"),
        ("POSTGRES_PORT", port),
        ("POSTGRES_USER", "an eye"),
        ("POSTGRES_PASSWORD", "a/b:c@d%"),
        ("POSTGRES_DB", "events+"),
        ("EYE_DATABASE_URL", ""),
        ("EYE_PAGE_SIZE", ""),
        ("EYE_PUBLIC_URL", ""),
    ];
    let eye = Process::start_with(folder.path(), &["--listen", "127.0.0.1:0"], &variables).await;
    assert_eq!(post(&eye.base, 0).await, 201);
    drained(&eye.base).await;
    assert_eq!(sql(&format!("{server}/events+"), "SELECT count(*) FROM event").await, ["1"]);
    assert!(!folder.path().join("data/events.db").exists());
}
