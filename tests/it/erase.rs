//! What is asked to be forgotten is: a session by the command, and all that is older than it is to be kept. The real
//! binary, and every file it has.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::page_view_with;
use crate::support::process::{self, Process};
use crate::support::servers;

/// What is in everything that the session sent, and nowhere else.
const VALUE: &str = "quince-marmalade";
const SESSION: &str = "session-of-quince";

/// What belongs to somebody else, and stays.
const OTHER: &str = "session-of-plum";

async fn post(base: &str, body: &str, status: u16) {
    let request = reqwest::Client::new().post(format!("{base}/events")).header("prefer", "wait=20");
    let answer = request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), status, "{}", answer.text().await.unwrap());
}

async fn count(base: &str, path: &str) -> Value {
    let text = reqwest::get(format!("{base}{path}")).await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["count"].clone()
}

fn event(session: &str, value: &str, number: usize) -> Value {
    // Long enough for pages of its own, and spread over others' events by its time.
    let path = format!("/{value}/{number}/{}", "x".repeat(if number.is_multiple_of(7) { 1900 } else { 20 }));
    let timestamp = format!("2026-05-{:02}T10:{:02}:00Z", number % 28 + 1, number % 60);
    page_view_with(
        &json!({ "session_id": session, "timestamp": timestamp, "data": { "host": "www.example.com", "path": path } }),
    )
}

/// Sends what is to be erased, between what is not.
async fn send_both(base: &str) {
    for round in 0..20 {
        let events = (0..100).map(|number| match number % 4 {
            0 => event(SESSION, VALUE, round * 100 + number),
            _ => event(&format!("{OTHER}-{}", number % 9), "plum-jam", round * 100 + number),
        });
        post(base, &events.collect::<Value>().to_string(), 201).await;
    }
    post(base, &json!({ "session_id": SESSION, "name": VALUE }).to_string(), 400).await;
    post(base, &format!("{{\"session_id\": \"{SESSION}\", \"cut\": \"{VALUE}"), 400).await;
    post(base, &json!({ "session_id": OTHER, "name": "plum-jam" }).to_string(), 400).await;
    // Refusals are stored when they are: nobody waits for one.
    while count(base, "/rejected").await != json!(3) {}
}

/// The files of a folder that hold one of the two.
fn found_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(found_in(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend((has(VALUE) || has(SESSION)).then_some(path));
        }
    }
    found
}

