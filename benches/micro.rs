//! `cargo bench --bench micro`: the steps of an event's path one by one, and lists. For somebody who
//! changes one of them and wants to know what that did; how the whole compares with what is possible is
//! for `script/bench` to say.

#![expect(clippy::cast_possible_truncation, clippy::unwrap_used, reason = "a bench measures and calculates")]

#[path = "eye/mix.rs"]
mod mix;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::{Catalog, NewEvent, RawEvent, Rules, read_body, read_line};
use the_eye::metrics::Metrics;
use the_eye::queue::{Queue, Role, SqliteQueue, SqliteQueueOptions};
use the_eye::store::{Filter, Order, Query, SqliteStore, SqliteStoreOptions, Start, Store};
use tokio::runtime::Runtime;

use mix::{Mix, session_id};

// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events of a batch, and of the store that is listed.
const BATCH: u64 = 1000;
const STORED: u64 = 100_000;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    parse(&mut criterion);
    validate(&mut criterion);
    enqueue(&mut criterion, &runtime);
    insert(&mut criterion, &runtime);
    list(&mut criterion, &runtime);
    criterion.final_summary();
}

/// From bytes to strictly checked slices of them.
fn parse(criterion: &mut Criterion) {
    let lines = lines();
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(lines.find('\n').unwrap() as u64));
    group.bench_function("one event", |bench| bench.iter(|| read_line(black_box(lines.lines().next().unwrap()))));
    group.throughput(Throughput::Bytes(array.len() as u64));
    group.bench_function("an array of 1000", |bench| bench.iter(|| read_body(black_box(&array), 10_000)));
    group.finish();
}

/// From slices to a valid event.
fn validate(criterion: &mut Criterion) {
    let (lines, catalog) = (lines(), Catalog::built_in());
    let raw: Vec<_> = lines.lines().take(3).map(|line| read_line(line).unwrap()).collect();
    let mut group = criterion.benchmark_group("validate");
    group.throughput(Throughput::Elements(1));
    for (name, raw) in ["a page view", "a click", "a form"].iter().zip(&raw) {
        group.bench_function(*name, |bench| bench.iter(|| valid(black_box(raw), &catalog)));
    }
    group.finish();
}

/// Into the embedded queue, flushed.
fn enqueue(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteQueueOptions {
        path: folder.path().join("queue.db"),
        role: Role::Both,
        max_events: u64::MAX,
        max_bytes: u64::MAX,
        max_refused: 1000,
        reserve: 0,
        migrations: Migrations::Apply,
    };
    let queue = SqliteQueue::open(&options, Arc::new(Metrics::new())).unwrap();
    let (lines, catalog) = (lines(), Catalog::built_in());
    let raw: Vec<_> = lines.lines().map(|line| read_line(line).unwrap()).collect();
    let mut group = criterion.benchmark_group("enqueue");
    for count in [1, 100, BATCH as usize] {
        let events = || raw[..count].iter().map(|raw| valid(raw, &catalog)).collect::<Vec<_>>();
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{count} at once"), |bench| {
            bench.iter_batched(
                events,
                |events| runtime.block_on(queue.enqueue(events)).unwrap(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// Into the embedded store, flushed.
fn insert(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (store, mix) = (open(folder.path()), Mix::of(STORED));
    let mut next = 0;
    let mut group = criterion.benchmark_group("insert");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("1000 at once", |bench| {
        let events = || {
            next += BATCH;
            mix.events(next..next + BATCH)
        };
        bench.iter_batched(events, |events| runtime.block_on(store.insert(events)).unwrap(), BatchSize::PerIteration);
    });
    group.finish();
}

/// Pages of a list with their exact count, from the store itself.
fn list(criterion: &mut Criterion, runtime: &Runtime) {
    let folder = tempfile::tempdir().unwrap();
    let (store, mix) = (open(folder.path()), Mix::of(STORED));
    for first in (0..STORED).step_by(BATCH as usize) {
        runtime.block_on(store.insert(mix.events(first..first + BATCH))).unwrap();
    }
    let middle = STORED / 2;
    let time = Some(mix.timestamp(middle));
    let none = Filter::default();
    let filters = [
        ("no filter", none.clone()),
        ("session_id", Filter { session_id: Some(session_id(middle)), ..none.clone() }),
        ("category", Filter { category: Some("page_interaction".to_owned()), ..none.clone() }),
        ("start_time", Filter { start_time: time, ..none.clone() }),
    ];
    let mut group = criterion.benchmark_group("list");
    let starts = [("first page", Start::Page(1)), ("page 1000", Start::Page(1000)), ("last page", Start::LastPage)];
    for (name, filter) in filters {
        // A session of ten events has one page.
        for (place, start) in starts.into_iter().take(if filter.session_id.is_some() { 1 } else { 3 }) {
            let query = Query { filter: filter.clone(), order: Order::Descending, start, size: 10 };
            group.bench_function(format!("{name}, {place}"), |bench| {
                bench.iter(|| runtime.block_on(store.events(query.clone())).unwrap());
            });
        }
    }
    group.finish();
}

fn open(folder: &std::path::Path) -> SqliteStore {
    let options =
        SqliteStoreOptions { path: folder.join("events.db"), max_refused: 1000, migrations: Migrations::Apply };
    SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap()
}

fn lines() -> String {
    String::from_utf8(Mix::of(BATCH).lines(0..BATCH)).unwrap()
}

fn valid(raw: &RawEvent<'_>, catalog: &Catalog) -> NewEvent {
    let (now, new_id) = (Clock::System.now(), Clock::System.new_id());
    let tolerance = Duration::from_secs(5);
    NewEvent::parse(raw, &Rules { catalog, now, tolerance, new_id, application: None, address: None }).unwrap()
}
