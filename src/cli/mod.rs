//! The command line: what people type, and what they are told when it cannot be done.
//!
//! One line on stderr says what is wrong. Exit code 2 means that a setting has to be changed,
//! 1 that something else stood in the way.

mod apps;
mod client;
mod erase;
mod migrate;
mod replay;
mod rescue;
mod serve;
mod signals;
mod worker;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{self, Config, LogFormat};
use crate::eye::{self, StartError};
use crate::telemetry;

/// Collects what people do on websites (pages viewed, buttons clicked, forms sent) as JSON events.
///
/// Without a command it serves the API on http://127.0.0.1:8000 and stores events in ./data.
/// Every setting is a flag or an environment variable; a .env file in the working directory is
/// read too.
#[derive(Debug, Parser)]
#[command(name = "the-eye", version, about, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take events in over HTTP, store them and answer queries (the default)
    Serve(serve::Arguments),
    /// Store what another process takes in (`serve --no-worker`)
    Worker(worker::Arguments),
    /// The applications that may send and read, and their keys
    Apps(apps::Arguments),
    /// Remove what is kept of a session, on a server that runs
    Erase(erase::Arguments),
    /// Judge again what was refused or buried, on a server that runs
    Replay(replay::Arguments),
    /// Bring the databases up to date, and stop
    Migrate(migrate::Arguments),
    /// Save what can be read of a damaged database file, while nothing uses it
    Rescue(rescue::Arguments),
}

/// Why a command ended early.
enum Failure {
    /// A setting has to be changed.
    Setting(String),
    /// Something else stood in the way.
    Other(String),
}

/// Runs the command line to its end.
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Setting(problem)) => fail(&problem, 2),
        Err(Failure::Other(problem)) => fail(&problem, 1),
    }
}

fn run() -> Result<(), Failure> {
    // Before anything else: a flag's default comes from the environment.
    config::read_env_file(Path::new(".")).map_err(Failure::Setting)?;
    let command = config::without_empty_variables(Arguments::command());
    let matches = command.try_get_matches().map_err(|error| without_value(&error))?;
    let arguments = Arguments::from_arg_matches(&matches).map_err(|error| without_value(&error))?;
    let work = async {
        signals::make_limits_errors();
        match arguments.command {
            None => serve::run(arguments.serve).await,
            Some(Command::Serve(arguments)) => serve::run(arguments).await,
            Some(Command::Worker(arguments)) => worker::run(arguments).await,
            Some(Command::Apps(arguments)) => apps::run(arguments).await,
            Some(Command::Erase(arguments)) => erase::run(arguments).await,
            Some(Command::Replay(arguments)) => replay::run(arguments).await,
            Some(Command::Migrate(arguments)) => migrate::run(arguments).await,
            Some(Command::Rescue(arguments)) => rescue::run(&arguments),
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("cannot start: {error}")))?;
    let result = runtime.block_on(work);
    // The time for a clean end is over: a query or an insert that still runs is not waited for.
    runtime.shutdown_background();
    result
}

#[expect(clippy::print_stderr, reason = "the one line that says why the program ends")]
fn fail(problem: &str, code: u8) -> ExitCode {
    eprintln!("the-eye: {problem}");
    ExitCode::from(code)
}

/// What is wrong with the value of a setting, without that value: it may hold a password. Anything else
/// that the option parser has to say, it says itself.
fn without_value(error: &clap::Error) -> Failure {
    match (error.kind(), error.get(ContextKind::InvalidArg), error.source()) {
        (ErrorKind::ValueValidation, Some(argument), Some(problem)) => {
            Failure::Setting(format!("the value of {argument} cannot be used: {problem}"))
        }
        _ => error.exit(),
    }
}

/// Starts logging as the settings say, to a file of that name among others. This comes before queue and
/// store are opened, since those may have to wait and say so.
fn start_logging(config: &Config, file: &str) -> Result<telemetry::Guard, Failure> {
    eye::make_data_dir(config)?;
    let format = match config.log_format {
        LogFormat::Text => telemetry::Format::Text,
        LogFormat::Json => telemetry::Format::Json,
    };
    telemetry::start(&config.log, format, &config.data_dir, file).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::Setting(format!("EYE_LOG is no log filter: {error}")),
        _ => Failure::Other(error.to_string()),
    })
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Setting(_) | StartError::Catalog(_) => Self::Setting(error.to_string()),
            StartError::DataDir { .. } | StartError::Database(_) | StartError::Postgres(_) | StartError::Redis(_) => {
                Self::Other(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Arguments::command().debug_assert();
    }
}
