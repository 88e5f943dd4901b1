//! The way out of damage: what can still be read, in a new file.

use std::fs;
use std::path::PathBuf;

use the_eye::event::NewEvent;
use the_eye::queue::{Most, Queue};
use the_eye::store::Store;

use super::harm::{Dice, Harm, With, length};
use super::{EVENTS, copy, listed, open_queue, open_store, stored};
use crate::support::events::new_events;
use crate::support::process::run;

#[tokio::test]
async fn a_store_is_rescued_but_for_the_damaged_pages_and_counts_right() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    for batch in (0..EVENTS).collect::<Vec<_>>().chunks(500) {
        store.insert(batch.iter().map(|number| stored(*number)).collect()).await.unwrap();
    }
    drop(store);
    let mut saved = Vec::new();
    for seed in 0..25 {
        let (folder, path) = copy(&path);
        let mut dice = Dice::new(seed);
        // The first page has the names of all tables.
        let page = 1 + dice.roll(length(&path) / 4096 - 1);
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(seed) }.to(&path);
        let harmed = fs::read(&path).unwrap();
        let output = run(folder.path(), &["rescue", "events.db", "new.db"]).await;
        assert!(output.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(&path).unwrap(), harmed);
        let new = open_store(&folder.path().join("new.db")).unwrap();
        let (events, count) = listed(&new).await.unwrap();
        assert_eq!(events.len() as u64, count, "seed {seed}");
        for event in &events {
            let number = u32::try_from(event.id.as_u128() >> 64).unwrap();
            let whole = stored(number);
            let lost = event.session_id.starts_with("lost session ") || event.kind.category == "lost";
            let found = the_eye::event::Event {
                session_id: whole.session_id.clone(),
                kind: whole.kind.clone(),
                ..event.clone()
            };
            assert_eq!(found, whole, "seed {seed}");
            assert!(lost || *event == whole, "seed {seed}");
        }
        new.insert(vec![stored(EVENTS)].into()).await.unwrap();
        saved.push(count);
    }
    saved.sort_unstable();
    println!("saved of {EVENTS}: {saved:?}");
    assert!(saved[saved.len() / 2] > u64::from(EVENTS) * 9 / 10, "{saved:?}");
}

#[tokio::test]
async fn a_queue_is_rescued_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = open_queue(&path).unwrap();
    for start in (0..3000).step_by(100) {
        queue.enqueue(new_events(start..start + 100)).await.unwrap();
    }
    drop(queue);
    let page = length(&path) / 4096 / 2;
    Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noughts }.to(&path);
    open_queue(&path).map(drop).unwrap_err();
    let output = run(folder.path(), &["rescue", "queue.db", "new.db"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let queue = open_queue(&folder.path().join("new.db")).unwrap();
    let depth = queue.depth().await.unwrap();
    assert!((2000..3000).contains(&depth.events), "{depth:?}");
    let all: Vec<_> = new_events(0..3000).into_iter().map(NewEvent::into_event).collect();
    let mut found = 0;
    while let Some(mut claim) = queue.claim(Most { entries: 10_000, bytes: 1 << 24 }).await.unwrap() {
        found += claim.entries.len() as u64;
        assert!(claim.entries.drain(..).all(|entry| all.contains(&entry.item)));
        queue.ack(claim).await.unwrap();
    }
    assert_eq!(found, depth.events);
    assert_eq!(queue.depth().await.unwrap().bytes, 0);
    queue.enqueue(new_events(0..1)).await.unwrap();
}

#[tokio::test]
async fn rescue_touches_nothing_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_store(&folder.path().join("events.db")).unwrap());
    fs::write(folder.path().join("there.db"), "mine").unwrap();
    fs::write(folder.path().join("text"), "no database").unwrap();
    for (old, new, said) in [
        ("events.db", "there.db", "name a file that is not"),
        ("text", "new.db", "file is not a database"),
        ("nowhere.db", "new.db", "unable to open"),
    ] {
        let output = run(folder.path(), &["rescue", old, new]).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.contains(said) && stderr.contains(if said.contains("name") { new } else { old }), "{stderr}");
    }
    assert_eq!(fs::read(folder.path().join("there.db")).unwrap(), b"mine");
    assert!(!folder.path().join("new.db").exists());
}

/// A file that another program put together of what it could read, as sqlite3's `.recover` does, is in no log mode.
#[tokio::test]
async fn what_another_program_saved_is_counted_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("events.db");
    let store = open_store(&path).unwrap();
    store.insert((0..2000).map(stored).collect()).await.unwrap();
    drop(store);
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = DELETE; DELETE FROM event WHERE timestamp % 3 = 0; DELETE FROM kind")
        .unwrap();
    drop(other);
    let (events, count) = listed(&open_store(&path).unwrap()).await.unwrap();
    assert_eq!(events.len() as u64, count);
    assert!((1000..2000).contains(&count) && events.iter().all(|event| event.kind.category == "lost"));
}
