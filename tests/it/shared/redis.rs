//! A Redis that promises less than it should, or loses everything: it is seen at once, and said.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::Value;
use the_eye::clock::Clock;
use the_eye::metrics::Metrics;
use the_eye::queue::{Most, Queue, RedisQueue, RedisQueueOptions, Role};

use super::start;
use crate::support::account::{Ledger, Load, Pace, Promise, Verdict};
use crate::support::events::new_events;
use crate::support::load::drained;
use crate::support::process::Process;
use crate::support::servers::{self, Redis};
use crate::support::{page_view, page_view_with};

async fn post(base: &str, body: &Value) -> (StatusCode, Value) {
    let request = reqwest::Client::new().post(format!("{base}/events")).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

async fn ready(base: &str) -> (u16, Value) {
    let answer = reqwest::get(format!("{base}/readyz")).await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// One process that takes events in and stores them.
async fn both(folder: &std::path::Path, redis: &str) -> Process {
    start(folder, &["--listen", "127.0.0.1:0"], &servers::new_schema().await, redis).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_flushed_before_the_answer_is_202() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut eye = both(folder.path(), &redis.url()).await;
    assert_eq!(post(&eye.base, &page_view()).await.0, 201);
    for (name, weak, strong) in [
        ("appendfsync", "everysec", "always"),
        ("no-appendfsync-on-rewrite", "yes", "no"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ("appendonly", "no", "yes"),
    ] {
        redis.command(&["CONFIG", "SET", name, weak]).await;
        let (status, event) = post(&eye.base, &page_view()).await;
        assert_eq!((status.as_u16(), event["name"].as_str()), (202, Some("page_view")), "{name}");
        eye.line_with(&[&format!("{name} is {weak} and has to be {strong}")]).await;
        assert_eq!(post(&eye.base, &Value::from([page_view()])).await.0, 202);
        let (status, mixed) = post(&eye.base, &Value::from([page_view(), Value::Null])).await;
        assert_eq!((status.as_u16(), &mixed["durable"]), (207, &Value::Bool(false)));
        let (status, ready) = ready(&eye.base).await;
        assert_eq!((status, &ready["status"]), (200, &Value::from("ok")));
        assert!(ready["at_risk"].as_str().unwrap().contains(name), "{ready}");

        redis.command(&["CONFIG", "SET", name, strong]).await;
        // An append-only file that was only just switched on has to be written first.
        while post(&eye.base, &page_view()).await.0 == 202 {
            tokio::task::yield_now().await;
        }
        assert_eq!(post(&eye.base, &page_view()).await.0, 201, "{name}");
    }
    assert!(ready(&eye.base).await.1.get("at_risk").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_config_is_refused_nothing_is_promised() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    redis.command(&["ACL", "SETUSER", "eye", "on", ">secret", "~*", "+@all", "-config"]).await;
    let url = redis.url().replace("redis://", "redis://eye:secret@");
    let mut eye = both(folder.path(), &url).await;
    assert_eq!(post(&eye.base, &page_view()).await.0, 202);
    let line = eye.line_with(&["CONFIG GET is refused"]).await;
    assert!(!line.contains("secret"), "{line}");
    let (status, ready) = ready(&eye.base).await;
    assert!(status == 200 && ready["at_risk"].as_str().unwrap().contains("CONFIG GET is refused"), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flushall_is_said_loudly_and_work_goes_on() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (postgres, url) = (servers::new_schema().await, redis.url());
    let mut api = start(folder.path(), &["serve", "--no-worker", "--listen", "127.0.0.1:0"], &postgres, &url).await;
    assert_eq!(post(&api.base, &page_view()).await.0, 201);
    for _ in 0..2 {
        redis.command(&["FLUSHALL"]).await;
        // Nobody sends anything, and it is seen all the same.
        let line = api.line_with(&["emptied by somebody"]).await;
        assert!(line.contains("ERROR") && line.contains("lost"), "{line}");
        assert_eq!(post(&api.base, &page_view()).await.0, 201);
    }
    let mut worker = start(folder.path(), &["worker"], &postgres, &url).await;
    crate::support::load::drained(&api.base).await;
    redis.command(&["FLUSHALL"]).await;
    worker.line_with(&["emptied by somebody"]).await;
    // The group of readers is gone with everything else, and is made again.
    let last = page_view_with(&serde_json::json!({ "session_id": "after" }));
    assert_eq!(post(&api.base, &last).await.0, 201);
    crate::support::load::drained(&api.base).await;
    assert_eq!(crate::support::load::stored(&api.base).await.len(), 2, "the one of the second round, and the last");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bounds_hold_for_all_processes_together() {
    let folder = tempfile::tempdir().unwrap();
    let (postgres, queue) = (servers::new_schema().await, servers::new_queue());
    let arguments = ["serve", "--no-worker", "--listen", "127.0.0.1:0", "--queue-max", "10"];
    let apis = [
        start(folder.path(), &arguments, &postgres, &queue).await,
        start(folder.path(), &arguments, &postgres, &queue).await,
    ];
    let mut taken = 0;
    for turn in 0..20 {
        taken += usize::from(post(&apis[turn % 2].base, &page_view()).await.0 == 201);
    }
    assert_eq!(taken, 10);
    for api in &apis {
        assert_eq!(post(&api.base, &page_view()).await.0, 503);
        assert_eq!(ready(&api.base).await.1["queue"], "full");
    }
    let _worker = start(folder.path(), &["worker"], &postgres, &queue).await;
    crate::support::load::drained(&apis[0].base).await;
    assert_eq!(post(&apis[1].base, &page_view()).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_that_were_removed_are_brought_again() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let eye = both(folder.path(), &redis.url()).await;
    for _ in 0..3 {
        assert_eq!(post(&eye.base, &page_view()).await.0, 201);
        redis.command(&["SCRIPT", "FLUSH"]).await;
    }
    crate::support::load::drained(&eye.base).await;
    assert_eq!(crate::support::load::stored(&eye.base).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_no_event_is_a_dead_letter_and_the_rest_flows() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let eye = both(folder.path(), &redis.url()).await;
    assert_eq!(post(&eye.base, &page_view()).await.0, 201);
    // By another version of the program, and by hand.
    let number = redis.command(&["HINCRBY", "eye:state", "seq", "1"]).await;
    redis.command(&["XADD", "eye:events", &format!("{number}-0"), "id", "of another form", "data", "<b>"]).await;
    redis.command(&["XADD", "eye:events", "*", "id", "by hand", "data", "<b>"]).await;
    assert_eq!(post(&eye.base, &page_view()).await.0, 201);
    crate::support::load::drained(&eye.base).await;
    assert_eq!(crate::support::load::stored(&eye.base).await.len(), 2);
    let rejected = loop {
        let list = reqwest::get(format!("{}/rejected", eye.base)).await.unwrap().text().await.unwrap();
        let list: Value = serde_json::from_str(&list).unwrap();
        if list["count"] == 2 {
            break list;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(rejected["results"][0]["kind"], "dead_letter");
    assert!(rejected["results"][0]["body"].as_str().unwrap().contains("data: <b>"), "{rejected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_the_first_version_wrote_is_stored() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let eye = both(folder.path(), &redis.url()).await;
    assert_eq!(post(&eye.base, &page_view()).await.0, 201);
    let number = redis.command(&["HINCRBY", "eye:state", "seq", "1"]).await;
    let id = "01890000-0000-7000-8000-000000000001";
    let texts = [
        ["id", id],
        ["timestamp", "2026-05-01T10:00:00.000001Z"],
        ["received_at", "2026-05-01T10:00:01Z"],
        ["session_id", "é 'x'"],
        ["category", "page_interaction"],
        ["name", "page_view"],
        ["data", "{\"host\": \"a.example\",\"path\":\"/\\u00e9\"}"],
    ];
    redis.command(&[&["XADD", "eye:events", &format!("{number}-0")][..], texts.as_flattened()].concat()).await;
    crate::support::load::drained(&eye.base).await;
    let event = reqwest::get(format!("{}/events/{id}", eye.base)).await.unwrap().text().await.unwrap();
    for [name, text] in texts.into_iter().filter(|[name, _]| *name != "received_at") {
        assert!(event.contains(text), "{name} in {event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_and_goes_on_leaves_nothing_pending() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (postgres, url) = (servers::new_schema().await, redis.url());
    let api = start(folder.path(), &["serve", "--no-worker", "--listen", "127.0.0.1:0"], &postgres, &url).await;
    let mut workers = [
        start(folder.path(), &["worker"], &postgres, &url).await,
        start(folder.path(), &["worker"], &postgres, &url).await,
    ];
    let ledger = Arc::new(Ledger::new(folder.path().join("account")));
    let load = Load::start(std::slice::from_ref(&api.base), &ledger, Pace::Full);
    ledger.more_verdicts(100).await;
    redis.signal("STOP");
    // Everyone has given its connection up, with whatever was on its way.
    for worker in &mut workers {
        worker.has_said("Redis cannot be reached").await;
        worker.has_said("nothing can be stored for now").await;
    }
    redis.signal("CONT");
    ledger.more_verdicts(100).await;
    load.stop().await;
    drained(&api.base).await;
    let verdict = Verdict::of(&ledger, &api.base, Promise::Durable).await;
    assert!(verdict.is_clean(), "{verdict:?}");
    let pending = redis.command(&["XPENDING", "eye:events", "workers"]).await;
    assert!(pending.starts_with('0'), "{pending}");
    assert_eq!(redis.command(&["HGET", "eye:state", "bytes"]).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_to_a_connection_that_was_given_up_is_claimed_again() {
    let redis = Redis::start().await;
    let options = RedisQueueOptions {
        url: redis.url(),
        role: Role::Both,
        max_events: 100,
        max_bytes: 1 << 20,
        max_refused: 100,
        clock: Clock::System,
    };
    let queue = RedisQueue::open(&options, Arc::new(Metrics::new())).unwrap();
    let most = Most { entries: 100, bytes: 1 << 20 };
    // The group of readers is there, and so is the connection.
    assert!(queue.claim(most).await.unwrap().is_none());
    queue.enqueue(new_events(0..5)).await.unwrap();
    redis.signal("STOP");
    queue.claim(most).await.unwrap_err();
    redis.signal("CONT");
    // It has read the question by now, and nobody hears the answer.
    while !redis.command(&["XPENDING", "eye:events", "workers"]).await.starts_with('5') {
        tokio::task::yield_now().await;
    }
    let claim = queue.claim(most).await.unwrap().expect("they are not forgotten");
    assert_eq!(claim.entries.len(), 5);
    queue.ack(claim).await.unwrap();
    assert_eq!(queue.depth().await.unwrap().events, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_without_memory_is_emptied_all_the_same() {
    let redis = Redis::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (postgres, url) = (servers::new_schema().await, redis.url());
    let api = start(folder.path(), &["serve", "--no-worker", "--listen", "127.0.0.1:0"], &postgres, &url).await;
    while reqwest::get(format!("{}/events", api.base)).await.unwrap().status() != 200 {
        tokio::task::yield_now().await;
    }
    crate::support::sql(&postgres, "ALTER TABLE event ADD CHECK (data NOT LIKE '%poison%')").await;
    let poison = page_view_with(&serde_json::json!({ "data": { "host": "a.example", "path": "/poison" } }));
    assert_eq!(post(&api.base, &Value::from([page_view(), poison, page_view()])).await.0, 201);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let full = post(&api.base, &page_view()).await;
    assert_eq!(full.0, 503, "{}", full.1);
    // Its group, its signs of life and its dead letters need memory too.
    let worker = start(folder.path(), &["worker"], &postgres, &url).await;
    crate::support::load::drained(&api.base).await;
    assert_eq!(crate::support::load::stored(&api.base).await.len(), 2);
    assert_eq!(redis.command(&["KEYS", "eye:worker:*"]).await.lines().count(), 1);
    worker.kill().await;
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await;
    assert_eq!(post(&api.base, &page_view()).await.0, 201);
}
