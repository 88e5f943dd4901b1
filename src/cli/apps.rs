//! `the-eye apps`: the applications that may send and read, and their keys. It works on the database itself, while
//! a server runs or not; servers learn of a change within seconds.

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Failure;
use crate::access::{KeptKey, Key, NewApplication, Origin, Rate, Registration, Scope};
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Timestamp, TimestampFormat};
use crate::eye;
use crate::store::{Change, Store};

/// What `apps` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Register an application, and print its key
    Create {
        /// What it is called; its events are found by that
        name: String,
        /// A site whose pages may send with its key, such as https://shop.example; may be given more than once
        #[arg(long, value_name = "ORIGIN")]
        origin: Vec<Origin>,
        /// What its key is for: write (sending events), read, or admin (reading, replaying and erasing)
        #[arg(long, default_value = "write", value_parser = scope)]
        scope: Scope,
        /// Events that it may send in the long run, such as 100/s; ten times as many at once
        #[arg(long, value_name = "N/s")]
        rate: Option<Rate>,
        /// The one application whose events a read key sees
        #[arg(long, value_name = "NAME")]
        sees: Option<String>,
    },
    /// Show all applications and the beginnings of their keys
    List,
    /// Give an application other origins or another rate
    Change {
        /// Which one
        name: String,
        /// The sites whose pages may send with its key, all of them; `none` for none
        #[arg(long, value_name = "ORIGIN")]
        origin: Vec<String>,
        /// Events that it may send in the long run, such as 100/s; `none` for any number
        #[arg(long, value_name = "N/s")]
        rate: Option<String>,
    },
    /// Give an application another key, print it, and end those it has
    Rotate {
        /// Which one
        name: String,
        /// How much longer the keys are good that it has
        #[arg(long, default_value = "0s", value_parser = crate::config::duration, value_name = "TIME")]
        overlap: Duration,
    },
    /// End all keys of an application; its events stay
    Revoke {
        /// Which one
        name: String,
    },
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { command, config } = arguments;
    // Only what makes an application makes a database where there is none: what one asks for is not in a new one.
    let missing = match command {
        Command::Create { .. } => eye::Missing::Make,
        _ => eye::Missing::Refuse,
    };
    let store = eye::open_store(&config, missing).await?;
    let now = Clock::System.now();
    match command {
        Command::Create { name, origin, scope, rate, sees } => {
            let origins = origin;
            create(&store, NewApplication { name, scope, origins, rate, sees, created_at: now }).await
        }
        Command::List => list(&store, now).await,
        Command::Change { name, origin, rate } => change(&store, name, origin, rate).await,
        Command::Rotate { name, overlap } => rotate(&store, name, now, overlap).await,
        Command::Revoke { name } => match store.end_keys(name.clone(), now).await.map_err(away)? {
            Some(_) => say(&format!("`{name}` has no key any more. Servers refuse those it had within 5 seconds.")),
            None => Err(unknown(&name)),
        },
    }
}

async fn create(store: &Arc<dyn Store>, application: NewApplication) -> Result<(), Failure> {
    let NewApplication { name, scope, origins, rate, sees, created_at } = &application;
    NewApplication::check_name(name).map_err(Failure::Setting)?;
    if *scope != Scope::Write && (!origins.is_empty() || rate.is_some()) {
        return Err(Failure::Setting("--origin and --rate are for write keys: other keys send nothing".to_owned()));
    }
    if *scope != Scope::Read && sees.is_some() {
        return Err(Failure::Setting("--sees is for read keys".to_owned()));
    }
    if let Some(sees) = sees {
        registered(store, sees).await?;
    }
    let name = name.clone();
    let (key, kept) = new_key(*scope, *created_at)?;
    match store.create_application(application, kept).await.map_err(away)? {
        Some(_) => say(key.reveal()),
        None => Err(Failure::Setting(format!(
            "there is an application `{name}`: `the-eye apps rotate` gives it another key"
        ))),
    }
}

