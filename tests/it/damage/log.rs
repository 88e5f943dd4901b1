//! Damaged files whose log was not moved into them yet, as after kill -9: neither the file nor its log is changed by
//! who finds it damaged.

use std::fs;
use std::path::{Path, PathBuf};

use the_eye::store::Store;

use super::harm::{Harm, With, length};
use super::{copy, listed, names_the_way_out, open_store, stored};
use crate::support::process::run;

fn log(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

/// A store of 2,000 events in its file and 500 in its log.
async fn killed() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    store.insert((0..2000).map(stored).collect()).await.unwrap();
    drop(store);
    let store = open_store(&path).unwrap();
    store.insert((2000..2500).map(stored).collect()).await.unwrap();
    let copied = copy(&path);
    assert!(length(&log(&copied.1)) > 0);
    copied
}

#[tokio::test]
async fn a_damaged_file_and_its_log_are_left_as_they_are() {
    let (folder, path) = killed().await;
    // Leaves, and what is too large for them: of what a damaged inner page has below it nothing can be read.
    for page in 90..110 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(page) }.to(&path);
    }
    let both = || (fs::read(&path).unwrap(), fs::read(log(&path)).unwrap());
    let before = both();
    names_the_way_out(&path, &open_store(&path).unwrap_err());
    assert!(both() == before, "a start changed them");
    let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(both() == before, "a rescue changed them");
    let (events, count) = listed(&open_store(&folder.path().join("new.db")).unwrap()).await.unwrap();
    let from_the_log = events.iter().filter(|event| event.timestamp >= stored(2000).timestamp).count();
    assert_eq!(from_the_log, 500, "of {count}");
    assert!(events.iter().any(|event| *event == stored(2499)));
}

#[tokio::test]
async fn a_file_that_is_found_damaged_while_it_runs_keeps_its_log() {
    let (_folder, path) = killed().await;
    let store = open_store(&path).unwrap();
    for page in 10..30 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(page) }.to(&path);
    }
    let both = || (fs::read(&path).unwrap(), fs::read(log(&path)).unwrap());
    let before = both();
    listed(&store).await.unwrap_err();
    drop(store);
    assert!(both() == before);
}

/// A disk that is full while the log is moved leaves a part of a page, and the whole of it in the log.
#[tokio::test]
async fn a_torn_end_that_the_log_makes_up_for_is_no_damage() {
    let (_folder, path) = killed().await;
    Harm::Cut { to: length(&path) + 100 }.to(&path);
    let (_other, without) = copy(&path);
    fs::remove_file(log(&without)).unwrap();
    // Another process reads, and the log cannot be moved meanwhile.
    let reader = rusqlite::Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM event").unwrap();
    let store = open_store(&path).unwrap();
    let (events, count) = listed(&store).await.unwrap();
    assert_eq!(count, 2500);
    assert!(events.into_iter().eq((0..2500).map(stored)));
    names_the_way_out(&without, &open_store(&without).unwrap_err());
}
