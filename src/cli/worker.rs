//! `the-eye worker`: stores what another process takes in.

use clap::Args;

use super::{Failure, signals, start_logging};
use crate::access::Access;
use crate::config::Config;
use crate::eye::Eye;
use crate::queue::Role;
use crate::server;
use crate::sqlite::Migrations;

/// What `worker` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,

    /// Expect the databases to be up to date
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, no_migrate } = arguments;
    let migrations = if no_migrate { Migrations::Expect } else { Migrations::Apply };
    let _logs = start_logging(&config, "worker")?;
    let shutdown = signals::shutdown();
    let eye =
        Eye::builder(Access::Keys).config(config.clone()).role(Role::Worker).migrations(migrations).build().await?;
    tracing::info!(data = %config.data_dir.display(), "storing what the queue holds");
    server::run_worker(eye, config.drain_timeout, shutdown).await;
    tracing::info!("stopped");
    Ok(())
}
