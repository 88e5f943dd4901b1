//! One server on a free port, in a temporary folder, and how it starts and ends.
//!
//! Nothing here sleeps: a server is asked until it answers, within a bound. It ends with its test,
//! however that ends.

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use the_eye::clock::Clock;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a start or an end may take.
const BOUND: Duration = Duration::from_secs(60);

/// A server on a free port, in a folder.
pub struct Server {
    kind: Kind,
    /// The folder, as the server itself says where it is.
    path: PathBuf,
    log: PathBuf,
    port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
    /// Removed at last.
    _temporary: Option<TempDir>,
}

/// Where a server's data lie, and where its log does, which may be another disk.
pub struct Spot {
    folder: PathBuf,
    log: PathBuf,
    temporary: Option<TempDir>,
}

impl Spot {
    /// A folder that is removed with the server.
    pub fn temporary() -> Self {
        let folder = tempfile::Builder::new().prefix("the-eye-test.").tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        Self { log: path.join("log"), folder: path, temporary: Some(folder) }
    }

    /// Folders that are there.
    pub fn given(folder: &Path, log: &Path) -> Self {
        Self { folder: folder.canonicalize().unwrap(), log: log.to_owned(), temporary: None }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Redis,
    /// One that listens for TLS alone.
    RedisTls,
}

impl Server {
    pub(super) async fn start(kind: Kind, spot: Spot, arguments: Vec<String>) -> Self {
        let Spot { folder: path, log, temporary } = spot;
        let mut server = Self { kind, path, log, port: 0, arguments, child: None, _temporary: temporary };
        for _ in 0..20 {
            server.port = free_port();
            server.spawn();
            match server.answer().await {
                Ok(()) => return server,
                // Another one was faster.
                Err(_) if server.log().contains("Address already in use") => (),
                Err(problem) => panic!("{problem}"),
            }
        }
        panic!("no port is free");
    }

    /// Waits until it answers.
    pub async fn wait_ready(&mut self) {
        self.answer().await.unwrap_or_else(|problem| panic!("{problem}"));
    }

    /// SIGKILL to all of its processes, and their end.
    pub async fn kill(&mut self) {
        self.signal("KILL");
        self.end().await;
    }

    async fn end(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let end = async {
            child.wait().await.unwrap();
            // Each of its processes holds its output, so its end is that of the last one. Before it
            // PostgreSQL would not start again.
            child.stdout.take().unwrap().read_to_end(&mut Vec::new()).await.unwrap();
        };
        timeout(BOUND, end).await.expect("it ends");
    }

    /// SIGTERM, or what means the same to it, and its end.
    pub async fn stop(&mut self) {
        // PostgreSQL's quick and clean end; to Redis it is the same as SIGTERM.
        self.child_signal("INT");
        self.end().await;
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        let ended = self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some());
        if ended {
            self.child = None;
        }
        ended
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again, on the same data and the same port. One that still runs is killed first.
    pub async fn restart(&mut self) {
        if self.child.is_some() {
            self.kill().await;
        }
        self.spawn();
        self.wait_ready().await;
    }

    /// Sends a signal to its first process alone.
    fn child_signal(&self, name: &str) {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs").to_string();
        assert!(Program::new("kill").args([format!("-{name}"), id]).status().unwrap().success());
    }

    /// Sends a signal (`STOP`, `CONT`, `TERM`) to all of its processes.
    pub fn signal(&self, name: &str) {
        // It fails for a child that is gone by now.
        let _ =
            Program::new("kill").arg(format!("-{name}")).args(self.processes()).stderr(Stdio::null()).status().unwrap();
    }

    /// Its processes, the first one first.
    pub fn processes(&self) -> Vec<String> {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs").to_string();
        let children = Program::new("pgrep").args(["-P", &id]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        std::iter::once(id).chain(children.split_whitespace().map(str::to_owned)).collect()
    }

    /// What it wrote to its log so far, before each restart too.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap()).into_owned()
    }

