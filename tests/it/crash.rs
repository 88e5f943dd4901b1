//! The real binary, asked to end and limited under load. What is killed, cut off and broken in other ways is
//! in `faults`.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use uuid::Uuid;

use crate::support::account::{Ledger, Load, Pace, Promise, Verdict};
use crate::support::load::{drained, stored as stored_events};
use crate::support::page_view_with;
use crate::support::process::Process;

fn new_event(number: u64) -> Value {
    page_view_with(&json!({ "id": Uuid::from_u64_pair(0, number) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_what_is_open_and_stores_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Ledger::new(folder.path().join("account")));
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let load = Load::start(std::slice::from_ref(&server.base), &ledger, Pace::Full);
    ledger.more_verdicts(200).await;
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));
    load.stop().await;
    assert_eq!(queued(folder.path()), 0, "the queue was drained");
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let verdict = Verdict::of(&ledger, &server.base, Promise::Durable).await;
    assert!(verdict.is_clean() && verdict.acknowledged >= 200, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_waits_for_a_request_that_is_half_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let event = new_event(0).to_string();
    let (first, rest) = event.split_at(event.len() / 2);
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        event.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Half of it has to be there before the signal is.
    let reading = format!("eye_body_memory_bytes {}", first.len());
    while !reqwest::get(format!("{}/metrics", server.base)).await.unwrap().text().await.unwrap().contains(&reading) {
        tokio::task::yield_now().await;
    }
    server.terminate().await;
    server.line_with(&["stopping"]).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(server.exit_code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_the_store_is_locked_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (queued, stored) = (|| queued(folder.path()), || stored(folder.path()));
    for (arguments, api) in
        [(vec![], None), (vec!["worker"], Some(["serve", "--no-worker", "--listen", "127.0.0.1:0"]))]
    {
        let listen = ["--listen", "127.0.0.1:0"];
        let api = match api {
            Some(arguments) => Some(Process::start(folder.path(), &arguments).await),
            None => None,
        };
        let end = ["--drain-timeout", "200ms"];
        let own = if api.is_some() { vec![] } else { listen.to_vec() };
        let server = Process::start(folder.path(), &[arguments, own, end.to_vec()].concat()).await;
        let base = api.as_ref().map_or(&server.base, |api| &api.base).clone();
        let lock = rusqlite::Connection::open(folder.path().join("data/events.db")).unwrap();
        lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let body = new_event(u64::from(api.is_some())).to_string();
        let post = reqwest::Client::new().post(format!("{base}/events")).header("content-type", "application/json");
        assert_eq!(post.body(body).send().await.unwrap().status(), 201);
        server.terminate().await;
        assert_eq!(server.exit_code().await, Some(0));
        drop(lock);
        assert_eq!((queued(), stored()), (1, u64::from(api.is_some())));
        if let Some(api) = api {
            api.kill().await;
        }
        // The next start stores it.
        let next = Process::start(folder.path(), &listen).await;
        next.terminate().await;
        assert_eq!(next.exit_code().await, Some(0));
        assert_eq!(queued(), 0);
    }
    assert_eq!(stored(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_grow_is_a_503_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    // More than new databases take, and less than these events do.
    let mut limited = Command::new("prlimit");
    limited.args(["--fsize=600000", env!("CARGO_BIN_EXE_the-eye"), "--listen", "127.0.0.1:0"]);
    limited.current_dir(folder.path()).env_clear().kill_on_drop(true);
    let mut server = Process::spawn(limited);
    let line = server.line_with(&["listening on "]).await;
    let base = line.split_once("listening on ").unwrap().1.split("/events").next().unwrap().to_owned();
    let http = reqwest::Client::new();
    let post = async |number: u64| {
        let event = page_view_with(&json!({ "id": Uuid::from_u64_pair(0, number), "session_id": "x".repeat(200) }));
        let post = http.post(format!("{base}/events")).header("content-type", "application/json");
        post.body(event.to_string()).send().await.unwrap()
    };
    let mut acknowledged = 0;
    let busy = loop {
        match post(acknowledged).await {
            answer if answer.status() == 201 => acknowledged += 1,
            answer => break answer,
        }
        assert!(acknowledged < 100_000, "the limit is felt");
    };
    assert_eq!((busy.status().as_u16(), busy.headers().contains_key("retry-after")), (503, true));
    for path in ["/healthz", "/events"] {
        assert_eq!(reqwest::get(format!("{base}{path}")).await.unwrap().status(), 200, "{path}");
    }
    server.kill().await;
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    drained(&server.base).await;
    assert!(stored_events(&server.base).await.len() as u64 >= acknowledged);
}

fn queued(folder: &Path) -> u64 {
    number(folder, "queue.db", "SELECT coalesce(sum(events), 0) FROM segment")
}

fn stored(folder: &Path) -> u64 {
    number(folder, "events.db", "SELECT count(*) FROM event")
}

fn number(folder: &Path, database: &str, sql: &str) -> u64 {
    let database = rusqlite::Connection::open(folder.join("data").join(database)).unwrap();
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}
