//! Logs: to the terminal for people (or as JSON), and as JSON lines to a file that is rotated and
//! bounded. Neither may hold up the program: what cannot be written at once is buffered, and what
//! does not fit the buffer is lost.

mod rotate;

use std::io;
use std::path::Path;

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use rotate::RotatingFile;

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
}

/// Starts logging, to the terminal and to the file `logs/NAME` in the data directory. Two processes
/// need two names: a file that both rotate is rotated away from under one of them.
pub(crate) fn start(filter: &str, format: Format, data_dir: &Path, name: &str) -> io::Result<Guard> {
    let filter = EnvFilter::try_new(filter).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let file = RotatingFile::open(&data_dir.join("logs"), name)?;
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
    Ok(Guard { _writers: [file_guard, terminal_guard] })
}

fn buffered(writer: impl io::Write + Send + 'static, name: &str) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(BUFFERED_LINES).thread_name(name).finish(writer)
}