async fn erase(folder: &Path, base: &str) -> String {
    let output = process::run(folder, &["erase", "--url", base, "--session", SESSION]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Opens the files as an operator might.
fn checkpoint_and_vacuum(data: &Path) {
    for name in ["events.db", "queue.db"] {
        let database = Connection::open(data.join(name)).unwrap();
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        assert_eq!(found_in(data), Vec::<PathBuf>::new());
        database.execute_batch("VACUUM").unwrap();
    }
}

async fn check_files(api: &[&str], worker: Option<&[&str]>) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Process::start(folder.path(), api).await;
    let worker = match worker {
        Some(arguments) => Some(Process::start(folder.path(), arguments).await),
        None => None,
    };
    send_both(&server.base).await;
    let before = found_in(&data);
    for name in ["events.db", "server.log"] {
        assert!(before.iter().any(|path| path.to_string_lossy().contains(name)), "{before:?}");
    }
    let said = erase(folder.path(), &server.base).await;
    assert!(said.starts_with("erased: 500 events, 2 rejected, 2 lines of logs\nreceipt: "), "{said}");
    assert_eq!(found_in(&data), Vec::<PathBuf>::new());
    assert_eq!(count(&server.base, "/events").await, json!(1500));
    assert_eq!(count(&server.base, "/rejected").await, json!(1));
    assert_eq!(count(&server.base, &format!("/events?session_id={SESSION}")).await, json!(0));
    // It may come again, as anybody may.
    post(&server.base, &event(SESSION, "new", 1).to_string(), 201).await;
    assert_eq!(count(&server.base, &format!("/sessions/{SESSION}")).await, json!(1));
    assert!(erase(folder.path(), &server.base).await.starts_with("erased: 1 events, 0 rejected"));
    for process in [Some(server), worker].into_iter().flatten() {
        process.terminate().await;
        assert_eq!(process.exit_code().await, Some(0));
    }
    assert_eq!(found_in(&data), Vec::<PathBuf>::new());
    checkpoint_and_vacuum(&data);
    assert_eq!(found_in(&data), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_erased_session_is_in_no_file() {
    check_files(&["--listen", "127.0.0.1:0"], None).await;
}

#[tokio::test]
async fn an_erased_session_is_in_no_file_where_the_worker_is_a_process_of_its_own() {
    check_files(&["serve", "--no-worker", "--listen", "127.0.0.1:0"], Some(&["worker"])).await;
}

#[tokio::test]
async fn an_erased_session_is_gone_from_the_servers_and_the_receipt_says_where_something_may_be_left() {
    let folder = tempfile::tempdir().unwrap();
    let (database, queue) = (servers::new_schema().await, servers::new_queue());
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &database, "--queue-url", &queue];
    let server = Process::start(folder.path(), &arguments).await;
    send_both(&server.base).await;
    let said = erase(folder.path(), &server.base).await;
    assert!(said.starts_with("erased: 500 events, 2 rejected, 2 lines of logs\n"), "{said}");
    for place in ["append-only file", "write-ahead log", "ackups"] {
        assert!(said.contains(place), "{said}");
    }
    assert_eq!(count(&server.base, "/events").await, json!(1500));
    assert_eq!(count(&server.base, "/rejected").await, json!(1));
    assert_eq!(found_in(&folder.path().join("data")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_is_older_than_it_is_to_be_kept_is_removed() {
    for shared in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = ["--listen", "127.0.0.1:0"].map(str::to_owned).into();
        if shared {
            let (database, queue) = (servers::new_schema().await, servers::new_queue());
            arguments.extend(["--database-url".to_owned(), database, "--queue-url".to_owned(), queue]);
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = Process::start(folder.path(), &arguments).await;
        let old = |number: usize| page_view_with(&json!({ "timestamp": format!("2021-01-{:02}", number % 28 + 1) }));
        let form = json!({ "category": "form_interaction", "name": "submit", "data": { "host": "a.example", "path": "/", "form": {} } });
        let forms = |number: usize| {
            page_view_with(&{
                let mut form = form.clone();
                form["timestamp"] = format!("2021-02-{:02}", number % 28 + 1).into();
                form
            })
        };
        let events: Vec<_> = (0..3000).map(old).chain((0..500).map(forms)).collect();
        post(&server.base, &Value::from_iter(events).to_string(), 201).await;
        let now: Vec<_> = (0..200).map(|_| page_view_with(&json!({ "timestamp": now() }))).collect();
        post(&server.base, &Value::from_iter(now).to_string(), 201).await;
        assert_eq!(count(&server.base, "/events").await, json!(3700));
        server.terminate().await;
        assert_eq!(server.exit_code().await, Some(0));
        let kept = ["--retention", "90d,form_interaction=forever"];
        let server = Process::start(folder.path(), &[&arguments[..], &kept].concat()).await;
        while count(&server.base, "/events?category=page_interaction").await != json!(200) {}
        // Forms are kept, and counts follow, whole and in part.
        assert_eq!(count(&server.base, "/events").await, json!(700));
        assert_eq!(count(&server.base, "/events?category=form_interaction").await, json!(500));
        assert_eq!(count(&server.base, "/events?end_time=2021-02-14").await, json!(252));
    }
}

/// A moment ago, by the clock that the binary goes by.
fn now() -> String {
    the_eye::clock::Clock::System.now().to_string()
}
