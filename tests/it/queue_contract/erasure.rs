//! What an erasure asks of a queue: whether all that was given so far is gone, and that nothing of it is left in files.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use the_eye::Migrations;
use the_eye::event::Rejected;
use the_eye::metrics::Metrics;
use the_eye::queue::{Most, Queue, Role, SqliteQueue, SqliteQueueOptions};

use super::{Backend, WIDE, claim, claim_rejected};
use crate::support::events::{new_event_with_data, new_events, refused};
use crate::support::needles::files_with;

contract!(sqlite redis: {
    what_was_given_so_far_is_past_once_it_is_stored
    what_an_event_has_become_is_waited_for
    a_full_queue_has_a_newest_number_too
});

async fn sqlite() -> impl Backend {
    super::sqlite().await
}

async fn redis() -> impl Backend {
    super::redis().await
}

async fn what_was_given_so_far_is_past_once_it_is_stored(backend: impl Backend) {
    let queue = backend.open(WIDE);
    let nothing = queue.newest().await.unwrap();
    assert!(queue.is_past(nothing).await.unwrap() && queue.is_past(nothing + 1000).await.unwrap());
    // Nobody waits for a refusal, and it counts all the same.
    queue.refuse(vec![refused(1)]);
    let refusal = queue.newest().await.unwrap();
    assert!(refusal > nothing && !queue.is_past(refusal).await.unwrap() && queue.is_past(nothing).await.unwrap());
    queue.enqueue(new_events([1, 2])).await.unwrap();
    let events = queue.newest().await.unwrap();
    assert!(!queue.is_past(events).await.unwrap());
    for refused in claim_rejected(&queue).await {
        assert!(!queue.is_past(refusal).await.unwrap(), "it is claimed, and not stored");
        queue.ack_rejected(refused).await.unwrap();
    }
    assert!(queue.is_past(refusal).await.unwrap() && !queue.is_past(events).await.unwrap());
    let claimed = claim(&queue).await;
    queue.enqueue(new_events([3])).await.unwrap();
    queue.refuse(vec![refused(2)]);
    assert!(queue.newest().await.unwrap() > events && !queue.is_past(events).await.unwrap());
    queue.ack(claimed).await.unwrap();
    assert!(queue.is_past(events).await.unwrap(), "what came later does not count");
    assert!(!queue.is_past(queue.newest().await.unwrap()).await.unwrap());
}

async fn what_an_event_has_become_is_waited_for(backend: impl Backend) {
    let queue = backend.open(WIDE);
    queue.enqueue(new_events([1])).await.unwrap();
    let newest = queue.newest().await.unwrap();
    let claimed = claim(&queue).await;
    let entry = &claimed.entries[0];
    queue.bury(entry.seq, Rejected::dead_letter(refused(9).id, &entry.item, "the reason")).await.unwrap();
    assert!(!queue.is_past(newest).await.unwrap(), "its number is another one now");
    for buried in claim_rejected(&queue).await {
        queue.ack_rejected(buried).await.unwrap();
    }
    assert!(queue.is_past(newest).await.unwrap());
}

async fn a_full_queue_has_a_newest_number_too(backend: impl Backend) {
    let queue = backend.open(super::Bounds { events: 2, ..WIDE });
    queue.enqueue(new_events([1, 2])).await.unwrap();
    let newest = queue.newest().await.unwrap();
    assert!(!queue.is_past(newest).await.unwrap());
    queue.ack(claim(&queue).await).await.unwrap();
    assert!(queue.is_past(newest).await.unwrap());
    queue.scrub().await.unwrap();
    assert!(!queue.residues().is_empty());
}

fn open(folder: &Path, role: Role) -> Arc<dyn Queue> {
    let options = SqliteQueueOptions {
        path: folder.join("queue.db"),
        role,
        max_events: 100_000,
        max_bytes: 1 << 30,
        max_refused: 1000,
        reserve: 0,
        migrations: Migrations::Apply,
    };
    Arc::new(SqliteQueue::open(&options, Arc::new(Metrics::new())).unwrap())
}

/// Stores all that there is, or rather forgets it.
async fn empty(queue: &Arc<dyn Queue>) {
    let some = Most { entries: 70, bytes: 1 << 20 };
    while let Some(claimed) = queue.claim(some).await.unwrap() {
        let (first, last) = (&claimed.entries[0], claimed.entries.last().unwrap());
        // One of each becomes a dead letter on the way.
        if first.seq != last.seq {
            queue.bury(first.seq, Rejected::dead_letter(refused(9).id, &first.item, "needle")).await.unwrap();
        }
        queue.ack(claimed).await.unwrap();
    }
    for claimed in claim_rejected(queue).await {
        queue.ack_rejected(claimed).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_past_is_in_the_files_of_the_embedded_queue_with_a_worker_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (taking, storing) = (open(folder.path(), Role::Api), open(folder.path(), Role::Worker));
    for number in 0..120_u32 {
        // Of one page and of many.
        let filler = "x".repeat([10, 500, 4000, 100_000][number as usize % 4]);
        let events = (0..5).map(|row| new_event_with_data(number * 5 + row, &format!("needle{filler}needle")));
        taking.enqueue(events.collect()).await.unwrap();
        taking.refuse(vec![Rejected { body: b"a needle".to_vec(), ..refused(number) }]);
        if number % 40 == 30 {
            empty(&storing).await;
        }
    }
    let newest = taking.newest().await.unwrap();
    empty(&storing).await;
    assert!(taking.is_past(newest).await.unwrap());
    let found = || files_with(folder.path(), &[b"needle".to_vec()]);
    let left = found();
    assert!(left.contains("queue.db") && left.contains("queue.db-wal"), "without more it is there: {left:?}");

    taking.enqueue(new_events(1000..1010)).await.unwrap();
    taking.scrub().await.unwrap();
    let nowhere = BTreeSet::new();
    assert_eq!(found(), nowhere, "right then");
    assert_eq!(taking.depth().await.unwrap().events, 10);
    let claimed = claim(&storing).await;
    assert_eq!(claimed.entries.len(), 10, "what was not stored is still there");
    storing.ack(claimed).await.unwrap();
    taking.enqueue(new_events(1000..1010)).await.unwrap();
    assert_eq!(found(), nowhere, "after both have written");
    drop((taking, storing));
    let database = Connection::open(folder.path().join("queue.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(found(), nowhere, "after a checkpoint");
    database.execute_batch("VACUUM").unwrap();
    assert_eq!(found(), nowhere, "after a VACUUM");
}
