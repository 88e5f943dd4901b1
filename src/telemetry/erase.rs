//! Makes lines of log files unreadable, while whoever writes them goes on.
//!
//! Lines are overwritten where they stand, so that no file changes its length or its place: a process that appends
//! to it need not know.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What stands where a line was.
const BLANK: u8 = b'#';

/// The folder of this process's logs, and of those of others beside it.
#[derive(Debug, Clone)]
pub(crate) struct LogFolder(PathBuf);

impl LogFolder {
    /// Those of a data directory.
    pub(crate) fn of(data_dir: &Path) -> Self {
        Self(data_dir.join(super::FOLDER))
    }

    /// Overwrites all lines of which that is true, and says how many.
    pub(crate) fn erase(&self, is_doomed: impl Fn(&[u8]) -> bool) -> io::Result<u64> {
        let mut lines = 0;
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            // A host keeps its own.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            if is_log(&path) {
                lines += erase_in(&OpenOptions::new().read(true).write(true).open(path)?, &is_doomed)?;
            }
        }
        Ok(lines)
    }
}

/// `NAME.log`, and `NAME.log.1` and so on, which were full.
fn is_log(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digits = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    match name.rsplit_once(".log") {
        Some((_, "")) => true,
        Some((_, rest)) => rest.strip_prefix('.').is_some_and(digits),
        None => false,
    }
}

fn erase_in(mut file: &File, is_doomed: impl Fn(&[u8]) -> bool) -> io::Result<u64> {
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    let (mut lines, mut at) = (0, 0);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        let end = at + line.len();
        let length = line.len() - usize::from(line.ends_with(b"\n"));
        if is_doomed(line) {
            file.write_all_at(&vec![BLANK; length], at as u64)?;
            lines += 1;
        }
        at = end;
    }
    if lines > 0 {
        file.sync_data()?;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_blank_afterwards_and_who_appends_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut appending = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        appending.write_all("first\nhas \"secret\" in it: é\nlast\n".as_bytes()).unwrap();
        fs::write(folder.path().join("server.log.2"), "\"secret\" ").unwrap();
        fs::write(folder.path().join("events.db"), "\"secret\"").unwrap();
        let erased = LogFolder(folder.path().to_owned())
            .erase(|line| memchr::memmem::find(line, b"\"secret\" ").is_some())
            .unwrap();
        assert_eq!(erased, 2);
        appending.write_all(b"more\n").unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!("first\n{}\nlast\nmore\n", "#".repeat("has \"secret\" in it: é".len()))
        );
        assert_eq!(fs::read_to_string(folder.path().join("server.log.2")).unwrap(), "#########");
        assert_eq!(fs::read_to_string(folder.path().join("events.db")).unwrap(), "\"secret\"", "it is no log");
    }

    #[test]
    fn logs_are_told_by_their_names() {
        for (name, expected) in
            [("server.log", true), ("worker.log.5", true), ("a.log.txt", false), ("log", false), ("a.logs", false)]
        {
            assert_eq!(is_log(Path::new(name)), expected, "{name}");
        }
    }
}
