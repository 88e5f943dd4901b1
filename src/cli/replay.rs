//! `the-eye replay`: judges again what was rejected. It asks a server that runs, in parts: only that may write to an
//! embedded queue, and what it takes in is counted there.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Failure;
use crate::config::Config;

/// Rows that are judged by one request, and how long that may take.
const PART: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a part is tried, and how long between: the server says a second.
const TRIES: usize = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// What `replay` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: Config,

    /// Where the server is [default: http:// and the address of --listen]
    #[arg(long)]
    url: Option<String>,

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
    let Arguments { config, url, id, reason, start_time, end_time } = arguments;
    let root = url.unwrap_or_else(|| format!("http://{}", config.listen));
    let url = format!("{}/rejected/replay", root.trim_end_matches('/'));
    let given = [("id", id), ("reason", reason), ("start_time", start_time), ("end_time", end_time)];
    let mut fields: Map<String, Value> =
        given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect();
    if !fields.contains_key("id") {
        fields.insert("limit".to_owned(), PART.into());
    }
    let agent = agent();
    let style = "{wide_bar} {pos} of {len}, {eta} left";
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(style).expect("its fields are known"));
    let (mut accepted, mut rejected) = (0, 0);
    loop {
        let body = Value::Object(fields.clone()).to_string();
        let replayed = ask(&agent, &url, &body).inspect_err(|_| {
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

/// Asks for one part; again, where the server has no room for it just now.
fn ask(agent: &Agent, url: &str, body: &str) -> Result<Replayed, Failure> {
    for _ in 0..TRIES {
        match ask_once(agent, url, body)? {
            Some(replayed) => return Ok(replayed),
            None => std::thread::sleep(PAUSE),
        }
    }
    Err(Failure::Other(format!("cannot replay at {url}: the server has no room, or its database is away")))
}

/// Nothing if it is to be tried again.
fn ask_once(agent: &Agent, url: &str, body: &str) -> Result<Option<Replayed>, Failure> {
    let failed = |problem: String| Failure::Other(format!("cannot replay at {url}: {problem}"));
    let request = agent.post(url).header("Content-Type", "application/json").header("Accept", "application/json");
    let mut answer = request.send(body).map_err(|error| failed(error.to_string()))?;
    let text = answer.body_mut().read_to_string().map_err(|error| failed(error.to_string()))?;
    if answer.status() == 503 {
        return Ok(None);
    }
    if !answer.status().is_success() {
        return Err(failed(format!("the server answered {}: {}", answer.status().as_u16(), plain(&text))));
    }
    serde_json::from_str(&text).map(Some).map_err(|_| failed("that is no server of The Eye".to_owned()))
}

/// A text in which nothing controls the terminal.
fn plain(text: &str) -> String {
    let escaped = |character: char| match character {
        ' '..='~' => character.to_string(),
        other => other.escape_unicode().to_string(),
    };
    text.chars().map(escaped).collect()
}

fn agent() -> Agent {
    let certificates = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<_> = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder().tls_config(tls).timeout_global(Some(PATIENCE)).http_status_as_error(false);
    config.build().into()
}
