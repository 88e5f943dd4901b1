//! A log file that starts anew when it is full, and keeps a few of those before it.
//!
//! `tracing-appender` rotates by time alone, which bounds nothing in a flood, and the crates that
//! rotate by size bring a second calendar; this is all that is needed of them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::private;

/// Bytes of one file, and how many full ones are kept: 96 MiB in all.
const FILE_BYTES: u64 = 16 << 20;
const KEPT: usize = 5;

/// Writes lines to `NAME`, and moves it to `NAME.1` (and that to `NAME.2`, …) when it is full.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    file: File,
    written: u64,
    most: u64,
}

impl RotatingFile {
    pub(super) fn open(directory: &Path, name: &str) -> io::Result<Self> {
        let path = directory.join(name);
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot write the log `{}`: {error}", path.display()))
        };
        private::folder(directory).map_err(named)?;
        let (file, written) = append(&path).map_err(named)?;
        Ok(Self { path, file, written, most: FILE_BYTES })
    }

    fn rotate(&mut self) -> io::Result<()> {
        // It is not there if somebody removed it, or if a rotation before this one got only so far.
        if self.path.exists() {
            for number in (1..KEPT).rev() {
                // That there is none of that number yet is no error.
                let _ = fs::rename(self.numbered(number), self.numbered(number + 1));
            }
            fs::rename(&self.path, self.numbered(1))?;
        }
        (self.file, self.written) = append(&self.path)?;
        Ok(())
    }

    fn numbered(&self, number: usize) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Write for RotatingFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + line.len() as u64 > self.most {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn append(path: &Path) -> io::Result<(File, u64)> {
    let file = private::file().append(true).create(true).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_room_and_the_oldest_goes() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(directory.path(), "a.log").unwrap();
        log.most = 10;
        for number in 0..20 {
            writeln!(log, "line {number:02}").unwrap();
        }
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(read("a.log"), "line 19\n");
        assert_eq!(read("a.log.1"), "line 18\n");
        assert_eq!(read("a.log.5"), "line 14\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), KEPT + 1);
    }

    #[test]
    fn a_file_that_was_removed_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = RotatingFile::open(directory.path(), "a.log").unwrap();
        log.most = 10;
        writeln!(log, "line 00").unwrap();
        fs::remove_file(directory.path().join("a.log")).unwrap();
        writeln!(log, "line 01").unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("a.log")).unwrap(), "line 01\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was moved");
    }

    #[test]
    fn a_restart_goes_on_where_the_file_ends() {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            writeln!(RotatingFile::open(directory.path(), "a.log").unwrap(), "line").unwrap();
        }
        assert_eq!(fs::read_to_string(directory.path().join("a.log")).unwrap(), "line\nline\n");
    }
}
