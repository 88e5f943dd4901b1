//! The writer: it gathers what waits, sends it as one script, and answers when Redis has.
//!
//! With `appendfsync always` Redis flushes before it answers, so one flush is shared by everyone who
//! came while the last one ran. The settings that make it so are read before and after the script,
//! in the same pipeline. If the answer does not come, nobody knows whether the events are in, and
//! everyone is told so.

use std::sync::Arc;

use redis::Value;
use tokio::sync::{mpsc, oneshot};

use super::link::message;
use super::shared::{GROUP, Shared, failure};
use super::{durability, entry, scripts};
use crate::clock::Stopwatch;
use crate::event::{Event, Rejected};
use crate::queue::backlog::{Admitted, AdmittedRefused};
use crate::queue::{Durability, QueueError, Receipt};

/// Bounds of one group. A group is what came during the last flush; Redis does nothing else
/// meanwhile, so it may not be large.
const GROUP_ROWS: usize = 5000;
const GROUP_BYTES: usize = 4 << 20;
const GROUP_REQUESTS: usize = 5000;

pub(super) type Answer<T> = Result<T, QueueError>;

/// What the writer can be asked for.
pub(super) enum Request {
    Enqueue { events: Vec<Event>, bytes: u64, waiting: Admitted, reply: oneshot::Sender<Answer<Receipt>> },
    Refuse { refused: Vec<Rejected>, waiting: AdmittedRefused },
    Probe { reply: oneshot::Sender<Answer<Durability>> },
}

/// The handle to the task. The task ends when the handle is dropped and everything is written.
#[derive(Debug)]
pub(super) struct Writer(mpsc::UnboundedSender<Request>);

/// What runs in the task.
struct Task {
    shared: Arc<Shared>,
    /// What Redis promised last, if it was asked yet; said when it changes.
    promised: Option<Durability>,
    /// Whether the last group failed; said once, not for every group of an outage.
    failing: bool,
}

/// What became of a group: whether it is durable, how many refused events were removed, and the
/// answer to each request.
struct Written {
    durability: Durability,
    removed: u64,
    answers: Vec<Value>,
}

impl Writer {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        let (requests, receiver) = mpsc::unbounded_channel();
        let task = Task { shared, promised: None, failing: false };
        tokio::spawn(task.run(receiver));
        Self(requests)
    }

    pub(super) async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<Answer<T>>) -> Request) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        self.send(request(reply));
        answer.await.unwrap_or_else(|_| Err(QueueError::Unavailable("its writer has stopped".to_owned())))
    }

    pub(super) fn send(&self, request: Request) {
        // If the task is gone, the reply is dropped with the request, which the asker sees.
        let _ = self.0.send(request);
    }
}

