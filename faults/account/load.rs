//! Clients that send: singles, batches, repetitions of what was acknowledged, and events that have to be
//! refused. What is answered with 503 or not at all they send again with the same ids, as the contract
//! tells clients to.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Interval, interval};
use tokio_util::sync::CancellationToken;

use super::event::Sent;
use super::ledger::Ledger;

/// How many clients there are.
const CLIENTS: u64 = 8;

/// The longest that an answer is waited for: longer than anything in the way of an answer lasts.
const PATIENCE: Duration = Duration::from_secs(75);

/// How fast they send.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As fast as they are answered.
    Full,
    /// A request of each client in such a time.
    Every(Duration),
}

/// Clients that send until they are stopped.
pub struct Load {
    stop: CancellationToken,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Eight clients, which take turns among the servers.
    pub fn start(bases: &[String], ledger: &Arc<Ledger>, pace: Pace) -> Self {
        let stop = CancellationToken::new();
        let start = |turn| {
            let sender = Sender {
                http: Client::builder().timeout(PATIENCE).no_proxy().build().unwrap(),
                bases: bases.to_vec(),
                ledger: ledger.clone(),
                stop: stop.clone(),
                turn,
                last: Sent::new(ledger.next()),
            };
            tokio::spawn(sender.run(pace))
        };
        Self { clients: (0..CLIENTS).map(start).collect(), stop }
    }

    /// Lets no client begin another request, and waits for those under way.
    pub async fn stop(self) {
        self.stop.cancel();
        for client in self.clients {
            client.await.unwrap();
        }
    }
}

struct Sender {
    http: Client,
    bases: Vec<String>,
    ledger: Arc<Ledger>,
    stop: CancellationToken,
    turn: u64,
    /// The last one that was acknowledged, to be sent again.
    last: Sent,
}

/// A request, and what each of its events has to be answered.
struct Request {
    content_type: &'static str,
    body: String,
    status: u16,
    events: Vec<(u16, Sent)>,
}

impl Sender {
    async fn run(mut self, pace: Pace) {
        let mut ticks = match pace {
            Pace::Full => None,
            Pace::Every(time) => Some(interval(time)),
        };
        let mut pause = interval(Duration::from_millis(5));
        while !self.stop.is_cancelled() {
            if let Some(ticks) = &mut ticks {
                ticks.tick().await;
            }
            self.turn += 1;
            let request = self.request(matches!(pace, Pace::Every(_)));
            if !self.send(&request, &mut pause).await {
                return;
            }
            if let Some((_, event)) = request.events.into_iter().rev().find(|(status, _)| *status == 201) {
                self.last = event;
            }
        }
    }

    /// What the turn asks for; batches alone where few requests have to carry many events.
    fn request(&self, batches: bool) -> Request {
        let new = |count: u64| (0..count).map(|_| (201, Sent::new(self.ledger.next()))).collect::<Vec<_>>();
        let bad = || (400, Sent::bad(self.ledger.next()));
        match if batches { 0 } else { self.turn % 6 } {
            0 => Request::new("application/x-ndjson", 201, new(50)),
            1 => Request::new("application/json", 201, vec![(201, self.last.clone())]),
            2 => Request::new("application/json", 400, vec![bad()]),
            3 => {
                let mut events = new(9);
                events.insert(4, bad());
                Request::new("application/json", 207, events)
            }
            _ => Request::new("application/json", 201, new(1)),
        }
    }

    /// Sends it until there is a verdict; false if it was stopped before.
    async fn send(&self, request: &Request, pause: &mut Interval) -> bool {
        // Each try goes to another server: it is the id that makes two of them one.
        for base in self.bases.iter().cycle().skip(usize::try_from(self.turn).unwrap() % self.bases.len()) {
            let post = self.http.post(format!("{base}/events")).header("content-type", request.content_type);
            let answer = match post.body(request.body.clone()).send().await {
                Ok(answer) => {
                    let (status, retry) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
                    answer.text().await.map(|text| (status, retry, text))
                }
                Err(error) => Err(error),
            };
            match answer {
                Ok((503, true, _)) => self.ledger.note_busy(),
                Err(error) => self.ledger.note_broken(&error),
                Ok((status, _, text)) => {
                    self.note(request, status, &text);
                    return true;
                }
            }
            if self.stop.is_cancelled() {
                return false;
            }
            pause.tick().await;
        }
        unreachable!("there is always another try")
    }

    fn note(&self, request: &Request, status: u16, text: &str) {
        let at_risk = match status {
            202 => true,
            // In a batch with a refused one a status of its own has no place.
            207 => text.contains(r#""durable":false"#),
            _ => false,
        };
        if status != request.status && !(status == 202 && request.status == 201) {
            return self.ledger.note_odd(format!("{status} instead of {}: {text:.300}", request.status));
        }
        if status == 207 && serde_json::from_str::<Value>(text).unwrap()["rejected"] != 1 {
            return self.ledger.note_odd(format!("one was bad: {text:.300}"));
        }
        let answers = request.events.iter().map(|(status, event)| match (status, at_risk) {
            (201, true) => (202, event),
            (status, _) => (*status, event),
        });
        self.ledger.note(&answers.collect::<Vec<_>>());
    }
}

impl Request {
    fn new(content_type: &'static str, status: u16, events: Vec<(u16, Sent)>) -> Self {
        let texts: Vec<_> = events.iter().map(|(_, event)| event.text.as_str()).collect();
        let body = match (content_type, texts.as_slice()) {
            ("application/json", [one]) => (*one).to_owned(),
            ("application/json", many) => format!("[{}]", many.join(",")),
            (_, many) => many.join("\n"),
        };
        Self { content_type, body, status, events }
    }
}
