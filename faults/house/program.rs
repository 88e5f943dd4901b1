//! One process of ours: started, killed, asked to end, started again on the same port.

use std::fs::File;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use the_eye::clock::Stopwatch;
use tokio::process::{Child, Command};

/// How it is started.
#[derive(Debug, Clone, Default)]
pub struct Launch {
    /// Where it runs, and writes.
    pub folder: PathBuf,
    /// A program that runs it, with its arguments.
    pub under: Vec<String>,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    log: PathBuf,
}

/// A process that runs, or may be started again.
pub struct Program {
    pub launch: Launch,
    /// Where it listens; empty for a worker.
    pub base: String,
    child: Option<Child>,
}

impl Launch {
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The same with arguments and a log.
    pub(super) fn with(&self, arguments: &[&str], log: PathBuf) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { arguments, log, ..self.clone() }
    }
}

impl Program {
    /// Starts it, on that port where it is a server, and waits until it is ready.
    pub(super) async fn start(mut launch: Launch, port: Option<u16>) -> Self {
        let mut base = String::new();
        if let Some(port) = port {
            base = format!("http://127.0.0.1:{port}");
            launch.arguments.extend(["--listen".to_owned(), format!("127.0.0.1:{port}")]);
        }
        let mut program = Self { launch, base, child: None };
        program.restart().await;
        program
    }

    /// Starts it again, and says how long it took until it was ready.
    pub async fn restart(&mut self) -> Duration {
        let watch = Stopwatch::start();
        self.spawn();
        let mut looks = tokio::time::interval(Duration::from_millis(2));
        while !self.is_ready().await {
            looks.tick().await;
            if let Some(status) = self.child.as_mut().expect("it was started").try_wait().unwrap() {
                panic!("it ended ({status}): {}", self.log());
            }
            assert!(watch.elapsed() < Duration::from_secs(60), "it is not ready: {}", self.log());
        }
        watch.elapsed()
    }

    /// Starts it and waits for nothing.
    pub fn spawn(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let Launch { folder, under, arguments, variables, log } = &self.launch;
        let log = File::options().create(true).append(true).open(log).unwrap();
        let binary = env!("CARGO_BIN_EXE_the-eye");
        let mut command = match under.split_first() {
            Some((program, rest)) => {
                let mut command = Command::new(program);
                command.args(rest).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(arguments).current_dir(folder).env_clear();
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().unwrap());
    }

    /// SIGKILL, and its end.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// SIGTERM, and its end.
    pub async fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let id = child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        child.wait().await.unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("it runs")
    }

    /// The most memory it has taken, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM")
    }

    /// A line of what the system says of its memory, in bytes.
    pub fn memory(&self, line: &str) -> u64 {
        let Some(id) = self.child.as_ref().and_then(Child::id) else { return 0 };
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
        value.map_or(0, |value| value.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
    }

    /// One of its figures, if it says that now.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = reqwest::get(format!("{}/metrics", self.base)).await.ok()?.text().await.ok()?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.parse().ok()
    }

    /// All that it said.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.launch.log).unwrap()).into_owned()
    }

    async fn is_ready(&self) -> bool {
        match self.base.as_str() {
            // Nobody can ask a worker: it has nothing to say before it works.
            "" => true,
            base => reqwest::get(format!("{base}/healthz")).await.is_ok_and(|answer| answer.status() == 200),
        }
    }
}
