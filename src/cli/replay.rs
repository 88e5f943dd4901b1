//! `the-eye replay`: judges again what was rejected. It asks a server that runs, in parts: only that may write to an
//! embedded queue, and what it takes in is counted there.

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Failure;
use super::client::{Client, ServerArguments, not_ours, plain};
use crate::config::Config;

/// Rows that are judged by one request.
const PART: u32 = 100;

/// What `replay` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,

    #[command(flatten)]
    server: ServerArguments,

    /// Only this one
    #[arg(long, conflicts_with_all = ["reason", "start_time", "end_time"])]
    id: Option<String>,

    /// Only those of this reason, such as unknown_event_type
    #[arg(long)]
    reason: Option<String>,

    /// Only those received then or later
    #[arg(long)]
    start_time: Option<String>,

    /// Only those received then or earlier
    #[arg(long)]
    end_time: Option<String>,
}

/// The server's answer.
#[derive(Deserialize)]
struct Replayed {
    matched: u64,
    accepted: u64,
    rejected: u64,
    next_cursor: Option<String>,
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    errors: Value,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let asking = tokio::task::spawn_blocking(move || replay(arguments));
    asking.await.unwrap_or_else(|stopped| Err(Failure::Other(stopped.to_string())))
}

#[expect(clippy::print_stdout, reason = "what the command has to say")]
fn replay(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, server, id, reason, start_time, end_time } = arguments;
    let client = Client::new(server, &config);
    let given = [("id", id), ("reason", reason), ("start_time", start_time), ("end_time", end_time)];
    let mut fields: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    if !fields.contains_key("id") {
        fields.insert("limit".to_owned(), PART.into());
    }
    let style = "{wide_bar} {pos} of {len}, {eta} left";
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(style).expect("its fields are known"));
    let (mut accepted, mut rejected) = (0, 0);
    loop {
        let body = Value::Object(fields.clone()).to_string();
        let replayed = ask(&client, &body).inspect_err(|_| {
            bar.finish_and_clear();
            println!("{accepted} taken in, {rejected} still not valid, until it failed");
        })?;
        if bar.length() == Some(0) {
            bar.set_length(replayed.matched);
        }
        accepted += replayed.accepted;
        rejected += replayed.rejected;
        bar.set_position(accepted + rejected);
        for Row { id, errors } in replayed.results {
            bar.suspend(|| println!("{}: {}", plain(&id), plain(&errors.to_string())));
        }
        match replayed.next_cursor {
            Some(cursor) => drop(fields.insert("cursor".to_owned(), cursor.into())),
            None => break,
        }
    }
    bar.finish_and_clear();
    println!("{accepted} taken in, {rejected} still not valid");
    Ok(())
}

/// Asks for one part.
fn ask(client: &Client, body: &str) -> Result<Replayed, Failure> {
    serde_json::from_str(&client.post("/rejected/replay", body)?).map_err(|_| not_ours())
}
