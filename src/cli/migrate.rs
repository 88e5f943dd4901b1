//! `the-eye migrate`: brings the databases up to date.

use clap::Args;

use super::Failure;
use crate::config::Config;
use crate::eye::Eye;

/// What `migrate` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,
}

#[expect(clippy::print_stdout, reason = "what the command has to say")]
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let config = arguments.config;
    let applied = Eye::builder().config(config.clone()).migrate().await?;
    for (path, count) in [(config.queue_path(), applied.queue), (config.store_path(), applied.store)] {
        match count {
            0 => println!("{}: up to date", path.display()),
            count => println!("{}: {count} applied", path.display()),
        }
    }
    Ok(())
}
