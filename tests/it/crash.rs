//! The promise, when the real binary is killed under load: every acknowledged event is stored
//! once, none twice, and none that got a 4xx.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::support::page_view_with;
use crate::support::process::Process;

const CYCLES: usize = 20;
const CLIENTS: usize = 8;

/// What the clients were told.
#[derive(Default)]
struct Account {
    /// The session id that was sent with an acknowledged id.
    acknowledged: Mutex<HashMap<Uuid, String>>,
    /// Ids that got a 4xx.
    refused: Mutex<HashSet<Uuid>>,
    answers: AtomicUsize,
}

impl Account {
    fn acknowledge(&self, events: &[Value]) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        for event in events {
            let session_id = event["session_id"].as_str().unwrap().to_owned();
            // A repetition is acknowledged too, and the first one stands.
            acknowledged.entry(id(event)).or_insert(session_id);
        }
    }
}

fn id(event: &Value) -> Uuid {
    event["id"].as_str().unwrap().parse().unwrap()
}

fn new_event(client: usize, number: usize) -> Value {
    let id = Uuid::from_u64_pair(client as u64 + 1, number as u64 + 1);
    page_view_with(&json!({ "id": id, "session_id": format!("session-{client}-{number}") }))
}

/// One client: singles, batches, repetitions and bad events, until the server is gone.
async fn send(base: String, client: usize, first: usize, account: Arc<Account>) -> usize {
    let http = reqwest::Client::new();
    let post =
        |body: String| http.post(format!("{base}/events")).header("content-type", "application/json").body(body).send();
    let mut number = first;
    loop {
        let (events, expected) = match number % 5 {
            0 => ((number..number + 7).map(|number| new_event(client, number)).collect::<Vec<_>>(), 201),
            1 if number > 1 => (vec![new_event(client, number - 1)], 201),
            2 => {
                let mut bad = new_event(client, number);
                bad["data"]["path"] = json!("");
                (vec![bad], 400)
            }
            _ => (vec![new_event(client, number)], 201),
        };
        let body = if events.len() == 1 { events[0].to_string() } else { json!(events).to_string() };
        let Ok(answer) = post(body).await else { return number + 7 };
        assert_eq!(answer.status(), expected);
        match expected {
            201 => account.acknowledge(&events),
            _ => drop(account.refused.lock().unwrap().insert(id(&events[0]))),
        }
        account.answers.fetch_add(1, Ordering::Relaxed);
        // A batch takes seven numbers; the next one must not be a repetition of its middle.
        number += if events.len() == 7 { 7 + (5 - (number + 7) % 5) % 5 + 1 } else { 1 };
    }
}

async fn kill_under_load(folder: &Path, account: &Arc<Account>, cycle: usize, numbers: &mut [usize]) {
    let server = Process::start(folder, &["--listen", "127.0.0.1:0"]).await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| tokio::spawn(send(server.base.clone(), client, numbers[client], account.clone())))
        .collect();
    // The moment is a number of answers, another one in each cycle.
    let end = account.answers.load(Ordering::Relaxed) + 20 + cycle * 37 % 150;
    while account.answers.load(Ordering::Relaxed) < end {
        tokio::task::yield_now().await;
    }
    server.kill().await;
    for (client, task) in clients.into_iter().enumerate() {
        numbers[client] = task.await.unwrap();
    }
}

/// All stored events: their ids and sessions.
async fn stored(base: &str) -> Vec<(Uuid, String)> {
    let mut found = Vec::new();
    let mut next = Some(format!("{base}/events?page_size=1000"));
    let mut cursor = None::<String>;
    while let Some(url) = next.take() {
        let page: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        for event in page["results"].as_array().unwrap() {
            found.push((id(event), event["session_id"].as_str().unwrap().to_owned()));
        }
        cursor.replace(page["next_cursor"].as_str().unwrap_or_default().to_owned());
        next = cursor
            .as_ref()
            .filter(|token| !token.is_empty())
            .map(|token| format!("{base}/events?page_size=1000&cursor={token}"));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let account = Arc::new(Account::default());
    let mut numbers = [0; CLIENTS];
    for cycle in 0..CYCLES {
        kill_under_load(folder.path(), &account, cycle, &mut numbers).await;
    }
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    // The queue is first in, first out: when this one is stored, everything before it is.
    let last = new_event(CLIENTS, 0);
    let answer = reqwest::Client::new()
        .post(format!("{}/events", server.base))
        .header("content-type", "application/json")
        .header("prefer", "wait=30")
        .body(last.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["preference-applied"], "wait");

    let stored = stored(&server.base).await;
    let by_id: HashMap<_, _> = stored.iter().cloned().collect();
    assert_eq!(by_id.len(), stored.len(), "none is stored twice");
    let acknowledged = account.acknowledged.lock().unwrap();
    assert!(acknowledged.len() > CYCLES * 20, "the load was real: {}", acknowledged.len());
    for (id, session_id) in acknowledged.iter() {
        assert_eq!(by_id.get(id), Some(session_id), "{id} was acknowledged");
    }
    let refused = account.refused.lock().unwrap();
    assert!(refused.len() > CYCLES);
    assert!(refused.iter().all(|id| !by_id.contains_key(id)), "a 4xx was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_what_is_open_and_stores_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let account = Arc::new(Account::default());
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let clients: Vec<_> =
        (0..CLIENTS).map(|client| tokio::spawn(send(server.base.clone(), client, 0, account.clone()))).collect();
    while account.answers.load(Ordering::Relaxed) < 200 {
        tokio::task::yield_now().await;
    }
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));
    for client in clients {
        client.await.unwrap();
    }
    let count = |name: &str| -> u64 {
        let database = rusqlite::Connection::open(folder.path().join("data").join(name)).unwrap();
        database.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count("queue.db"), 0, "the queue was drained");
    assert!(count("events.db") >= account.acknowledged.lock().unwrap().len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_waits_for_a_request_that_is_half_sent() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
    let address = server.base.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let event = new_event(0, 0).to_string();
    let (first, rest) = event.split_at(event.len() / 2);
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
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
    let count = |name: &str| -> u64 {
        let database = rusqlite::Connection::open(folder.path().join("data").join(name)).unwrap();
        database.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).unwrap()
    };
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
        let body = new_event(0, usize::from(api.is_some())).to_string();
        let post = reqwest::Client::new().post(format!("{base}/events")).header("content-type", "application/json");
        assert_eq!(post.body(body).send().await.unwrap().status(), 201);
        server.terminate().await;
        assert_eq!(server.exit_code().await, Some(0));
        drop(lock);
        assert_eq!((count("queue.db"), count("events.db")), (1, u64::from(api.is_some())));
        if let Some(api) = api {
            api.kill().await;
        }
        // The next start stores it.
        let next = Process::start(folder.path(), &listen).await;
        next.terminate().await;
        assert_eq!(next.exit_code().await, Some(0));
        assert_eq!(count("queue.db"), 0);
    }
    assert_eq!(count("events.db"), 2);
}
