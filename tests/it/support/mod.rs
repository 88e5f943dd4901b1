//! A whole Eye on a free port, with a real queue, store and worker, and a clock that stands still.
//! Nothing here sleeps: `drain` returns when everything is stored.
//!
//! Queue and store are the embedded ones in a temporary folder, and the worker is a task. Where
//! `EYE_TEST_PAIR` is `apart` the worker is the real binary, in a process of its own; where it is
//! `shared` that too, and queue and store are a Redis and a PostgreSQL.

#[expect(dead_code, unused_imports, reason = "the rig of faults uses the rest")]
#[path = "../../../faults/account/mod.rs"]
pub mod account;
pub mod browser;
pub mod events;
pub mod load;
pub mod needles;
pub mod process;
#[expect(dead_code, unused_imports, reason = "the rig of faults uses the rest")]
pub mod servers;
pub mod stores;
pub mod stream;

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;
use the_eye::clock::Clock;
use the_eye::config::{Config, DatabaseUrl, QueueUrl};
use the_eye::event::{PrivacyKey, Timestamp};
use the_eye::queue::Role;
use the_eye::{Access, CancellationToken, Eye, Limits, RunWorker, ServeOptions};
use tokio::net::TcpListener;

use process::Process;

/// What time it is in tests.
pub const NOW: &str = "2026-06-01T12:00:00.000000Z";

/// A running Eye.
pub struct TestEye {
    pub eye: Eye,
    pub base: String,
    pub dir: TempDir,
    client: reqwest::Client,
    shutdown: CancellationToken,
    /// The worker, where it is a process of its own.
    worker: Option<Process>,
    database_url: Option<DatabaseUrl>,
}

/// What a queue and a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Two files.
    Embedded,
    /// Two files, and a worker in a process of its own.
    Apart,
    /// A Redis and a PostgreSQL, and a worker in a process of its own.
    Shared,
}

impl Pair {
    /// The one that the tests of HTTP run on this time.
    fn chosen() -> Self {
        match servers::optional_variable("EYE_TEST_PAIR").as_deref() {
            None => Self::Embedded,
            Some("apart") => Self::Apart,
            Some("shared") => Self::Shared,
            Some(other) => panic!("EYE_TEST_PAIR is `{other}`, and may be `apart` or `shared`"),
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestEye {
    /// One with the default settings.
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// One with other settings.
    pub async fn with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::build(Pair::chosen(), configure, RunWorker::Yes).await
    }

    /// One that stores nothing until it is drained.
    pub async fn without_worker(configure: impl FnOnce(&mut Config)) -> Self {
        Self::build(Pair::chosen(), configure, RunWorker::No).await
    }

    /// One on that pair, that stores nothing until it is drained.
    pub async fn on(pair: Pair) -> Self {
        Self::build(pair, |_| (), RunWorker::No).await
    }

    async fn build(pair: Pair, configure: impl FnOnce(&mut Config), worker: RunWorker) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::for_directory(dir.path().join("data"));
        if pair == Pair::Shared {
            config.database_url = Some(servers::new_schema().await.parse().unwrap());
            config.queue_url = servers::new_queue().parse().unwrap();
        }
        configure(&mut config);
        let clock = Clock::Fixed(Timestamp::parse(NOW).unwrap());
        let drain_timeout = config.drain_timeout;
        let apart = worker == RunWorker::Yes && pair != Pair::Embedded;
        let process = if apart { Some(start_worker(dir.path(), &config).await) } else { None };
        let (role, worker) = if apart { (Role::Api, RunWorker::No) } else { (Role::Both, worker) };
        let database_url = config.database_url.clone();
        let key = PrivacyKey::new([7; 32]);
        let eye =
            Eye::builder(Access::Open).config(config).clock(clock).role(role).privacy_key(key).build().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let options = ServeOptions { worker, drain_timeout, limits: Limits::default() };
        tokio::spawn(the_eye::run(listener, eye.clone(), options, shutdown.clone()));
        Self { eye, base, dir, client: reqwest::Client::new(), shutdown, worker: process, database_url }
    }

    /// The PostgreSQL database that it stores in.
    pub fn database_url(&self) -> &str {
        let Some(DatabaseUrl::Postgres(url)) = &self.database_url else { panic!("it is not on the shared pair") };
        url.reveal()
    }

    /// Begins the end.
    pub fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Makes the store refuse the events of one session.
    pub async fn refuse_session(&self, session_id: &str) {
        match &self.database_url {
            Some(DatabaseUrl::Postgres(url)) => refuse_session_in_postgres(url.reveal(), session_id).await,
            _ => refuse_session(&self.dir.path().join("data/events.db"), session_id),
        }
    }

    /// Makes it take them again.
    pub async fn accept_all_sessions(&self) {
        match &self.database_url {
            Some(DatabaseUrl::Postgres(url)) => drop(sql(url.reveal(), "DROP TRIGGER no_poison ON event").await),
            _ => {
                let database = rusqlite::Connection::open(self.dir.path().join("data/events.db")).unwrap();
                database.execute_batch("DROP TRIGGER no_poison").unwrap();
            }
        }
    }

    /// Waits until everything that was sent is stored.
    pub async fn drain(&self) {
        if self.worker.is_none() {
            return self.eye.worker().drain().await;
        }
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            let depth = self.eye.depth().await.unwrap();
            if depth.events == 0 && depth.rejected == 0 {
                return;
            }
            looks.tick().await;
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, &[], Vec::new()).await
    }

