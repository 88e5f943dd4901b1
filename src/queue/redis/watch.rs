//! What goes on beside the work, twice a second: each worker gives a sign of life, takes over what
//! workers without one held, and everyone sees whether the queue is still the same.
//!
//! A sign of life is a key that Redis removes by its own clock. A worker is dead when its key was
//! missing for a second on end, as seen by somebody whom Redis answered all the while: after a
//! Redis that hung all keys are gone, and those who live renew theirs within half a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::RedisError;

use super::lane::is_no_group;
use super::link::{Link, message};
use super::{GROUP, Shared, scripts};
use crate::clock::Stopwatch;

/// How often all this happens, how long a sign of life lasts, and how long one may be missing.
const LOOK: Duration = Duration::from_millis(500);
const LIFE: Duration = Duration::from_millis(2500);
const MISSING: Duration = Duration::from_secs(1);

/// Which queue this is: another one after everything was removed from Redis.
#[derive(Debug, Default)]
pub(super) struct Generation(Mutex<Option<String>>);

/// A stream that is watched for what the dead hold.
pub(super) struct Watched {
    pub(super) stream: String,
    pub(super) look_again: Box<dyn Fn() + Send + Sync>,
}

/// Watches for as long as its task is let run.
pub(super) struct Watch {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Link,
    /// The name of this worker, and what it watches; nothing where none works here.
    pub(super) worker: Option<(String, Vec<Watched>)>,
}

impl Generation {
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

    /// Whether nothing was seen yet.
    fn is_unknown(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Watch {
    pub(super) async fn run(self) {
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
        let mut generation = redis::cmd("HGET");
        let generation: Option<String> = self.link.run(generation.arg(&keys.state).arg("generation")).await?;
        // A queue that was never written has no name, and there is nothing to lose.
        if generation.is_some() || !self.shared.generation.is_unknown() {
            self.shared.generation.see(generation.as_deref());
        }
        let Some((me, streams)) = &self.worker else { return Ok(()) };
        let mut life = redis::cmd("SET");
        let millis = u64::try_from(LIFE.as_millis()).expect("it is short");
        self.link.run::<()>(life.arg(keys.life(me)).arg(1).arg("PX").arg(millis)).await?;
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
        for consumer in self.consumers(&watched.stream).await? {
            if consumer == me {
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
            // As often as it takes: one script moves a thousand at most.
            loop {
                let moved = self.take_over(&watched.stream, &known.1, me).await;
                // An answer that was lost may have been one of success.
                (watched.look_again)();
                if moved? == 0 {
                    break;
                }
            }
            missing.remove(&known);
            self.shared.arrived.notify_one();
            self.shared.rejected_arrived.notify_one();
        }
        Ok(())
    }

    async fn take_over(&self, stream: &str, dead: &str, me: &str) -> Result<u64, RedisError> {
        let mut script = scripts::call(&scripts::TAKE_OVER, &[stream, &self.shared.keys.life(dead)]);
        let moved: u64 = self.link.run(script.arg(GROUP).arg(dead).arg(me)).await?;
        if moved > 0 {
            tracing::warn!(worker = dead, entries = moved, "a worker died: what it held is taken over");
        }
        Ok(moved)
    }

    async fn consumers(&self, stream: &str) -> Result<Vec<String>, RedisError> {
        let mut command = redis::cmd("XINFO");
        let consumers: Vec<HashMap<String, redis::Value>> =
            match self.link.run(command.arg("CONSUMERS").arg(stream).arg(GROUP)).await {
                Ok(consumers) => consumers,
                // Nobody has read it yet.
                Err(error) if is_no_group(&error) || message(&error).contains("no such key") => Vec::new(),
                Err(error) => return Err(error),
            };
        let name = |consumer: &HashMap<String, redis::Value>| redis::from_redis_value_ref(consumer.get("name")?).ok();
        Ok(consumers.iter().filter_map(name).collect())
    }
}
