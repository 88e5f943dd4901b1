//! Load from several clients, and an account of what they were told, to be held against what is
//! stored in the end: nothing acknowledged may be missing, nothing doubled, nothing that was refused.
//!
//! A request that is answered with 503 or not at all is sent again with the same ids until it is
//! acknowledged, as the contract tells clients to.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::page_view_with;

const CLIENTS: usize = 8;

/// What clients were told.
#[derive(Default)]
pub struct Account {
    /// The session id that was sent with an acknowledged id.
    pub acknowledged: Mutex<HashMap<Uuid, String>>,
    /// Ids that got a 4xx.
    pub refused: Mutex<HashSet<Uuid>>,
    /// Requests that were answered with a verdict.
    pub answers: AtomicUsize,
    /// Requests that were not: 503, or a connection that broke.
    pub unavailable: AtomicUsize,
    numbers: AtomicU64,
}

/// Clients that send until they are stopped.
pub struct Load {
    stop: CancellationToken,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Eight clients, which take turns among the servers.
    pub fn start(bases: &[String], account: &Arc<Account>) -> Self {
        let stop = CancellationToken::new();
        let client = |number| tokio::spawn(send(bases.to_vec(), number, account.clone(), stop.clone()));
        Self { clients: (0..CLIENTS).map(client).collect(), stop }
    }

    /// Lets no client begin another request, and waits for those under way.
    pub async fn stop(self) {
        self.stop.cancel();
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

impl Account {
    /// Waits for so many more verdicts.
    pub async fn more_answers(&self, count: usize) {
        let end = self.answers.load(Ordering::Relaxed) + count;
        let mut looks = tokio::time::interval(Duration::from_millis(1));
        while self.answers.load(Ordering::Relaxed) < end {
            looks.tick().await;
        }
    }

    /// Holds the account against what a server lists, which has to have stored everything.
    pub async fn check(&self, base: &str) {
        let stored = stored(base).await;
        let by_id: HashMap<_, _> = stored.iter().cloned().collect();
        assert_eq!(by_id.len(), stored.len(), "none is stored twice");
        let acknowledged = self.acknowledged.lock().unwrap();
        for (id, session_id) in acknowledged.iter() {
            assert_eq!(by_id.get(id), Some(session_id), "{id} was acknowledged");
        }
        let refused = self.refused.lock().unwrap();
        assert!(refused.iter().all(|id| !by_id.contains_key(id)), "a 4xx was stored");
    }

    fn new_event(&self) -> Value {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        page_view_with(&json!({ "id": Uuid::from_u64_pair(1, number), "session_id": format!("session-{number}") }))
    }

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

/// One client: singles, batches, repetitions and bad events.
async fn send(bases: Vec<String>, client: usize, account: Arc<Account>, stop: CancellationToken) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
    let mut pause = tokio::time::interval(Duration::from_millis(5));
    let mut last = account.new_event();
    let mut turn = client;
    while !stop.is_cancelled() {
        turn += 1;
        let (events, expected) = match turn % 5 {
            0 => ((0..7).map(|_| account.new_event()).collect(), 201),
            1 => (vec![last.clone()], 201),
            2 => {
                let mut bad = account.new_event();
                bad["data"]["path"] = json!("");
                (vec![bad], 400)
            }
            _ => (vec![account.new_event()], 201),
        };
        let body = if events.len() == 1 { events[0].to_string() } else { json!(events).to_string() };
        // Each try goes to another server: it is the id that makes two of them one.
        for base in bases.iter().cycle().skip(turn) {
            let request = http.post(format!("{base}/events")).header("content-type", "application/json");
            match request.body(body.clone()).send().await.map(|answer| answer.status().as_u16()) {
                Ok(503) | Err(_) => {
                    account.unavailable.fetch_add(1, Ordering::Relaxed);
                    if stop.is_cancelled() {
                        return;
                    }
                    pause.tick().await;
                }
                Ok(status) => {
                    assert_eq!(status, expected, "{body}");
                    break;
                }
            }
        }
        match expected {
            201 => account.acknowledge(&events),
            _ => drop(account.refused.lock().unwrap().insert(id(&events[0]))),
        }
        account.answers.fetch_add(1, Ordering::Relaxed);
        last = events.into_iter().next_back().unwrap();
        if expected != 201 {
            last = account.new_event();
        }
    }
}

/// Waits until a server has nothing more to store.
pub async fn drained(base: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        if let Ok(answer) = reqwest::get(format!("{base}/metrics")).await {
            let text = answer.text().await.unwrap_or_default();
            if text.contains("\neye_queue_depth 0\n") {
                return;
            }
        }
        looks.tick().await;
    }
}

/// All stored events: their ids and sessions, in the order of the list.
pub async fn stored(base: &str) -> Vec<(Uuid, String)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let url = format!("{base}/events?page_size=1000{cursor}");
        let page: Value = serde_json::from_str(&reqwest::get(url).await.unwrap().text().await.unwrap()).unwrap();
        for event in page["results"].as_array().unwrap() {
            found.push((id(event), event["session_id"].as_str().unwrap().to_owned()));
        }
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}
