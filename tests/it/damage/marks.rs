//! Damage that one process has met and another has not: what the first one knows is beside the file.

use std::fs;

use the_eye::queue::{Most, Queue, Role};
use the_eye::store::Store;

use super::harm::{Harm, With, length};
use super::{listed, names_the_way_out, open_queue_as, open_store, stored};
use crate::support::events::new_events;

#[tokio::test]
async fn a_queue_that_the_worker_finds_damaged_takes_nothing_in_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let api = open_queue_as(&path, Role::Api).unwrap();
    for start in (0..3000).step_by(100) {
        api.enqueue(new_events(start..start + 100)).await.unwrap();
    }
    drop(api);
    let (whole, mark) = (fs::read(&path).unwrap(), folder.path().join("queue.db.damaged"));
    let worker = open_queue_as(&path, Role::Worker).unwrap();
    let api = open_queue_as(&path, Role::Api).unwrap();
    // The API's own pages are well.
    api.enqueue(new_events(3000..3001)).await.unwrap();
    for page in 10..length(&path) / 4096 - 10 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(page) }.to(&path);
    }
    worker.claim(Most { entries: 10_000, bytes: 16 << 20 }).await.unwrap_err();
    for problem in [api.probe().await.unwrap_err(), api.enqueue(new_events(0..1)).await.unwrap_err()] {
        assert!(problem.to_string().contains("queue.db` is damaged"), "{problem}");
    }
    drop((api, worker));
    names_the_way_out(&path, &open_queue_as(&path, Role::Api).map(drop).unwrap_err());
    assert!(mark.exists());
    for log in ["queue.db-wal", "queue.db-shm"] {
        let _ = fs::remove_file(folder.path().join(log));
    }
    fs::write(&path, whole).unwrap();
    let api = open_queue_as(&path, Role::Api).unwrap();
    assert!(!mark.exists(), "a file that is whole goes on being called damaged");
    api.enqueue(new_events(0..1)).await.unwrap();
}

#[tokio::test]
async fn a_store_that_another_process_finds_damaged_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let worker = open_store(&path).unwrap();
    worker.insert((0..2000).map(stored).collect()).await.unwrap();
    let api = open_store(&path).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("UPDATE event SET data = 'none' WHERE timestamp % 2", [])
        .unwrap();
    listed(&api).await.unwrap_err();
    let problem = worker.insert(vec![stored(2000)].into()).await.unwrap_err().to_string();
    assert!(problem.contains("events.db` is damaged"), "{problem}");
    worker.probe().await.unwrap_err();
}
