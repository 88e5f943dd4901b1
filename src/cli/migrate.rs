//! `the-eye migrate`: brings the databases up to date.

use clap::Args;

use super::Failure;
use crate::access::Access;
use crate::config::Config;
use crate::eye::{Eye, Migrated, Upgrade};

/// What `migrate` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what the command has to say")]
pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let waiting = |what: &str| eprintln!("the-eye: {what}");
    let Migrated { queue, store } = Eye::builder(Access::Keys).config(arguments.config).migrate(waiting).await?;
    for Upgrade { place, applied } in [queue, store] {
        match applied {
            0 => println!("{place}: up to date"),
            count => println!("{place}: {count} applied"),
        }
    }
    Ok(())
}
