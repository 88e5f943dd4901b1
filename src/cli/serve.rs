//! `the-eye serve`: the API, and a worker in the same process.

use clap::Args;
use tokio::net::TcpListener;

use super::{Failure, signals, start_logging};
use crate::access::Access;
use crate::config::Config;
use crate::eye::Eye;
use crate::queue::Role;
use crate::server::{self, Limits, RunWorker, ServeOptions};
use crate::sqlite::Migrations;

/// What `serve` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,

    /// Only take events in; `the-eye worker` stores them
    #[arg(long)]
    no_worker: bool,

    /// Expect the databases to be up to date
    #[arg(long)]
    no_migrate: bool,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, no_worker, no_migrate } = arguments;
    let (role, worker) = match no_worker {
        true => (Role::Api, RunWorker::No),
        false => (Role::Both, RunWorker::Yes),
    };
    // First of all the port: who starts a second one by mistake should not touch the data.
    let listener = TcpListener::bind(&config.listen).await.map_err(|error| cannot_listen(&config.listen, &error))?;
    let migrations = if no_migrate { Migrations::Expect } else { Migrations::Apply };
    let address = listener.local_addr().map_err(|error| cannot_listen(&config.listen, &error))?;
    if config.open && config.require_keys {
        return Err(Failure::Setting("--open and --require-keys say the opposite of each other".to_owned()));
    }
    let access = match address.ip().is_loopback() {
        _ if config.open => Access::Open,
        true if !config.require_keys => Access::Loopback,
        _ => Access::Keys,
    };
    let builder = Eye::builder(access).config(config.clone()).role(role).migrations(migrations);
    let _logs = start_logging(&config, "server")?;
    server::raise_limit();
    let shutdown = signals::shutdown();
    let eye = builder.build().await?;
    if eye.can_be_used() == Some(false) {
        return Err(Failure::Setting(format!(
            "{address} is not for this machine alone, and there is no key yet: make one with `the-eye apps create NAME`, or \
             let everybody do everything with --open"
        )));
    }
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data = %config.data_dir.display(),
        "listening on http://{address}/events"
    );
    let limits = Limits {
        connections: config.max_connections.try_into().unwrap_or(usize::MAX),
        connections_per_address: config.max_connections_per_address.try_into().unwrap_or(usize::MAX),
        ..Limits::default()
    };
    let options = ServeOptions { worker, drain_timeout: config.drain_timeout, limits };
    server::run(listener, eye, options, shutdown).await;
    tracing::info!("stopped");
    Ok(())
}

fn cannot_listen(address: &str, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => Failure::Other(format!(
            "cannot listen on {address}: another program is; stop it, or choose another port with --listen"
        )),
        std::io::ErrorKind::InvalidInput => {
            Failure::Setting(format!("cannot listen on `{address}`: it must look like 127.0.0.1:8000"))
        }
        _ => Failure::Other(format!("cannot listen on {address}: {error}")),
    }
}
