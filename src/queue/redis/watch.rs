//! What goes on beside the work, twice a second: each worker gives a sign of life, takes over what
//! workers without one held, and everyone sees whether the queue is still the same.
//!
//! Signs of life are given by a task and on a connection of their own, so that nothing holds them up.
//! A sign of life is a key that Redis removes by its own clock. A worker is dead when its key was
//! missing for a second on end, as seen by somebody whom Redis answered all the while: after a
//! Redis that hung all keys are gone, and those who live renew theirs within half a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::{RedisError, Value};

use super::link::{Link, is_no_group, message};
use super::scripts;
use super::shared::{GROUP, Shared};
use crate::clock::Stopwatch;

/// How often all this happens, how long a sign of life lasts, and how long one may be missing.
const LOOK: Duration = Duration::from_millis(500);
const LIFE: Duration = Duration::from_millis(2500);
const MISSING: Duration = Duration::from_secs(1);

// From the last sign of life to the take-over, with a look too late at both ends: what is promised.
const _: () = assert!(LIFE.as_millis() + MISSING.as_millis() + 2 * LOOK.as_millis() <= 5000);

/// Which queue this is: another one after everything was removed from Redis.
#[derive(Debug, Default)]
pub(super) struct Generation(Mutex<Option<String>>);

/// A stream that is watched for what the dead hold.
pub(super) struct Watched {
    pub(super) stream: String,
    /// Hears how many entries are pending with this worker.
    pub(super) compare: Box<dyn Fn(usize) + Send + Sync>,
}

/// Watches for as long as its task is let run.
pub(super) struct Watch {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Link,
    /// The connection of the signs of life.
    pub(super) signs: Link,
    /// The name of this worker, and what it watches; nothing where none works here.
    pub(super) worker: Option<(String, Vec<Watched>)>,
}

impl Generation {
    /// The name that was seen last.
    fn known(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sees the name that the queue has now, or that it has none, by an answer to a question that was
    /// asked when `before` was known. If another one was seen meanwhile, the answer says nothing.
    fn see_since(&self, before: Option<&str>, now: Option<&str>) {
        if self.known().as_deref() == before {
            self.see(now);
        }
    }

    /// Sees the name that the queue has now, or that it has none.
    pub(super) fn see(&self, now: Option<&str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (known.as_deref(), now) {
            (Some(before), now) if now != Some(before) => tracing::error!(
                "the queue in Redis was emptied by somebody (FLUSHALL, or a Redis that lost its data): \
                 events that were acknowledged and not stored yet are lost"
            ),
            _ => (),
        }
        *known = now.map(str::to_owned);
    }
}

impl Watch {
    pub(super) async fn run(self) {
        tokio::join!(self.live(), self.look_around());
    }

    /// Gives signs of life, and nothing else.
    async fn live(&self) {
        let Some((me, _)) = &self.worker else { return };
        let millis = u64::try_from(LIFE.as_millis()).expect("it is short");
        let mut sign = scripts::call(&scripts::LIVE, &[&self.shared.keys.life(me)]);
        sign.arg(millis);
        loop {
            // Nothing to say here: where Redis is away, the one that looks around says so.
            let _ = self.signs.run::<()>(&sign).await;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look_around(&self) {
        let mut missing: HashMap<(String, String), Stopwatch> = HashMap::new();
        let mut failing = false;
        loop {
            let result = self.look(&mut missing).await;
            match &result {
                // Redis has to have answered all the while.
                Err(error) => {
                    missing.clear();
                    if !failing {
                        tracing::warn!(error = message(error), "Redis cannot be reached; trying again");
                    }
                }
                Ok(()) if failing => tracing::info!("Redis answers again"),
                Ok(()) => (),
            }
            failing = result.is_err();
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self, missing: &mut HashMap<(String, String), Stopwatch>) -> Result<(), RedisError> {
        let keys = &self.shared.keys;
        let before = self.shared.generation.known();
        let mut generation = redis::cmd("HGET");
        let generation: Option<String> = self.link.run(generation.arg(&keys.state).arg("generation")).await?;
        self.shared.generation.see_since(before.as_deref(), generation.as_deref());
        let Some((me, streams)) = &self.worker else { return Ok(()) };
        for watched in streams {
            self.look_at(watched, me, missing).await?;
        }
        Ok(())
    }

    async fn look_at(
        &self,
        watched: &Watched,
        me: &str,
        missing: &mut HashMap<(String, String), Stopwatch>,
    ) -> Result<(), RedisError> {
        let consumers = self.consumers(&watched.stream).await?;
        // Somebody else may have been faster.
        missing
            .retain(|(stream, name), _| *stream != watched.stream || consumers.iter().any(|(known, _)| known == name));
        for (consumer, pending) in consumers {
            if consumer == me {
                (watched.compare)(pending);
                continue;
            }
            let mut exists = redis::cmd("EXISTS");
            let alive: bool = self.link.run(exists.arg(self.shared.keys.life(&consumer))).await?;
            let known = (watched.stream.clone(), consumer);
            if alive {
                missing.remove(&known);
                continue;
            }
            if missing.entry(known.clone()).or_insert_with(Stopwatch::start).elapsed() < MISSING {
                continue;
            }
            // As often as it takes: one script moves a thousand at most. That they are ours is seen by
            // the next look, if not sooner.
            let mut moved = 0;
            while let more @ 1.. = self.take_over(&watched.stream, &known.1, me).await? {
                moved += more;
            }
            if moved > 0 {
                tracing::warn!(worker = known.1, entries = moved, "a worker died: what it held is taken over");
                (watched.compare)(usize::MAX);
            }
            missing.remove(&known);
            self.shared.arrived.notify_one();
            self.shared.rejected_arrived.notify_one();
        }
        Ok(())
    }

    async fn take_over(&self, stream: &str, dead: &str, me: &str) -> Result<u64, RedisError> {
        let mut script = scripts::call(&scripts::TAKE_OVER, &[stream, &self.shared.keys.life(dead)]);
        self.link.run(script.arg(GROUP).arg(dead).arg(me)).await
    }

    /// The workers that Redis knows of, and how many entries are pending with each.
    async fn consumers(&self, stream: &str) -> Result<Vec<(String, usize)>, RedisError> {
        let mut command = redis::cmd("XINFO");
        let consumers: Vec<HashMap<String, Value>> =
            match self.link.run(command.arg("CONSUMERS").arg(stream).arg(GROUP)).await {
                Ok(consumers) => consumers,
                // Nobody has read it yet.
                Err(error) if is_no_group(&error) || message(&error).contains("no such key") => Vec::new(),
                Err(error) => return Err(error),
            };
        let read = |consumer: &HashMap<String, Value>| {
            let name = redis::from_redis_value_ref(consumer.get("name")?).ok()?;
            Some((name, redis::from_redis_value_ref(consumer.get("pending")?).ok()?))
        };
        Ok(consumers.iter().filter_map(read).collect())
    }
}
