//! A server that is sent everything, and the places where a value could then be found.

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::Value;

use super::sent::{self, MAX_BODY, MAX_EVENT, NEEDLES, Sent};
use crate::support::process::Process;
use crate::support::{servers, sql};

/// What queue and store are: servers, or files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) redis: bool,
    pub(super) postgres: bool,
}

impl Pair {
    /// Places in which a value is found that is not marked.
    pub(super) fn places(self) -> [&'static str; 5] {
        [
            if self.redis { "redis: an event" } else { "queue.db" },
            if self.redis { "redis: a rejected event" } else { "queue.db" },
            if self.postgres { "postgres: event" } else { "events.db" },
            if self.postgres { "postgres: rejected" } else { "events.db" },
            "server.log",
        ]
    }
}

/// Sends everything to a server with that catalog and says where a value of it is: while all of it is in the queue,
/// and after it was stored.
pub(super) async fn where_it_is(pair: Pair, catalog: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    super::write_catalog(&folder.path().join("types"), catalog);
    let (queue, store) = (servers::new_queue(), servers::new_schema().await);
    let (max_event, max_body) = (MAX_EVENT.to_string(), MAX_BODY.to_string());
    let mut arguments = vec!["serve", "--listen", "127.0.0.1:0", "--catalog", "types", "--log", "trace"];
    arguments.extend(["--max-event", &max_event, "--max-body", &max_body]);
    arguments.extend(pair.redis.then_some(["--queue-url", queue.as_str()]).into_iter().flatten());
    arguments.extend(pair.postgres.then_some(["--database-url", store.as_str()]).into_iter().flatten());

    let taking = Process::start(folder.path(), &[&arguments[..], &["--no-worker"]].concat()).await;
    let mut rejected = 0;
    for Sent { content_type, encoding, body, status, rejected: rows } in sent::all() {
        let mut request =
            reqwest::Client::new().post(format!("{}/events", taking.base)).header(CONTENT_TYPE, &content_type);
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        let answer = request.body(body.clone()).send().await.unwrap();
        let found = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        // Without marks some are valid that were not, and the other way round: only the count matters there.
        assert_eq!(found, status, "{content_type}: {}: {text}", String::from_utf8_lossy(&body));
        rejected += rows;
    }
    // The queue is written in order: behind this all the rest is there.
    post(&taking.base, &sent::valid()).await;
    // Its files stay as they are now, logs of the databases too.
    taking.kill().await;
    let mut found = in_files(folder.path());
    if pair.redis {
        found.extend(in_redis(&queue).await);
    }

    let storing = Process::start(folder.path(), &arguments).await;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while count(&storing.base, "/rejected").await < rejected || count(&storing.base, "/events").await < 6 {
        looks.tick().await;
    }
    assert_eq!(count(&storing.base, "/rejected").await, rejected, "there are more rejected events than were sent");
    found.extend(in_files(folder.path()));
    storing.terminate().await;
    assert_eq!(storing.exit_code().await, Some(0));
    found.extend(in_files(folder.path()));
    if pair.postgres {
        found.extend(in_postgres(&store).await);
    }
    found.sort();
    found.dedup();
    found
}

async fn post(base: &str, body: &str) {
    let request = reqwest::Client::new().post(format!("{base}/events")).header(CONTENT_TYPE, "application/json");
    assert_eq!(request.body(body.to_owned()).send().await.unwrap().status(), 201);
}

async fn count(base: &str, path: &str) -> u64 {
    let answer = reqwest::get(format!("{base}{path}")).await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["count"].as_u64().unwrap()
}

/// The first value that is found, with what stands around it.
fn find(bytes: &[u8]) -> Option<String> {
    NEEDLES.iter().find_map(|needle| {
        let at = bytes.windows(needle.len()).position(|part| part == needle.as_bytes())?;
        Some(String::from_utf8_lossy(&bytes[at.saturating_sub(150)..bytes.len().min(at + 60)]).into_owned())
    })
}

/// Every file below a folder, but for the catalog.
fn in_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut files = 0;
    let mut todo = vec![folder.join("data")];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => todo.push(path),
                false => {
                    files += 1;
                    let around = find(&fs::read(&path).unwrap());
                    found.extend(around.map(|around| format!("{}: {around}", path.display())));
                }
            }
        }
    }
    assert!(files > 0, "there is nothing to look at");
    found
}

/// Every key of a queue, by what is in it.
async fn in_redis(url: &str) -> Vec<String> {
    let (server, prefix) = url.split_once("?prefix=").unwrap();
    let client = redis::Client::open(server).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
    assert!(!keys.is_empty(), "there is nothing to look at");
    let mut found = Vec::new();
    for key in keys {
        // What the server itself keeps, whatever kind of value it is; small strings are not compressed in it.
        let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
        let mut read = match kind.as_str() {
            "stream" => redis::cmd("XRANGE"),
            "hash" => redis::cmd("HGETALL"),
            "string" => redis::cmd("GET"),
            other => panic!("{key} is a {other}"),
        };
        read.arg(&key);
        if kind == "stream" {
            read.arg("-").arg("+");
        }
        let value: redis::Value = read.query_async(&mut connection).await.unwrap();
        let mut texts = Vec::new();
        collect(&value, &mut texts);
        let what = if key.ends_with("events") { "an event" } else { "a rejected event" };
        found.extend(find(&texts).map(|around| format!("redis: {what} ({key}): {around}")));
    }
    found
}

fn collect(value: &redis::Value, texts: &mut Vec<u8>) {
    match value {
        redis::Value::BulkString(text) => texts.extend([text, &b"\n"[..]].concat()),
        redis::Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        _ => (),
    }
}

/// Every table of a schema.
async fn in_postgres(url: &str) -> Vec<String> {
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
    let tables = sql(url, tables).await;
    assert!(tables.len() > 4, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let rows = sql(url, &format!("SET bytea_output = 'escape'; SELECT t::text FROM \"{table}\" t")).await;
        found.extend(
            rows.iter().find_map(|row| find(row.as_bytes())).map(|around| format!("postgres: {table}: {around}")),
        );
    }
    found
}
