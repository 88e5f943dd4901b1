//! The real binary, started in a folder of its own and ended as a test wants it.

use std::path::Path;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A running `the-eye`.
pub struct Process {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    seen: Vec<String>,
    /// Where it listens, such as `http://127.0.0.1:4711`; empty for a worker.
    pub base: String,
}

/// The binary with those arguments, in that folder, with nothing but `variables` in its environment.
pub fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    command
}

/// The binary itself.
pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_the-eye")
}

/// Runs it to its end.
pub async fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments, &[]).output().await.unwrap()
}

impl Process {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[]).await
    }

    /// The same with variables.
    pub async fn start_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::listening(command(folder, arguments, variables)).await
    }

    /// The same with a command of the test's.
    pub async fn listening(command: Command) -> Self {
        let mut process = Self::spawn(command);
        let line = process.line_with(&["listening on ", "storing what"]).await;
        if let Some((_, rest)) = line.split_once("listening on ") {
            let end = rest.find("/events").unwrap();
            process.base = rest[..end].to_owned();
        }
        process
    }

    /// Starts it and waits for nothing.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, stderr, seen: Vec::new(), base: String::new() }
    }

    /// Reads its log until a line has one of those texts.
    pub async fn line_with(&mut self, texts: &[&str]) -> String {
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            self.seen.push(line.clone());
            if texts.iter().any(|text| line.contains(text)) {
                return line;
            }
        }
        panic!("it ended without {texts:?}: {:?}", self.seen);
    }

    /// Waits until its log has a line with that text, which may have been read already.
    pub async fn has_said(&mut self, text: &str) {
        if !self.seen.iter().any(|line| line.contains(text)) {
            self.line_with(&[text]).await;
        }
    }

    /// SIGKILL, and the end of the process.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM.
    pub async fn terminate(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    }

    /// Waits for its end and says its exit code.
    pub async fn exit_code(mut self) -> Option<i32> {
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            self.seen.push(line);
        }
        let status = self.child.wait().await.unwrap();
        assert!(status.code().is_some(), "it ended by a signal ({status}): {:?}", self.seen);
        status.code()
    }
}