    pub(super) fn address(&self) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            Kind::Redis => format!("redis://127.0.0.1:{}", self.port),
            Kind::RedisTls => format!("rediss://127.0.0.1:{}", self.port),
        }
    }

    fn spawn(&mut self) {
        let port = self.port.to_string();
        let log = File::options().create(true).append(true).open(&self.log).unwrap();
        let mut command = match self.kind {
            Kind::Postgres => {
                let mut command = bound_to_us("QUIT", postgres_user());
                command.arg(postgres_program("postgres")).arg("-D").arg(self.path.join("data")).args(["-p", &port]);
                command.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
                command
            }
            Kind::Redis | Kind::RedisTls => {
                let mut command = bound_to_us("KILL", None);
                command.arg(redis_program("server")).args(["--bind", "127.0.0.1"]);
                command.args(match self.kind == Kind::Redis {
                    true => vec!["--port", &port],
                    false => vec!["--port", "0", "--tls-port", &port],
                });
                command.arg("--dir").arg(&self.path).arg("--logfile").arg(&self.log);
                command
            }
        };
        command.args(&self.arguments).current_dir(&self.path).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        self.child = Some(command.spawn().unwrap());
    }

    /// Waits until it answers, or says why it never will.
    async fn answer(&mut self) -> Result<(), String> {
        let asking = async {
            while !self.answers().await {
                if let Some(status) = self.child.as_mut().expect("it was started").try_wait().unwrap() {
                    return Err(format!("the server ended ({status}): {}", self.log()));
                }
                tokio::task::yield_now().await;
            }
            Ok(())
        };
        timeout(BOUND, asking).await.expect("a server that starts answers")
    }

    /// Whether it answers, and not another one on the same port: it names its folder.
    async fn answers(&self) -> bool {
        match self.kind {
            Kind::Postgres => {
                let data = psql(&self.address(), "SHOW data_directory").await;
                data.is_ok_and(|data| Path::new(data.trim()) == self.path.join("data"))
            }
            Kind::Redis | Kind::RedisTls => {
                let folder = self.redis_cli(&["CONFIG", "GET", "dir"]).await;
                folder.lines().last().is_some_and(|line| Path::new(line) == self.path)
            }
        }
    }

    pub(super) async fn redis_cli(&self, words: &[&str]) -> String {
        let mut command = Command::new(redis_program("cli"));
        command.args(["-u", &self.address()]).args((self.kind == Kind::RedisTls).then_some("--insecure"));
        let output = command.args(words).kill_on_drop(true).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.as_ref().is_some_and(|child| child.id().is_some()) {
            // PostgreSQL's own quick end: a kill would leave its shared memory behind.
            self.signal("QUIT");
            self.signal("CONT");
        }
        let Some(mut child) = self.child.take() else { return };
        // The folder can be removed once the last process is gone.
        if let Some(Ok(stdout)) = child.stdout.take().map(ChildStdout::into_owned_fd) {
            let _ = File::from(stdout).read_to_end(&mut Vec::new());
        }
    }
}

/// What `script/dev-services` says to the command that it runs.
pub(super) fn variable(name: &str) -> String {
    optional_variable(name).unwrap_or_else(|| panic!("run this under script/dev-services: {name} is not set"))
}

/// What a script says to the tests, if it does.
#[expect(clippy::disallowed_methods, reason = "what tests run on is no setting of The Eye")]
pub fn optional_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub(super) fn postgres_program(name: &str) -> PathBuf {
    Path::new(&variable("EYE_TEST_POSTGRES_BIN")).join(name)
}

/// Redis, or what Debian has in its place later on.
fn redis_program(which: &str) -> String {
    let names = ["redis", "valkey"].map(|name| format!("{name}-{which}"));
    let is_there = |name: &String| Program::new(name).arg("--version").output().is_ok();
    names.into_iter().find(is_there).expect("run this under script/dev-services, which needs it too")
}

/// What PostgreSQL answers to a statement.
pub(super) async fn psql(url: &str, sql: &str) -> Result<String, String> {
    let mut command = Command::new(postgres_program("psql"));
    command.args(["-XqAt", "-c", sql, url]).env("PGCONNECT_TIMEOUT", "5").kill_on_drop(true);
    let output = command.output().await.unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// Runs a program that gets a signal when the thread that started it is gone, if need be as another user.
pub(super) fn bound_to_us(signal: &str, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]);
    if let Some((user, group)) = user {
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]);
    }
    command.arg("--");
    command
}

/// Whom PostgreSQL has to run as, and the group: it refuses to be root.
pub(super) fn postgres_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    ["postgres:", "nobody:"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.starts_with(name))?;
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().unwrap());
        Some((numbers.next()?, numbers.next()?))
    })
}

/// A port that nobody listens on, below those that the kernel gives to whoever asks for any.
pub fn free_port() -> u16 {
    (0..100)
        .map(|_| 10_000 + u16::try_from(Clock::System.new_id().as_u128() % 20_000).unwrap())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("one of many ports is free")
}
