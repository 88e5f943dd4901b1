//! A write and an fdatasync: the least that a durable answer costs.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::Latencies;

/// Where the write goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Behind what is there: the file grows, as a log does.
    End,
    /// Over what was written and flushed before, as a log does that is used again.
    Over,
}

/// How long it takes to write these bytes and flush them, again and again for that long.
pub(crate) fn write_and_flush(folder: &Path, bytes: &[u8], place: Place, length: Duration) -> Latencies {
    let path = folder.join("bare-write");
    let mut file = File::create(&path).unwrap();
    let room = bytes.len() as u64 * 1000;
    if matches!(place, Place::Over) {
        file.write_all(&vec![0; room as usize]).unwrap();
    }
    file.sync_all().unwrap();
    let (mut latencies, start, mut at) = (Latencies::new(), Instant::now(), 0);
    while start.elapsed() < length {
        let begin = Instant::now();
        if matches!(place, Place::Over) {
            file.seek(SeekFrom::Start(at)).unwrap();
        }
        file.write_all(bytes).unwrap();
        file.sync_data().unwrap();
        latencies.add(begin.elapsed());
        at = (at + bytes.len() as u64) % room;
    }
    std::fs::remove_file(path).unwrap();
    latencies
}
