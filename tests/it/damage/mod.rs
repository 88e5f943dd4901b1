//! Damaged and half-written database files. Each of them is refused at the start by a message that names it and the
//! way out, or noticed at the first touch, or everything that was acknowledged is there unaltered: never is anything
//! missing without a word.
//!
//! Damages are made of seeds, so that one that fails can be made again.

mod harm;
mod http;
mod log;
mod marks;
mod queue;
mod rescue;
mod start;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use the_eye::Migrations;
use the_eye::event::Event;
use the_eye::metrics::Metrics;
use the_eye::queue::{Role, SqliteQueue, SqliteQueueOptions};
use the_eye::store::{Filter, Order, Query, SqliteStore, SqliteStoreOptions, Start, Store, StoreError};

use crate::support::events::{event, id};

/// Events of a file: enough for a tree of some levels.
const EVENTS: u32 = 4000;

/// When a file is harmed. While it runs nothing looks for damage: so it is with files too large for a check.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum When {
    BeforeTheStart,
    WhileItRuns,
}

/// An event whose `data` is large enough for pages of its own, once in a while.
fn stored(number: u32) -> Event {
    let padding = "x".repeat(if number.is_multiple_of(97) { 9000 } else { 0 });
    let data = format!(r#"{{"host":"a.example","path":"/{number}","padding":"{padding}"}}"#);
    Event { id: id(u128::from(number) << 64), data, ..event(number) }
}

fn open_queue(path: &Path) -> Result<SqliteQueue, String> {
    open_queue_as(path, Role::Both)
}

fn open_queue_as(path: &Path, role: Role) -> Result<SqliteQueue, String> {
    let options = SqliteQueueOptions {
        path: path.to_owned(),
        role,
        max_events: 1_000_000,
        max_bytes: 1 << 30,
        max_refused: 10,
        reserve: 0,
        migrations: Migrations::Apply,
    };
    SqliteQueue::open(&options, Arc::new(Metrics::new())).map_err(|error| error.to_string())
}

fn open_store(path: &Path) -> Result<SqliteStore, String> {
    let options = SqliteStoreOptions { path: path.to_owned(), max_refused: 10, migrations: Migrations::Apply };
    SqliteStore::open(&options, Arc::new(Metrics::new())).map_err(|error| error.to_string())
}

/// All events of a store by pages, and how many it says there are.
async fn listed(store: &SqliteStore) -> Result<(Vec<Event>, u64), StoreError> {
    let (mut events, mut start) = (Vec::new(), Start::Page(1));
    loop {
        let query = Query { filter: Filter::default(), order: Order::Ascending, start, size: 1000 };
        let page = store.events(query).await?.expect("it was said to be there");
        let last = page.items.last().map(Into::into);
        events.extend(page.items);
        match last.filter(|_| page.more) {
            Some(last) => start = Start::After(last),
            None => return Ok((events, page.count)),
        }
    }
}

/// A refusal says which file, and what to do.
#[track_caller]
fn names_the_way_out(path: &Path, problem: &str) {
    assert!(problem.contains(&path.display().to_string()), "{problem}");
    let ways = ["restore a backup", "choose another path"];
    assert!(ways.iter().any(|way| problem.contains(way)) && !problem.contains('\n'), "{problem}");
}

/// A copy of a database with its log, in a folder of its own.
fn copy(from: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join(from.file_name().unwrap());
    std::fs::copy(from, &to).unwrap();
    let log = |path: &Path| PathBuf::from(format!("{}-wal", path.display()));
    if log(from).exists() {
        std::fs::copy(log(from), log(&to)).unwrap();
    }
    (folder, to)
}
