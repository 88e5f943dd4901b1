//! System calls that fail, or lie: what `strace` can do to a program.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use the_eye::clock::Stopwatch;
use tokio::process::{Child, Command};

/// What tampers with the flushes of programs that run, until they end.
pub(super) struct Strace {
    log: PathBuf,
    _child: Child,
}

impl Strace {
    /// What runs a program whose flushes of these files do nothing, and say that all is well. It is a child of
    /// that program, so that signals reach the program itself.
    pub(super) fn lies_about(files: &[PathBuf]) -> Vec<String> {
        let mut words = vec!["strace".to_owned(), "-D".to_owned()];
        words.extend(arguments(files, "retval=0", Path::new("/dev/null")));
        words
    }

    /// Lets some flushes of processes fail from now on, of these files or of any: `when` says which.
    pub(super) async fn fails(processes: &[String], files: &[PathBuf], when: &str, log: PathBuf) -> Self {
        let _ = std::fs::remove_file(&log);
        let mut command = Command::new("strace");
        command.args(arguments(files, &format!("error=EIO:when={when}"), &log));
        command.args(processes.iter().flat_map(|process| ["-p", process]));
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let status = format!("/proc/{}/status", processes[0]);
        let is_traced = || !std::fs::read_to_string(&status).unwrap_or_default().contains("TracerPid:\t0\n");
        let (watch, mut looks) = (Stopwatch::start(), tokio::time::interval(Duration::from_millis(2)));
        while !is_traced() {
            looks.tick().await;
            assert!(watch.elapsed() < Duration::from_secs(30), "strace may not trace here");
        }
        Self { log, _child: child }
    }

    /// How many flushes failed so far.
    pub(super) fn failed(&self) -> usize {
        self.lines().filter(|line| line.contains("(INJECTED)")).count()
    }

    /// Flushes of a file by a thread whose flush of it had failed, and which had not opened it anew.
    pub(super) fn tried_again(&self) -> Vec<String> {
        let mut failed: HashSet<(String, String)> = HashSet::new();
        let mut again = Vec::new();
        for line in self.lines() {
            // THREAD CALL(FD<PATH>) = …, or THREAD openat(…, "PATH", …) = FD<PATH>
            let thread = line.split_whitespace().next();
            let path = line.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path);
            let (Some(thread), Some(path)) = (thread, path) else { continue };
            let key = (thread.to_owned(), path.to_owned());
            if line.contains("openat(") {
                failed.remove(&key);
            } else if line.contains("sync(") && failed.contains(&key) {
                again.push(line);
            } else if line.contains("(INJECTED)") {
                failed.insert(key);
            }
        }
        again
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        std::fs::read_to_string(&self.log)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn arguments(files: &[PathBuf], what: &str, log: &Path) -> Vec<String> {
    let mut words: Vec<String> =
        ["-f", "-qq", "-y", "-e", "trace=openat,fsync,fdatasync", "-e", "signal=none"].map(str::to_owned).into();
    words.extend(["-e".to_owned(), format!("inject=fsync,fdatasync:{what}")]);
    for file in files {
        words.extend(["-P".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    words.extend(["-o".to_owned(), log.to_str().unwrap().to_owned()]);
    words
}
