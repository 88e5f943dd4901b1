//! Damage to `queue.db`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use the_eye::event::{Event, NewEvent, RejectedKind};
use the_eye::queue::{Most, Queue, SqliteQueue};

use super::harm::{Dice, Harm, With, length};
use super::{When, copy, names_the_way_out, open_queue};
use crate::support::events::{new_events, refused};

const SEEDS: u64 = 150;
const EVENTS: u32 = 3000;
const MANY: Most = Most { entries: 10_000, bytes: 16 << 20 };

fn all() -> Vec<Event> {
    new_events(0..EVENTS).into_iter().map(NewEvent::into_event).collect()
}

/// A queue that was closed.
async fn closed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = open_queue(&path).unwrap();
    for start in (0..EVENTS).step_by(100) {
        queue.enqueue(new_events(start..start + 100)).await.unwrap();
    }
    drop(queue);
    (folder, path)
}

/// What comes out of a queue: events, and dead letters with the ids of those of them that can be read.
async fn drained(queue: &SqliteQueue) -> Result<(Vec<Event>, Vec<Value>, usize), String> {
    let (mut events, mut dead, mut bytes) = (Vec::new(), Vec::new(), 0);
    while let Some(mut claim) = queue.claim(MANY).await.map_err(|error| error.to_string())? {
        events.extend(claim.entries.drain(..).map(|entry| entry.item));
        queue.ack(claim).await.map_err(|error| error.to_string())?;
    }
    while let Some(mut claim) = queue.claim_rejected(MANY).await.map_err(|error| error.to_string())? {
        for entry in claim.entries.drain(..) {
            assert_eq!(entry.item.kind, RejectedKind::DeadLetter);
            match serde_json::from_slice::<Value>(&entry.item.body) {
                Ok(event) => dead.push(event),
                Err(_) => bytes += 1,
            }
        }
        queue.ack_rejected(claim).await.map_err(|error| error.to_string())?;
    }
    Ok((events, dead, bytes))
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum End {
    Refused,
    SeenAtTheFirstTouch,
    DeadLetters,
    AllIsThere,
}

async fn end(path: &Path, when: When, harm: &[Harm]) -> End {
    if when == When::BeforeTheStart {
        harm.iter().for_each(|harm| harm.to(path));
    }
    let queue = match open_queue(path) {
        Ok(queue) => queue,
        Err(problem) => {
            names_the_way_out(path, &problem);
            return End::Refused;
        }
    };
    if when == When::WhileItRuns {
        harm.iter().for_each(|harm| harm.to(path));
    }
    let Ok((events, dead, bytes)) = drained(&queue).await else {
        let problem = queue.probe().await.unwrap_err().to_string();
        assert!(problem.contains(&path.display().to_string()) && problem.contains("is damaged"), "{problem}");
        assert!(queue.enqueue(new_events(0..1)).await.is_err(), "a damaged queue took an event");
        return End::SeenAtTheFirstTouch;
    };
    let all = all();
    let wanted: BTreeSet<_> = all.iter().map(|event| event.id).collect();
    assert!(events.iter().all(|event| all.contains(event)), "an event was altered without a word");
    if dead.is_empty() && bytes == 0 {
        assert_eq!(events.len(), all.len(), "events are missing without a word");
        return End::AllIsThere;
    }
    let found: BTreeSet<_> = events.iter().map(|event| event.id).collect();
    assert!(found.is_subset(&wanted));
    // A hundred were written at once, and are a row: it is believed as a whole or not at all, and none is missing
    // without a dead letter that says so.
    let missing: Vec<_> = all.iter().enumerate().filter(|(_, event)| !found.contains(&event.id)).collect();
    let rows: BTreeSet<_> = missing.iter().map(|(at, _)| at / 100).collect();
    assert_eq!(missing.len(), rows.len() * 100, "a part of a row was believed");
    assert!(dead.len() + bytes >= rows.len(), "a row is missing without a word");
    if bytes == 0 {
        assert_eq!(dead.len(), missing.len(), "events are missing without a word");
    }
    End::DeadLetters
}

#[tokio::test]
async fn no_damage_to_the_file_loses_anything_without_a_word() {
    let (_folder, whole) = closed().await;
    let (_folder, unharmed) = copy(&whole);
    assert_eq!(end(&unharmed, When::BeforeTheStart, &[]).await, End::AllIsThere);
    let mut ends = Vec::new();
    for (seed, when) in (0..SEEDS).flat_map(|seed| [(seed, When::BeforeTheStart), (seed, When::WhileItRuns)]) {
        let (_folder, path) = copy(&whole);
        let harm = Harm::of(&mut Dice::new(seed), length(&path));
        let harmed = std::panic::AssertUnwindSafe(end(&path, when, &harm));
        match futures_util::FutureExt::catch_unwind(harmed).await {
            Ok(end) => ends.push((when, end)),
            Err(_) => panic!("seed {seed}, {when:?}: {harm:?}"),
        }
    }
    let count = |when: When, end: End| ends.iter().filter(|found| **found == (when, end)).count() as u64;
    for when in [When::BeforeTheStart, When::WhileItRuns] {
        let counts = [End::Refused, End::SeenAtTheFirstTouch, End::DeadLetters, End::AllIsThere]
            .map(|end| format!("{end:?} {}", count(when, end)));
        println!("{when:?}: {}", counts.join(", "));
    }
    assert!(count(When::BeforeTheStart, End::Refused) > SEEDS / 2);
    assert!(count(When::WhileItRuns, End::SeenAtTheFirstTouch) > SEEDS / 4);
}

#[tokio::test]
async fn damage_while_it_runs_stops_what_is_taken_in_and_is_named() {
    let (_folder, path) = closed().await;
    let queue = open_queue(&path).unwrap();
    for page in 3..length(&path) / 4096 {
        Harm::Overwrite { at: page * 4096, length: 4096, with: With::Noise(page) }.to(&path);
    }
    queue.claim(MANY).await.unwrap_err();
    for problem in [queue.probe().await.unwrap_err(), queue.enqueue(new_events(0..1)).await.unwrap_err()] {
        let problem = problem.to_string();
        assert!(problem.contains("queue.db` is damaged"), "{problem}");
    }
    drop(queue);
    names_the_way_out(&path, &open_queue(&path).unwrap_err());
}

/// Changes the bytes of one row, as a disk would that returns others than were written.
fn change_row(path: &Path, sql: &str) {
    assert_eq!(rusqlite::Connection::open(path).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
}

#[tokio::test]
async fn a_row_that_is_not_as_it_was_written_becomes_dead_letters_and_holds_nothing_up() {
    // One letter of a path; the length of an entry; the end; the count.
    for (change, unreadable) in [
        ("body = CAST(replace(CAST(body AS TEXT), 'a.example', 'b.example') AS BLOB)", false),
        ("body = CAST(x'00000001' || substr(body, 5) AS BLOB)", true),
        ("body = CAST(substr(body, 1, length(body) - 1) AS BLOB)", true),
        ("body = CAST(substr(body, 1, length(body) - 1) AS BLOB), sum = NULL", true),
        ("sum = sum + 1", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let queue = open_queue(&path).unwrap();
        for start in [0, 10, 20] {
            queue.enqueue(new_events(start..start + 10)).await.unwrap();
        }
        change_row(&path, &format!("UPDATE segment SET {change} WHERE first = 11"));
        let depth = queue.depth().await.unwrap();
        assert_eq!(depth.events, 30);
        let (events, dead, bytes) = drained(&queue).await.unwrap();
        let others: Vec<_> = all().into_iter().take(30).enumerate().filter(|(at, _)| !(10..20).contains(at)).collect();
        assert_eq!(events, others.into_iter().map(|(_, event)| event).collect::<Vec<_>>(), "{change}");
        match unreadable {
            true => assert!(bytes > 0, "{change}: what cannot be read is not kept"),
            false => {
                let ids = all()[10..20].iter().map(|event| Value::from(event.id.to_string())).collect::<Vec<_>>();
                assert_eq!(dead.iter().map(|event| event["id"].clone()).collect::<Vec<_>>(), ids, "{change}");
                assert_eq!(bytes, 0, "{change}");
            }
        }
        let depth = queue.depth().await.unwrap();
        assert_eq!((depth.events, depth.bytes, depth.rejected), (0, 0, 0), "{change}");
        queue.enqueue(new_events(30..31)).await.unwrap();
    }
}

#[tokio::test]
async fn rows_that_were_written_before_there_were_sums_are_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = open_queue(&path).unwrap();
    queue.enqueue(new_events(0..10)).await.unwrap();
    change_row(&path, "UPDATE segment SET sum = NULL");
    let claim = queue.claim(Most { entries: 4, bytes: 1 << 20 }).await.unwrap().unwrap();
    queue.ack(claim).await.unwrap();
    let (events, dead, bytes) = drained(&queue).await.unwrap();
    assert_eq!((events.len(), dead.len(), bytes), (6, 0, 0));
}

#[tokio::test]
async fn a_rejected_event_that_cannot_be_read_becomes_a_dead_letter_and_holds_nothing_up() {
    for change in [
        "kind = 'none'",
        "id = x'00'",
        "received_at = 9223372036854775807",
        "reason = CAST(x'ff00' AS TEXT)",
        "session_id = CAST(x'ff' AS TEXT)",
        "truncated = 2, kind = ''",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.db");
        let queue = open_queue(&path).unwrap();
        queue.refuse(vec![refused(1), refused(2), refused(3)]);
        queue.probe().await.unwrap();
        change_row(&path, &format!("UPDATE rejected SET {change} WHERE seq = 2"));
        let mut found = Vec::new();
        while let Some(mut claim) = queue.claim_rejected(MANY).await.unwrap() {
            found.extend(claim.entries.drain(..).map(|entry| entry.item));
            queue.ack_rejected(claim).await.unwrap();
        }
        let [first, third, buried] = &found[..] else { panic!("{change}: {found:?}") };
        assert_eq!((first, third), (&refused(1), &refused(3)), "{change}");
        assert_eq!((buried.kind, &buried.body), (RejectedKind::DeadLetter, &refused(2).body), "{change}");
        assert_eq!(queue.depth().await.unwrap().rejected, 0, "{change}");
        queue.enqueue(new_events(0..1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_is_always_there_and_is_missing_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let queue = open_queue(&path).unwrap();
    change_row(&path, "DELETE FROM state");
    queue.depth().await.unwrap_err();
    let problem = queue.probe().await.unwrap_err().to_string();
    assert!(problem.contains("queue.db` is damaged"), "{problem}");
}
