//! The rows of the table, in the order in which they run.

mod figures;
mod ingest;
mod latency;
mod lists;
mod ndjson;
mod queries;
mod resources;
mod sustained;
mod sustained_postgres;
mod sustained_sqlite;

use std::path::Path;

use crate::folder::Folder;
use crate::load::Measured;
use crate::plots::Plots;
use crate::report::{Found, Series};
use crate::scale::Scale;
use crate::stock::Stock;
pub(crate) use sustained::Slices;

/// A row, or a few that are measured together.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) run: fn(&mut Bench) -> Found,
}

pub(crate) const ALL: [Row; 16] = [
    Row { key: "ingest_idle", run: ingest::idle },
    Row { key: "ingest_draining", run: ingest::draining },
    Row { key: "latency_one", run: latency::one },
    Row { key: "open_loop", run: latency::open_loop },
    Row { key: "ndjson", run: ndjson::run },
    Row { key: "sustained_sqlite_store", run: sustained_sqlite::store },
    Row { key: "sustained_sqlite_http", run: sustained_sqlite::http },
    Row { key: "sustained_postgres_store", run: sustained_postgres::store },
    Row { key: "sustained_postgres_http", run: sustained_postgres::http },
    // These are about the store that the first sustained run filled, and the last two add to it.
    Row { key: "disk", run: resources::disk },
    Row { key: "lists", run: lists::filters },
    Row { key: "pages", run: lists::pages },
    Row { key: "figures", run: figures::run },
    Row { key: "queries", run: queries::run },
    Row { key: "start", run: resources::start },
    Row { key: "memory", run: resources::memory },
];

/// What the rows of one run share.
pub(crate) struct Bench {
    pub(crate) scale: &'static Scale,
    pub(crate) plots: Plots,
    stock: Stock,
    scratch: Folder,
}

impl Bench {
    pub(crate) fn new(scale: &'static Scale) -> Self {
        Self { scale, plots: Plots::default(), stock: Stock::new(scale), scratch: Folder::new("scratch") }
    }

    /// A folder on the disk that everything is on.
    pub(crate) fn folder(&self) -> &Path {
        self.scratch.path()
    }
}

/// Says how a round went, while the next one runs.
fn said(round: usize, text: &str) {
    println!("  round {}: {text}", round + 1);
}

/// What the load took of the cores in all rounds.
fn load_took(cores: &Series) -> String {
    format!("the load took {:.2} of a core ({:.2}–{:.2})", cores.median(), cores.least(), cores.most())
}

/// Every answer was one event that was taken in: what the server counted has to agree.
fn assert_accepted(server: &crate::server::Server, before: u64, measured: &Measured, each: u64) {
    let accepted = server.client().metric("eye_events_accepted_total") - before;
    assert_eq!(accepted, measured.all * each, "the server counts other events than it answered");
}
