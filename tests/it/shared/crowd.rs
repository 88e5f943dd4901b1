//! Four that take events in and four that store them, at once, on one Redis and one PostgreSQL.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::start;
use crate::support::load::{drained, stored};
use crate::support::servers::{Postgres, Redis};
use crate::support::{page_view_with, sql};

const PROCESSES: usize = 4;
const CLIENTS: u32 = 8;
const EVENTS: u32 = 200_000;

/// Requests have so many events, in turn.
const SIZES: [u32; 4] = [1, 40, 400, 1000];

fn id(number: u32) -> Uuid {
    Uuid::from_u64_pair(0x0190_b0e5_0000_7000, 0x8000_0000_0000_0000 | u64::from(number))
}

/// The event with that number, one to a line. Times go round, so that many are the same.
fn line(number: u32) -> String {
    let event = page_view_with(&json!({
        "id": id(number),
        "session_id": format!("session-{}", number % 20_011),
        "timestamp": format!("2026-{:02}-01T00:{:02}:{:02}Z", number % 7 + 1, number / 60 % 60, number % 60),
    }));
    event.to_string()
}

/// Sends its share of the events, and every twentieth once more, somewhere else and a while later.
async fn send(bases: Arc<[String]>, client: u32) {
    let http = reqwest::Client::new();
    let own: Vec<u32> = (0..EVENTS).filter(|number| number % CLIENTS == client).collect();
    let (mut at, mut turn) = (0, 0);
    let mut again = Vec::new();
    while at < own.len() {
        let size = (SIZES[turn % SIZES.len()] as usize).min(own.len() - at);
        let numbers = &own[at..at + size];
        let mut body = String::new();
        for number in numbers.iter().chain(&again) {
            writeln!(body, "{}", line(*number)).unwrap();
        }
        again = numbers.iter().copied().filter(|number| (number / CLIENTS).is_multiple_of(20)).collect();
        let base = &bases[(turn + client as usize) % bases.len()];
        let request = http.post(format!("{base}/events")).header("content-type", "application/x-ndjson");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        (at, turn) = (at + size, turn + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_apis_and_four_workers_store_each_event_once() {
    let (postgres, redis) = (Postgres::start().await, Redis::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut apis = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..PROCESSES {
        apis.push(
            start(folder.path(), &["serve", "--no-worker", "--listen", "127.0.0.1:0"], &postgres.url(), &redis.url())
                .await,
        );
        workers.push(start(folder.path(), &["worker"], &postgres.url(), &redis.url()).await);
    }
    let bases: Arc<[String]> = apis.iter().map(|api| api.base.clone()).collect();
    let clients: Vec<_> = (0..CLIENTS).map(|client| tokio::spawn(send(bases.clone(), client))).collect();
    for client in clients {
        client.await.unwrap();
    }
    drained(&bases[0]).await;

    let found = stored(&bases[1]).await;
    assert_eq!(found.len(), EVENTS as usize, "stored exactly once each");
    let mut expected: Vec<(String, u32)> = (0..EVENTS)
        .map(|number| (format!("2026-{:02}-01T00:{:02}:{:02}Z", number % 7 + 1, number / 60 % 60, number % 60), number))
        .collect();
    // Newest first, ties by id; and the ids are in the order of the numbers.
    expected.sort_by(|one, other| other.cmp(one));
    for ((found, _), (_, number)) in found.iter().zip(&expected) {
        assert_eq!(*found, id(*number));
    }
    let sessions: HashMap<&str, usize> = found.iter().fold(HashMap::new(), |mut sessions, (_, session)| {
        *sessions.entry(session.as_str()).or_default() += 1;
        sessions
    });
    assert_eq!(sessions.len(), 20_011);
    for base in bases.iter() {
        for (query, count) in [("", EVENTS as usize), ("session_id=session-7&", sessions["session-7"])] {
            let page = reqwest::get(format!("{base}/events?{query}page_size=1")).await.unwrap().text().await.unwrap();
            assert!(page.starts_with(&format!("{{\"count\":{count},")), "{page}");
        }
    }
    // One number for each session, whoever saw it first.
    assert_eq!(sql(&postgres.url(), "SELECT count(*) FROM session").await, ["20011"]);
    assert_eq!(sql(&postgres.url(), "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'").await, ["0"]);
    assert!(!postgres.log().contains("deadlock"), "{}", postgres.log());
    // Everyone had a part in it.
    for worker in workers {
        worker.terminate().await;
        assert_eq!(worker.exit_code().await, Some(0));
    }
    for name in ["worker.log", "worker-2.log", "worker-3.log", "worker-4.log"] {
        let log = std::fs::read_to_string(folder.path().join("data/logs").join(name)).unwrap();
        assert!(log.contains("\"stored\":") && !log.contains("\"stored\":0,"), "{log}");
    }
}
