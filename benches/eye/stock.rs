//! The stores that rows about lists need: one of ten million events and one of ten thousand, alike but
//! for their size. Each is filled when a row first asks for it, as a worker would fill it.
//!
//! Among its events are a session of a tenth as many events, spread over the whole time, and a hundredth
//! as many events that share one timestamp in the middle.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use the_eye::Migrations;
use the_eye::event::{Event, Timestamp, TimestampFormat};
use the_eye::metrics::Metrics;
use the_eye::store::{SqliteStore, SqliteStoreOptions, Store};
use tokio::runtime::Runtime;

use crate::bare::table::BareTable;
use crate::folder::Folder;
use crate::mix::{self, Mix};
use crate::rows::Slices;
use crate::scale::{BATCH, Scale};

/// The session that goes on for ever.
pub(crate) const HUGE: &str = "a-session-that-goes-on";

/// Both stores.
pub(crate) struct Stock {
    scale: &'static Scale,
    runtime: Runtime,
    large: Option<Stored>,
    small: Option<Stored>,
}

/// A filled store that no process has open.
pub(crate) struct Stored {
    pub(crate) folder: Folder,
    pub(crate) mix: Mix,
    /// Events of the mix; those of the huge session and of the one timestamp come on top.
    pub(crate) events: u64,
    /// How the events of the mix went in, beside a bare table.
    pub(crate) slices: Slices,
    /// What the events of the mix took: bytes of the file, of their JSON in answers, of that as it was sent.
    pub(crate) bytes: Bytes,
}

/// Bytes, each of all events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bytes {
    pub(crate) file: u64,
    pub(crate) answered: u64,
    pub(crate) sent: u64,
}

impl Stock {
    pub(crate) fn new(scale: &'static Scale) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        Self { scale, runtime, large: None, small: None }
    }

    pub(crate) fn large(&mut self) -> &Stored {
        let Self { scale, runtime, large, .. } = self;
        large.get_or_insert_with(|| Stored::fill(runtime, "large", scale.sqlite, scale.slice))
    }

    /// Both at once.
    pub(crate) fn both(&mut self) -> [&Stored; 2] {
        self.large();
        let Self { scale, runtime, large, small } = self;
        let small = small.get_or_insert_with(|| Stored::fill(runtime, "small", scale.small, scale.small));
        [large.as_ref().unwrap(), small]
    }
}

impl Stored {
    fn fill(runtime: &Runtime, name: &str, events: u64, slice: u64) -> Self {
        println!("  filling a store of {events} events");
        let mut stored = Self {
            folder: Folder::new(name),
            mix: Mix::of(events),
            events,
            slices: Slices::default(),
            bytes: Bytes::default(),
        };
        let store = stored.open();
        stored.fill_with_mix(runtime, &store, slice);
        // What was not yet moved from the log into the file is moved when it is closed.
        drop(store);
        stored.bytes.file = std::fs::metadata(stored.file()).unwrap().len();
        let store = stored.open();
        let (huge, same) = (stored.huge(), stored.same_time());
        stored.insert_all(runtime, &store, events / 10, |number, event| huge(number * 10, event));
        stored.insert_all(runtime, &store, events / 100, |_, event| same(event));
        stored
    }

    /// When the events that share a timestamp happened.
    pub(crate) fn one_time(&self) -> Timestamp {
        self.mix.timestamp(self.events / 2)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    fn open(&self) -> SqliteStore {
        let options = SqliteStoreOptions { path: self.file(), max_refused: 0, migrations: Migrations::Apply };
        SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap()
    }

    /// Slice by slice, and the same slices into a bare table.
    fn fill_with_mix(&mut self, runtime: &Runtime, store: &SqliteStore, slice: u64) {
        let bare_folder = Folder::new("bare");
        let mut bare = BareTable::new(bare_folder.path());
        let mut json = Vec::new();
        for begin in (0..self.events).step_by(usize::try_from(slice).unwrap()) {
            let (mut took, mut bare_took) = (Duration::ZERO, Duration::ZERO);
            let batch = BATCH.min(slice);
            let firsts = || (begin..begin + slice).step_by(usize::try_from(batch).unwrap());
            for first in firsts() {
                let events = self.mix.events(first..first + batch);
                self.bytes.add(first, &events, &mut json);
                took += insert(runtime, store, events);
            }
            for first in firsts() {
                let events = self.mix.events(first..first + batch);
                let start = Instant::now();
                bare.insert(first, &events);
                bare_took += start.elapsed();
            }
            self.slices.add(slice, took, bare_took);
        }
    }

    fn insert_all(&self, runtime: &Runtime, store: &SqliteStore, count: u64, change: impl Fn(u64, &mut Event)) {
        for first in (0..count).step_by(usize::try_from(BATCH).unwrap()) {
            let changed = |number| {
                let mut event = self.mix.event(number);
                change(number, &mut event);
                event
            };
            insert(runtime, store, (first..count.min(first + BATCH)).map(changed).collect());
        }
    }

    fn huge(&self) -> impl Fn(u64, &mut Event) + use<> {
        let mix = self.mix.clone();
        move |number, event| {
            HUGE.clone_into(&mut event.session_id);
            event.timestamp = mix.timestamp(number);
        }
    }

    fn same_time(&self) -> impl Fn(&mut Event) + use<> {
        let time = self.one_time();
        move |event| event.timestamp = time
    }
}

impl Bytes {
    fn add(&mut self, first: u64, events: &[Event], json: &mut Vec<u8>) {
        for (number, event) in (first..).zip(events) {
            json.clear();
            event.write_json(json, TimestampFormat::Rfc3339);
            self.answered += json.len() as u64;
            json.clear();
            mix::write_json(number, "2026-01-01T00:00:00.000000Z", json);
            self.sent += json.len() as u64;
        }
    }
}

/// Inserts a batch of new events and says how long that took.
fn insert(runtime: &Runtime, store: &SqliteStore, events: Arc<[Event]>) -> Duration {
    let (count, start) = (events.len(), Instant::now());
    assert_eq!(runtime.block_on(store.insert(events)).unwrap().new, count);
    start.elapsed()
}
