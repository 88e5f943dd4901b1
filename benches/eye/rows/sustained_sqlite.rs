//! Ten million events into SQLite, beside the same rows into a SQLite table without an index.

use std::time::Instant;

use super::sustained::{Slices, cut, post_and_store};
use super::{Bench, Found};
use crate::bare::table::BareTable;
use crate::folder::Folder;
use crate::mix::Mix;
use crate::scale::BATCH;
use crate::server::Server;

const AGAINST: &str = "SQLite insert without an index";

/// The store alone, in this process.
pub(super) fn store(bench: &mut Bench) -> Found {
    let found = bench.stock.large().slices.found("sustained, SQLite, the store alone", AGAINST, 0.35);
    bench.plots.sqlite_store = Some(bench.stock.large().slices.clone());
    found.note(
        "The store alone is given the batches of a worker, in this process and on one thread, as is the bare table.",
    )
}

/// The same over HTTP, from the first request until all of it is stored.
pub(super) fn http(bench: &mut Bench) -> Found {
    let (folder, bare_folder) = (Folder::new("sustained"), Folder::new("bare"));
    let (events, mut slices) = (bench.scale.sqlite, Slices::default());
    let (mix, mut bare) = (Mix::of(events), BareTable::new(bare_folder.path()));
    let eye = Server::serve(folder.path());
    for slice in cut(events, bench.scale) {
        let took = post_and_store(&eye, &mix, &slice);
        let bare_took = fill(&mut bare, &mix, slice.clone());
        slices.add(slice.end - slice.start, took, bare_took);
    }
    let found = slices.found("sustained, SQLite, over HTTP until stored", AGAINST, 0.20);
    bench.plots.sqlite_http = Some(slices);
    found
}

/// Inserts a slice into the bare table and says how long that took, without the making of the events.
fn fill(bare: &mut BareTable, mix: &Mix, slice: std::ops::Range<u64>) -> std::time::Duration {
    let mut took = std::time::Duration::ZERO;
    for first in slice.step_by(usize::try_from(BATCH).unwrap()) {
        let events = mix.events(first..first + BATCH);
        let start = Instant::now();
        bare.insert(first, &events);
        took += start.elapsed();
    }
    took
}
