//! Logs: to the terminal for people (or as JSON), and as JSON lines to a file that is rotated and
//! bounded. Neither may hold up the program: what cannot be written at once is buffered, and what
//! does not fit the buffer is lost.

mod erase;
mod rotate;

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::private;
pub(crate) use erase::LogFolder;
use rotate::RotatingFile;

/// The folder of the logs, in the data directory.
const FOLDER: &str = "logs";

/// Lines that wait to be written. A refused event makes the longest, of about 10 KiB.
const BUFFERED_LINES: usize = 4096;

/// How the terminal's log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Keeps the writers alive. What is buffered is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    _writers: [WorkerGuard; 2],
    _name: File,
}

/// Starts logging, to the terminal and to a file in the folder `logs` of the data directory. That is
/// `NAME.log`, or `NAME-2.log` and so on where other processes write in the same folder.
pub(crate) fn start(filter: &str, format: Format, data_dir: &Path, name: &str) -> io::Result<Guard> {
    let filter = EnvFilter::try_new(filter).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let folder = data_dir.join(FOLDER);
    let (name, lock) = free_name(&folder, name)?;
    let file = RotatingFile::open(&folder, &name)?;
    let (file, file_guard) = buffered(file, "log-file");
    let (terminal, terminal_guard) = buffered(io::stderr(), "log-terminal");
    let terminal = match format {
        Format::Text => {
            let colours = io::IsTerminal::is_terminal(&io::stderr());
            fmt::layer().with_writer(terminal).with_ansi(colours).with_target(false).boxed()
        }
        Format::Json => fmt::layer().json().flatten_event(true).with_writer(terminal).boxed(),
    };
    let file = fmt::layer().json().flatten_event(true).with_writer(file);
    tracing_subscriber::registry().with(filter).with(terminal).with(file).init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or_default().escape_debug().to_string();
        tracing::error!(place, message, "a panic: this is a bug in The Eye");
    }));
    Ok(Guard { _writers: [file_guard, terminal_guard], _name: lock })
}

/// The first name that no other process has: a file that two of them rotate would be rotated away from
/// under one of them.
fn free_name(folder: &Path, name: &str) -> io::Result<(String, File)> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot write to `{}`: {error}", folder.display()));
    private::folder(folder).map_err(named)?;
    for number in 1.. {
        let name = if number == 1 { name.to_owned() } else { format!("{name}-{number}") };
        let lock = folder.join(format!("{name}.lock"));
        let lock = private::file().write(true).create(true).truncate(true).open(lock).map_err(named)?;
        match lock.try_lock() {
            Ok(()) => return Ok((format!("{name}.log"), lock)),
            Err(TryLockError::WouldBlock) => (),
            Err(TryLockError::Error(error)) => return Err(named(error)),
        }
    }
    unreachable!("there are more numbers than processes")
}

fn buffered(writer: impl io::Write + Send + 'static, name: &str) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(BUFFERED_LINES).thread_name(name).finish(writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_in_one_folder_have_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let first = free_name(folder.path(), "server").unwrap();
        let second = free_name(folder.path(), "server").unwrap();
        let other = free_name(folder.path(), "worker").unwrap();
        assert_eq!([&first.0, &second.0, &other.0], ["server.log", "server-2.log", "worker.log"]);
        drop(first);
        assert_eq!(free_name(folder.path(), "server").unwrap().0, "server.log");
    }
}
