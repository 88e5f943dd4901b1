//! Five million events into PostgreSQL, beside `psql \copy` of the same rows into a table without an index.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, PostgresStore, PostgresStoreOptions, Store};

use super::sustained::{Slices, cut, post_and_store};
use super::{Bench, Found};
use crate::bare::copy::{Csv, Psql};
use crate::folder::Folder;
use crate::mix::Mix;
use crate::scale::BATCH;
use crate::server::{Server, eye};

const AGAINST: &str = "psql \\copy without an index";

/// Workers beside the API. Each has one connection that writes.
const WORKERS: usize = 2;

/// The store alone, in this process.
pub(super) fn store(bench: &mut Bench) -> Found {
    let Some(psql) = Psql::found() else { return no_servers() };
    let schema = "bench_store";
    psql.ask(&format!("CREATE SCHEMA {schema}"));
    psql.make_bare_table();
    let options = PostgresStoreOptions {
        url: in_schema(&psql, schema),
        max_refused: 0,
        migrations: Migrations::Apply,
        data_loss: DataLoss::Refuse,
        clock: Clock::System,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let store = runtime.block_on(PostgresStore::open(&options, Arc::new(Metrics::new()))).unwrap();
    let (mix, mut slices) = (Mix::of(bench.scale.postgres), Slices::default());
    for slice in cut(bench.scale.postgres, bench.scale) {
        psql.ask("CHECKPOINT");
        let mut took = Duration::ZERO;
        for first in slice.clone().step_by(usize::try_from(BATCH).unwrap()) {
            let events = mix.events(first..first + BATCH);
            let start = Instant::now();
            assert_eq!(runtime.block_on(store.insert(events)).unwrap().new as u64, BATCH);
            took += start.elapsed();
        }
        slices.add(slice.end - slice.start, took, copy(&psql, bench, &mix, &slice));
    }
    drop(store);
    psql.ask(&format!("DROP SCHEMA {schema} CASCADE; DROP TABLE bare"));
    let found = slices.found("sustained, PostgreSQL, the store alone", AGAINST, 0.25);
    bench.plots.postgres_store = Some(slices);
    found
}

/// The same over HTTP and Redis, from the first request until all of it is stored.
pub(super) fn http(bench: &mut Bench) -> Found {
    let (Some(psql), Ok(redis)) = (Psql::found(), std::env::var("EYE_TEST_REDIS_URL")) else { return no_servers() };
    let (schema, folder) = ("bench_http", Folder::new("shared"));
    psql.ask(&format!("CREATE SCHEMA {schema}"));
    psql.make_bare_table();
    let start = |arguments: &[&str]| {
        Server::start(
            eye(folder.path(), arguments)
                .env("EYE_DATABASE_URL", in_schema(&psql, schema))
                .env("EYE_QUEUE_URL", format!("{redis}?prefix=bench")),
        )
    };
    let api = start(&["serve", "--no-worker"]);
    let workers: Vec<_> = (0..WORKERS).map(|_| start(&["worker"])).collect();
    let (mix, mut slices) = (Mix::of(bench.scale.postgres), Slices::default());
    for slice in cut(bench.scale.postgres, bench.scale) {
        psql.ask("CHECKPOINT");
        let took = post_and_store(&api, &mix, &slice);
        slices.add(slice.end - slice.start, took, copy(&psql, bench, &mix, &slice));
    }
    drop((workers, api));
    psql.ask(&format!("DROP SCHEMA {schema} CASCADE; DROP TABLE bare"));
    let found = slices.found("sustained, PostgreSQL, over HTTP and Redis until stored", AGAINST, 0.15);
    bench.plots.postgres_http = Some(slices);
    found.note(format!("PostgreSQL over HTTP: one API and {WORKERS} workers, PostgreSQL and Redis on the same cores."))
}

/// Copies a slice and says how long that took, without the making of the file.
fn copy(psql: &Psql, bench: &Bench, mix: &Mix, slice: &Range<u64>) -> Duration {
    let path = bench.folder().join("rows.csv");
    let mut csv = Csv::new(&path);
    slice.clone().for_each(|number| csv.add(number, &mix.event(number)));
    csv.end();
    psql.ask("CHECKPOINT");
    let took = psql.copy(&path);
    std::fs::remove_file(path).unwrap();
    took
}

fn in_schema(psql: &Psql, schema: &str) -> String {
    format!("{}?options=-c%20search_path%3D{schema}", psql.url)
}

fn no_servers() -> Found {
    Found::default().note("PostgreSQL: left out, since script/dev-services does not run around this.")
}