async fn rotate(store: &Arc<dyn Store>, name: String, now: Timestamp, overlap: Duration) -> Result<(), Failure> {
    let scope = registered(store, &name).await?.settings.map(|settings| settings.scope);
    let Some(scope) = scope else { return Err(unknown(&name)) };
    let overlap = i64::try_from(overlap.as_micros()).unwrap_or(i64::MAX);
    let end = Timestamp::from_micros(now.as_micros().saturating_add(overlap)).unwrap_or(Timestamp::MAX);
    let (key, kept) = new_key(scope, now)?;
    match store.rotate_key(name.clone(), kept, end).await.map_err(away)? {
        true => say(key.reveal()),
        false => Err(unknown(&name)),
    }
}

async fn change(
    store: &Arc<dyn Store>,
    name: String,
    origins: Vec<String>,
    rate: Option<String>,
) -> Result<(), Failure> {
    let origins = match origins.as_slice() {
        [] => None,
        [none] if none == "none" => Some(Vec::new()),
        _ => Some(origins.iter().map(|origin| origin.parse()).collect::<Result<_, _>>().map_err(Failure::Setting)?),
    };
    let rate = match rate.as_deref() {
        None => None,
        Some("none") => Some(None),
        Some(rate) => Some(Some(rate.parse().map_err(Failure::Setting)?)),
    };
    if registered(store, &name).await?.settings.is_some_and(|settings| settings.scope != Scope::Write) {
        return Err(Failure::Setting("origins and rates are for write keys: other keys send nothing".to_owned()));
    }
    match store.change_application(name.clone(), Change { origins, rate }).await.map_err(away)? {
        true => say(&format!("`{name}` is changed. Servers know it within 5 seconds.")),
        false => Err(unknown(&name)),
    }
}

async fn list(store: &Arc<dyn Store>, now: Timestamp) -> Result<(), Failure> {
    let applications = store.registered().await.map_err(away)?.applications;
    let mut lines = vec!["NAME\tSCOPE\tKEYS\tORIGINS\tRATE\tSEES\tCREATED".to_owned()];
    lines.extend(applications.iter().map(|application| line(application, now)));
    say(&aligned(&lines))
}

fn line(registration: &Registration, now: Timestamp) -> String {
    let name = &registration.application.name;
    let Some(settings) = &registration.settings else { return format!("{name}\t-\t-\t-\t-\t-\t-") };
    let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
    let keys = registration.keys.iter().filter(|key| key.is_good(now)).map(|key| match key.ends_at {
        Some(end) => format!("{}… (until {})", key.prefix, end.format(TimestampFormat::Rfc3339)),
        None => format!("{}…", key.prefix),
    });
    let keys = or(keys.collect::<Vec<_>>().join(" "), "revoked");
    let origins = or(settings.origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), "-");
    let rate = settings.rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    let sees = match (settings.scope, &settings.sees) {
        (Scope::Write, _) => "-",
        (_, None) => "all",
        (_, Some(name)) => name,
    };
    let created = settings.created_at.format(TimestampFormat::Rfc3339);
    format!("{name}\t{}\t{keys}\t{origins}\t{rate}\t{sees}\t{created}", settings.scope.as_str())
}

/// Lines whose columns begin below each other.
fn aligned(lines: &[String]) -> String {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let row = |row: &Vec<&str>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(row).collect::<Vec<_>>().join("\n")
}

async fn registered(store: &Arc<dyn Store>, name: &str) -> Result<Registration, Failure> {
    let mut applications = store.registered().await.map_err(away)?.applications.into_iter();
    applications.find(|registration| registration.application.name == name).ok_or_else(|| unknown(name))
}

fn new_key(scope: Scope, now: Timestamp) -> Result<(Key, KeptKey), Failure> {
    let key = Key::generate(scope).map_err(|error| Failure::Other(format!("no random bytes: {error}")))?;
    let kept = KeptKey { hash: key.hash(), prefix: key.prefix().to_owned(), created_at: now, ends_at: None };
    Ok((key, kept))
}

fn scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "it must be write, read or admin".to_owned())
}

fn unknown(name: &str) -> Failure {
    Failure::Setting(format!("there is no application `{}`: see `the-eye apps list`", name.escape_debug()))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn away(error: crate::store::StoreError) -> Failure {
    Failure::Other(error.to_string())
}

#[expect(clippy::print_stdout, clippy::unnecessary_wraps, reason = "what the command is asked for, and its last step")]
fn say(text: &str) -> Result<(), Failure> {
    println!("{text}");
    Ok(())
}
