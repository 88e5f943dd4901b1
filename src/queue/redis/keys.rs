//! The names of what the queue has in Redis.

/// The names of what is in Redis.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    pub(super) events: String,
    pub(super) refused: String,
    pub(super) dead: String,
    pub(super) state: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        let key = |name: &str| format!("{prefix}:{name}");
        Self {
            prefix: prefix.to_owned(),
            events: key("events"),
            refused: key("refused"),
            dead: key("dead"),
            state: key("state"),
        }
    }

    /// The sign of life of a worker.
    pub(super) fn life(&self, worker: &str) -> String {
        format!("{}:worker:{worker}", self.prefix)
    }
}
