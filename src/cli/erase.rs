//! `the-eye erase`: removes what is kept of a session, by a server that runs.

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Failure;
use super::client::{Client, ServerArguments, not_ours, plain};
use crate::config::Config;

/// What `erase` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,

    #[command(flatten)]
    server: ServerArguments,

    /// The session, as its application called it
    #[arg(long, value_name = "ID")]
    session: String,

    /// Only what this application sent
    #[arg(long, value_name = "NAME")]
    application: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let erasing = tokio::task::spawn_blocking(move || erase(arguments));
    erasing.await.unwrap_or_else(|stopped| Err(Failure::Other(stopped.to_string())))
}

#[expect(clippy::print_stdout, reason = "the receipt")]
fn erase(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, server, session, application } = arguments;
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let only = application.map(|name| format!("?application={}", encoded(&name))).unwrap_or_default();
    let answer = Client::new(server, &config).delete(&format!("/sessions/{}{only}", encoded(&session)))?;
    let receipt: Value = serde_json::from_str(&answer).map_err(|_| not_ours())?;
    let (Some(events), Some(residues)) = (receipt["events"].as_u64(), receipt["residues"].as_array()) else {
        return Err(not_ours());
    };
    let number = |name: &str| receipt[name].as_u64().unwrap_or_default();
    println!("erased: {events} events, {} rejected, {} lines of logs", number("rejected"), number("log_lines"));
    println!("receipt: {}", plain(receipt["id"].as_str().unwrap_or_default()));
    for residue in residues.iter().filter_map(Value::as_str) {
        println!("may be left: {}", plain(residue));
    }
    Ok(())
}
