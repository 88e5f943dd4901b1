//! One connection to Redis, made when it is needed and made anew after a failure.
//!
//! A connection on which something was not answered in time is given up: what it was told may still
//! be carried out, and must not be taken for an answer to something else.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, ServerErrorKind, Value,
};
use tokio::sync::Mutex;

use super::scripts;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);

/// One connection. Whoever uses it at once shares it.
#[derive(Debug, Clone)]
pub(super) struct Link(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    answer: Duration,
    open: Mutex<Open>,
}

/// The connection, and how many there were before it.
#[derive(Default)]
struct Open {
    connection: Option<MultiplexedConnection>,
    number: u64,
}

impl Link {
    /// A connection that waits so long for an answer.
    pub(super) fn new(client: Client, answer: Duration) -> Self {
        Self(Arc::new(Inner { client, answer, open: Mutex::default() }))
    }

    /// Runs a command.
    pub(super) async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        self.send(Message::One(command), |_| false).await
    }

    /// Runs several commands at once that change nothing; one that fails fails them all. An idle
    /// connection may have been closed long ago, so they are tried on a new one too.
    pub(super) async fn read_all<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, RedisError> {
        match self.send(Message::All(commands), |_| false).await {
            Err(error) if !is_answer(&error) => self.send(Message::All(commands), |_| false).await,
            result => result,
        }
    }

    /// Runs several commands at once, each with a result of its own.
    pub(super) async fn run_each(&self, commands: &Pipeline) -> Result<Vec<Result<Value, RedisError>>, RedisError> {
        let lacks_script = |results: &Vec<Result<Value, RedisError>>| {
            results.iter().any(|result| result.as_ref().is_err_and(is_no_script))
        };
        self.send(Message::All(commands), lacks_script).await
    }

    async fn send<T: FromRedisValue>(
        &self,
        message: Message<'_>,
        lacks_script: impl Fn(&T) -> bool + Send,
    ) -> Result<T, RedisError> {
        let (mut connection, mut number) = self.connection().await?;
        let mut result = message.send(connection).await;
        let no_script = match &result {
            Ok(result) => lacks_script(result),
            Err(error) => is_no_script(error),
        };
        if no_script {
            // The scripts were removed, and nothing was carried out. A new connection brings them.
            self.give_up(number).await;
            (connection, number) = self.connection().await?;
            result = message.send(connection).await;
        }
        if result.as_ref().is_err_and(|error| !is_answer(error)) {
            self.give_up(number).await;
        }
        result
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), RedisError> {
        let mut open = self.0.open.lock().await;
        if let Some(connection) = &open.connection {
            return Ok((connection.clone(), open.number));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(self.0.answer));
        let mut connection = self.0.client.get_multiplexed_async_connection_with_config(&config).await?;
        scripts::load(&mut connection).await?;
        open.connection = Some(connection.clone());
        open.number += 1;
        Ok((connection, open.number))
    }

    async fn give_up(&self, number: u64) {
        let mut open = self.0.open.lock().await;
        // Somebody else may have made a new one already.
        if open.number == number {
            open.connection = None;
        }
    }
}

/// What is sent.
#[derive(Clone, Copy)]
enum Message<'a> {
    One(&'a Cmd),
    All(&'a Pipeline),
}

impl Message<'_> {
    async fn send<T: FromRedisValue>(self, mut connection: MultiplexedConnection) -> Result<T, RedisError> {
        match self {
            Self::One(command) => command.query_async(&mut connection).await,
            Self::All(commands) => commands.query_async(&mut connection).await,
        }
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What an error says, in one line.
pub(super) fn message(error: &RedisError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether Redis said so itself: the connection is well. One that leads to a replica by now is not.
fn is_answer(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Server(kind) => kind != ServerErrorKind::ReadOnly,
        kind => kind == ErrorKind::Extension,
    }
}

fn is_no_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Whether a stream has no group of readers, or is not there.
pub(super) fn is_no_group(error: &RedisError) -> bool {
    error.code() == Some("NOGROUP") || (error.kind() == ErrorKind::Extension && message(error).contains("NOGROUP"))
}
