//! What the run took place on, without names or paths, and what the system counts about a process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::bare;

/// What figures depend on.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) disk: String,
    pub(crate) sqlite: String,
    /// None where the run has no servers beside it.
    pub(crate) postgres: Option<String>,
    pub(crate) redis: Option<String>,
    pub(crate) commit: String,
    pub(crate) day: String,
}

pub(crate) fn describe(folder: &Path) -> Machine {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    Machine {
        cores: std::thread::available_parallelism().unwrap().get(),
        // The rest of it may name whose build it is.
        kernel: format!("Linux {}", kernel.split(['.', '-']).take(2).collect::<Vec<_>>().join(".")),
        disk: filesystem(folder),
        sqlite: rusqlite::version().to_owned(),
        postgres: bare::copy::Psql::found().map(|psql| first_word(&psql.ask("SHOW server_version"))),
        redis: redis_version(),
        commit: said_by("git", &["rev-parse", "--short", "HEAD"]),
        day: the_eye::clock::Clock::System.now().to_string()[..10].to_owned(),
    }
}

/// Processor time that the calling thread has taken.
pub(crate) fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A line of `/proc/PID/status` that is in kB, in bytes.
pub(crate) fn memory(process: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':')).unwrap();
    value.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Debian says behind the version which package it is.
fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap().to_owned()
}

/// The kind of filesystem that a folder is on.
fn filesystem(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let around = fields.filter(|fields| folder.starts_with(fields[1]));
    around.max_by_key(|fields| fields[1].len()).unwrap()[2].to_owned()
}

fn redis_version() -> Option<String> {
    let url = std::env::var("EYE_TEST_REDIS_URL").ok()?;
    let info = crate::client::ask_redis(url.strip_prefix("redis://")?, "INFO server");
    Some(info.lines().find_map(|line| line.strip_prefix("redis_version:"))?.trim().to_owned())
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