    /// Posts a JSON text.
    pub async fn post(&self, body: &str) -> Answer {
        self.post_as("application/json", body).await
    }

    pub async fn post_as(&self, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.request(Method::POST, "/events", &[(CONTENT_TYPE.as_str(), content_type)], body.into()).await
    }

    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }
}

/// A worker in a process of its own, with what it needs of the settings.
async fn start_worker(folder: &Path, config: &Config) -> Process {
    let rejected_max = config.rejected_max.to_string();
    let mut arguments = vec!["worker", "--rejected-max", &rejected_max];
    match (&config.database_url, &config.queue_url) {
        (Some(DatabaseUrl::Postgres(database)), QueueUrl::Redis(queue)) => arguments.extend([
            "--data-dir",
            "worker",
            "--database-url",
            database.reveal(),
            "--queue-url",
            queue.reveal(),
        ]),
        _ => arguments.extend(["--data-dir", config.data_dir.to_str().unwrap()]),
    }
    Process::start(folder, &arguments).await
}

impl Drop for TestEye {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks the status, and shows the body if it is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

/// A valid page view.
pub fn page_view() -> Value {
    json!({
        "session_id": "a-session",
        "category": "page_interaction",
        "name": "page_view",
        "data": { "host": "www.example.com", "path": "/" },
        "timestamp": "2026-05-01T10:00:00Z",
    })
}

/// The same with some keys changed.
pub fn page_view_with(changes: &Value) -> Value {
    let mut event = page_view();
    for (key, value) in changes.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

/// Makes a store refuse the events of one session, as a constraint of an operator's would.
pub fn refuse_session(database: &std::path::Path, session_id: &str) {
    let sql = format!(
        "CREATE TRIGGER no_poison BEFORE INSERT ON event WHEN EXISTS \
         (SELECT 1 FROM session WHERE number = NEW.session AND session_id = '{session_id}') \
         BEGIN SELECT RAISE(ABORT, 'poison'); END"
    );
    rusqlite::Connection::open(database).unwrap().execute_batch(&sql).unwrap();
}

/// The same for the shared store.
pub async fn refuse_session_in_postgres(url: &str, session_id: &str) {
    sql(
        url,
        &format!(
            "CREATE FUNCTION no_poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF EXISTS (SELECT 1 FROM session WHERE number = NEW.session AND session_id = '{session_id}') \
             THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER no_poison BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION no_poison()"
        ),
    )
    .await;
}

/// Runs statements in a database as its operator would, and gives the first column of all rows.
pub async fn sql(url: &str, statements: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let messages = client.simple_query(statements).await.unwrap();
    let text = |message: &tokio_postgres::SimpleQueryMessage| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    };
    messages.iter().filter_map(text).collect()
}
