//! System calls that fail, or lie: what `strace` can do to a program.

use std::path::{Path, PathBuf};

/// A program whose flushes are tampered with.
pub(super) struct Strace {
    /// Runs a program.
    pub(super) words: Vec<String>,
    log: PathBuf,
}

impl Strace {
    /// Flushes of these files do nothing, and say that all is well.
    pub(super) fn lies_about(files: &[&Path]) -> Vec<String> {
        words(files, "retval=0", Path::new("/dev/null"))
    }

    /// Some flushes of these files fail: `when` says which of them.
    pub(super) fn fails(files: &[&Path], when: &str, log: PathBuf) -> Self {
        Self { words: words(files, &format!("error=EIO:when={when}"), &log), log }
    }

    /// How many flushes failed so far.
    pub(super) fn failed(&self) -> usize {
        self.lines().filter(|line| line.contains("(INJECTED)")).count()
    }

    /// Flushes of a file that had failed, before anybody opened it anew.
    pub(super) fn tried_again(&self) -> Vec<String> {
        let mut failed: Vec<String> = Vec::new();
        let mut again = Vec::new();
        for line in self.lines() {
            // PID CALL(FD<PATH>) = …, or PID openat(…, "PATH", …) = FD<PATH>
            let Some(path) = line.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path)
            else {
                continue;
            };
            if line.contains("openat(") {
                failed.retain(|known| known != path);
            } else if line.contains("(INJECTED)") {
                failed.push(path.to_owned());
            } else if line.contains("sync(") && failed.iter().any(|known| known == path) {
                again.push(line);
            }
        }
        again
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        std::fs::read_to_string(&self.log).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
    }
}

/// Its tracer is a child of the program, so that signals reach the program itself.
fn words(files: &[&Path], what: &str, log: &Path) -> Vec<String> {
    let mut words: Vec<String> =
        ["strace", "-D", "-f", "-qq", "-y", "-e", "trace=openat,fsync,fdatasync", "-e", "signal=none"].map(str::to_owned).into();
    words.extend(["-e".to_owned(), format!("inject=fsync,fdatasync:{what}")]);
    for file in files {
        words.extend(["-P".to_owned(), file.to_str().unwrap().to_owned()]);
    }
    words.extend(["-o".to_owned(), log.to_str().unwrap().to_owned()]);
    words
}