impl Task {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        while let Some(first) = requests.recv().await {
            let group = gather(first, &mut requests);
            let watch = Stopwatch::start();
            let written = self.write(&group).await;
            let events: usize = group.iter().map(Request::events).sum();
            if events > 0 {
                self.shared.metrics.flush_events.observe(events as f64);
                self.shared.metrics.flush_seconds.observe(watch.seconds());
            }
            self.tell(written.as_ref().err());
            match written {
                Ok(Written { durability, removed, answers }) => {
                    self.shared.metrics.refused_removed.inc_by(removed);
                    for (request, answer) in group.into_iter().zip(&answers) {
                        self.answer(request, Ok((answer, &durability)));
                    }
                }
                Err(error) => {
                    self.shared.metrics.database_error("queue");
                    for request in group {
                        self.answer(request, Err(error.clone()));
                    }
                }
            }
        }
    }

    async fn write(&mut self, group: &[Request]) -> Answer<Written> {
        let shared = self.shared.clone();
        let Shared { keys, options, .. } = &*shared;
        let mut script = scripts::call(&scripts::WRITE, &[&keys.events, &keys.refused, &keys.state]);
        script.arg(options.max_events).arg(options.max_bytes).arg(options.max_refused);
        script.arg(self.shared.clock.new_id().to_string()).arg(GROUP);
        for request in group {
            request.write(&mut script);
        }
        let mut commands = redis::pipe();
        durability::ask(&mut commands);
        commands.add_command(script);
        durability::ask(&mut commands);
        commands.ignore_errors();
        let answers = shared.writes.run_each(&commands).await.map_err(|error| failure(&error))?;
        let Ok([before, written, after]) = <[_; 3]>::try_from(answers) else {
            return Err(QueueError::Unavailable("Redis gave another number of answers".to_owned()));
        };
        let written = written.map_err(|error| failure(&error))?;
        let (generation, removed, answers): (String, u64, Vec<Value>) =
            redis::from_redis_value(written).map_err(|error| QueueError::Unavailable(error.to_string()))?;
        self.shared.generation.see(Some(&generation));
        let durability = self.promise(durability::judge(&before), durability::judge(&after)).await;
        Ok(Written { durability, removed, answers })
    }

    /// What Redis promises of this group, by its settings before and after it.
    async fn promise(&mut self, before: Durability, after: Durability) -> Durability {
        let mut now = if before == Durability::Flushed { after } else { before };
        if self.promised.as_ref() == Some(&now) {
            return now;
        }
        if now == Durability::Flushed {
            match durability::is_file_there(&self.shared.writes).await {
                Ok(true) => (),
                Ok(false) => {
                    now = Durability::AtRisk("its append-only file is not written yet, or could not be".to_owned());
                }
                Err(error) => now = Durability::AtRisk(format!("INFO is refused: {}", message(&error))),
            }
        }
        if self.promised.as_ref() != Some(&now) {
            match &now {
                Durability::AtRisk(why) => tracing::error!(
                    why,
                    "Redis may lose events at a power cut: they are answered with 202 and not with 201"
                ),
                Durability::Flushed if self.promised.is_some() => tracing::info!("Redis flushes before it answers"),
                Durability::Flushed => (),
            }
            self.promised = Some(now.clone());
        }
        now
    }

    fn tell(&mut self, error: Option<&QueueError>) {
        match error {
            Some(error) if !self.failing => tracing::error!(error = %error, "the queue cannot be written"),
            None if self.failing => tracing::info!("the queue can be written again"),
            _ => (),
        }
        self.failing = error.is_some();
    }

    fn answer(&self, request: Request, answer: Answer<(&Value, &Durability)>) {
        let full = |answer: &Value| match answer {
            Value::BulkString(what) => Some(QueueError::Full(String::from_utf8_lossy(what).into_owned())),
            _ => None,
        };
        match request {
            Request::Enqueue { events, waiting, reply, .. } => {
                drop(waiting);
                let receipt = answer.and_then(|(answer, durability)| match (full(answer), answer) {
                    (Some(full), _) => Err(full),
                    (None, &Value::Int(first)) => {
                        let first = first.unsigned_abs();
                        let last = (first + events.len() as u64).saturating_sub(1);
                        Ok(Receipt { first, last, durable: *durability == Durability::Flushed })
                    }
                    (None, _) => Err(QueueError::Unavailable("Redis gave another kind of answer".to_owned())),
                });
                if receipt.is_ok() {
                    self.shared.arrived.notify_one();
                }
                let _ = reply.send(receipt);
            }
            Request::Refuse { refused, waiting } => {
                if answer.is_err() {
                    self.shared.metrics.refused_dropped.inc_by(refused.len() as u64);
                }
                drop(waiting);
                self.shared.rejected_arrived.notify_one();
            }
            Request::Probe { reply } => {
                let _ = reply.send(answer.and_then(|(answer, durability)| match full(answer) {
                    Some(full) => Err(full),
                    None => Ok(durability.clone()),
                }));
            }
        }
    }
}

impl Request {
    fn events(&self) -> usize {
        match self {
            Self::Enqueue { events, .. } => events.len(),
            Self::Refuse { .. } | Self::Probe { .. } => 0,
        }
    }

    /// Events and refused events, and their bytes.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Enqueue { events, bytes, .. } => (events.len(), usize::try_from(*bytes).unwrap_or(usize::MAX)),
            Self::Refuse { refused, .. } => (refused.len(), refused.iter().map(Rejected::footprint).sum()),
            Self::Probe { .. } => (0, 0),
        }
    }

    /// Appends itself to the script's arguments.
    fn write(&self, script: &mut redis::Cmd) {
        match self {
            Self::Enqueue { events, bytes, .. } => {
                script.arg("events").arg(events.len()).arg(*bytes);
                for event in events {
                    entry::write_event(event, script);
                }
            }
            Self::Refuse { refused, .. } => {
                script.arg("refused").arg(refused.len());
                for refused in refused {
                    let texts = entry::rejected_texts(refused);
                    script.arg(texts.len() * 2).arg(texts);
                }
            }
            Self::Probe { .. } => drop(script.arg("probe")),
        }
    }
}

fn gather(first: Request, requests: &mut mpsc::UnboundedReceiver<Request>) -> Vec<Request> {
    let (mut rows, mut bytes) = first.size();
    let mut group = vec![first];
    while rows < GROUP_ROWS && bytes < GROUP_BYTES && group.len() < GROUP_REQUESTS {
        let Ok(next) = requests.try_recv() else { break };
        let (more_rows, more_bytes) = next.size();
        (rows, bytes) = (rows + more_rows, bytes + more_bytes);
        group.push(next);
    }
    group
}
