//! What was erased is in no file of the embedded store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use the_eye::Migrations;
use the_eye::event::{Event, Expiry, Rejected, RejectedKind};
use the_eye::metrics::Metrics;
use the_eye::store::{SqliteStore, SqliteStoreOptions, Store};
use uuid::Uuid;

use super::insert;
use super::model::Random;
use crate::support::events::{at, event, kind, refused};
use crate::support::needles::files_with;

const ERASED: &str = "erased-session-7c1f";

fn open(folder: &Path) -> Arc<dyn Store> {
    let options =
        SqliteStoreOptions { path: folder.join("events.db"), max_refused: 1000, migrations: Migrations::Apply };
    Arc::new(SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap())
}

/// Events of many sessions in no order, of all sizes, one in eleven of them of the session that will be erased.
fn events(random: &mut Random, batch: u32) -> Vec<Event> {
    let one = |number: u32| {
        let number = batch * 1500 + number;
        let is_of_it = number % 11 == 3;
        let session_id = if is_of_it { ERASED.to_owned() } else { format!("session-{}", random.below(300)) };
        let filler = "x".repeat([10, 200, 3000, 9000][random.below(4)] / if number.is_multiple_of(5) { 1 } else { 10 });
        let who = if is_of_it { "needle" } else { "kept" };
        Event {
            id: Uuid::from_u128((random.below(usize::MAX) as u128) << 64 | random.below(usize::MAX) as u128),
            timestamp: at(random.below(100_000_000) as i64),
            session_id,
            kind: kind("c", ["a", "b", "c"][random.below(3)]),
            data: format!("{{\"{who}-first\":1,\"x\":\"{filler}\",\"{who}-last\":{number}}}"),
            ..event(number)
        }
    };
    (0..1500).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_session_is_in_the_files_of_the_embedded_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let mut store = open(folder.path());
    let mut ids = Vec::new();
    for batch in 0..14 {
        let events = events(&mut random, batch);
        ids.extend(events.iter().filter(|event| event.session_id == ERASED).map(|event| event.id));
        insert(&store, events).await;
        let rejected = [
            Rejected { session_id: Some(ERASED.to_owned()), ..refused(batch * 3) },
            Rejected { body: format!("{{\"session_id\":\"{ERASED}\",needle").into_bytes(), ..refused(batch * 3 + 1) },
            Rejected { kind: RejectedKind::DeadLetter, ..refused(batch * 3 + 2) },
        ];
        store.insert_rejected(rejected.to_vec().into()).await.unwrap();
        // Some of it goes before, and leaves its room to others.
        let expiry = Expiry { others: Some(at(i64::from(batch) * 1_500_000)), ..Expiry::default() };
        while store.remove_expired(expiry.clone(), 100).await.unwrap() > 0 {}
        if batch == 9 {
            store = open(folder.path());
        }
    }
    let texts = [ERASED.as_bytes(), b"needle-first", b"needle-last", b"needle"].map(<[u8]>::to_vec);
    let needles: Vec<_> = texts.into_iter().chain(ids.iter().map(|id| id.as_bytes().to_vec())).collect();
    let other = open(folder.path());
    let erased = store.erase_session(ERASED.to_owned(), None).await.unwrap();
    assert!(erased.events > 1000 && erased.events < ids.len() as u64, "{}", erased.events);
    let left = files_with(folder.path(), &needles);
    assert!(left.contains("events.db") && left.contains("events.db-wal"), "without more it is there: {left:?}");

    store.scrub().await.unwrap();
    let found = || files_with(folder.path(), &needles);
    let is_whole = || files_with(folder.path(), &[b"kept-last".to_vec()]).contains("events.db");
    let nowhere = BTreeSet::new();
    assert_eq!(found(), nowhere, "right then");
    assert!(is_whole());
    insert(&other, events(&mut random, 20).into_iter().filter(|event| event.session_id != ERASED)).await;
    assert_eq!(found(), nowhere, "after another process has stored something");
    drop((store, other));
    let database = Connection::open(folder.path().join("events.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    assert_eq!(found(), nowhere, "after a checkpoint");
    database.execute_batch("VACUUM").unwrap();
    assert_eq!(found(), nowhere, "after a VACUUM");
    assert!(is_whole());
    let counted: (u64, u64) = database
        .query_row("SELECT sum(events), sum(rejected) FROM erasure WHERE id = ?1", [erased.id.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(counted, (erased.events, erased.rejected.len() as u64));
}
