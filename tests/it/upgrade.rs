//! Databases of the first version are brought up to date, and nothing in them is lost.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};
use the_eye::Migrations;
use the_eye::event::Event;
use the_eye::metrics::Metrics;
use the_eye::queue::{Most, Queue, Role, SqliteQueue, SqliteQueueOptions};
use the_eye::store::{Filter, Order, Place, Query, SqliteStore, SqliteStoreOptions, Start, Store, Stored};

use crate::support::events::{application, at, event, kind, refused};

#[tokio::test]
async fn a_queue_of_the_first_version_keeps_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.db");
    let mut old = Event { session_id: "é 'x'".to_owned(), data: "{\"a\":\"\u{1F600}\"}".to_owned(), ..event(1) };
    let older =
        Event { timestamp: at(-1_767_225_600_000_001), kind: kind("c", "ñ"), data: "{}".to_owned(), ..event(2) };
    assert!(older.timestamp.as_micros() < 0);
    old.received_at = at(77);
    let database = first_version(&path, 0x4579_6551, include_str!("../../migrations/sqlite/queue/0001_queue.sql"));
    for (seq, Event { id, timestamp, received_at, session_id, kind, data, .. }) in [(4, &old), (9, &older)] {
        let (timestamp, received_at) = (timestamp.as_micros(), received_at.as_micros());
        let values = params![seq, id.as_bytes(), timestamp, received_at, session_id, kind.category, kind.name, data];
        database.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values).unwrap();
    }
    let columns = "seq, id, kind, reason, errors, received_at, truncated, body";
    let values = params![9, [7_u8; 16], 7, b"{\"a\""];
    let row = format!("INSERT INTO rejected ({columns}) VALUES (?, ?, 'refused', 'invalid', '{{}}', ?, 0, ?)");
    database.execute(&row, values).unwrap();
    let bytes = old.size() + older.size();
    let body = "INSERT INTO rejected VALUES (7, ?, 'refused', ?, ?, ?, 0, NULL, NULL, NULL, ?)";
    let row = refused(5);
    let values = params![row.id.as_bytes(), row.reason, row.errors, row.received_at.as_micros(), row.body];
    database.execute(body, values).unwrap();
    database.execute("UPDATE state SET next_seq = 10, events = 2, bytes = ?", [bytes]).unwrap();
    drop(database);
    let queue = SqliteQueue::open(
        &SqliteQueueOptions {
            path,
            role: Role::Both,
            max_events: 100,
            max_bytes: 100_000,
            max_refused: 10,
            reserve: 0,
            migrations: Migrations::Apply,
        },
        Arc::new(Metrics::new()),
    )
    .unwrap();
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.events, depth.bytes, depth.oldest), (2, bytes as u64, Some(old.received_at)));
    let claim = queue.claim(Most { entries: 10, bytes: 100_000 }).await.unwrap().unwrap();
    let found: Vec<_> = claim.entries.iter().map(|entry| (entry.seq, entry.item.clone())).collect();
    assert_eq!(found, [(4, old), (9, older)]);
    queue.ack(claim).await.unwrap();
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.events, depth.bytes), (0, 0));
    let claim = queue.claim_rejected(Most { entries: 10, bytes: 100_000 }).await.unwrap().unwrap();
    let found: Vec<_> = claim.entries.iter().map(|entry| entry.item.clone()).collect();
    let row = the_eye::event::Rejected { size: row.body.len() as u64, ..row };
    assert_eq!(found[0], row, "it is as long as its body");
    assert_eq!((found.len(), found[1].size), (2, 4));
}

#[tokio::test]
async fn a_store_of_the_first_version_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let mut database = first_version(&path, 0x4579_6553, include_str!("../../migrations/sqlite/store/0001_store.sql"));
    database.execute("INSERT INTO kind VALUES (1, 'page_interaction', 'page_view'), (2, 'x', 'y')", []).unwrap();
    database.execute("INSERT INTO session VALUES (1, 'many'), (2, 'few')", []).unwrap();
    let transaction = database.transaction().unwrap();
    for number in 0..9000_u32 {
        let Event { id, timestamp, received_at, data, .. } = event(number);
        let (session, kind) = (if number % 3 == 0 { 1 } else { 2 }, if number % 10 == 0 { 2 } else { 1 });
        let session = if number > 8990 { 1 } else { session };
        let values = params![timestamp.as_micros(), id.as_bytes(), session, kind, received_at.as_micros(), data];
        transaction.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?)", values).unwrap();
    }
    let columns = "id, kind, reason, errors, received_at, truncated, body";
    let row = format!("INSERT INTO rejected ({columns}) VALUES (?, 'refused', 'invalid', '{{}}', ?, 0, ?)");
    transaction.execute(&row, params![[7_u8; 16], 7, b"{\"a\""]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let options = SqliteStoreOptions { path, max_refused: 10, migrations: Migrations::Apply };
    let store = SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap();
    let count = async |session_id: Option<&str>, category: Option<&str>, last: u128| {
        let filter = Filter {
            session_id: session_id.map(str::to_owned),
            category: category.map(str::to_owned),
            ..Filter::default()
        };
        let query = Query { filter, order: Order::Descending, start: Start::LastPage, size: 10 };
        let page = store.events(query).await.unwrap().unwrap();
        assert_eq!(page.items.last().unwrap().id.as_u128(), last);
        page.count
    };
    assert_eq!(count(None, None, 0).await, 9000);
    assert_eq!(count(None, Some("x"), 0).await, 900);
    assert_eq!(count(Some("many"), None, 0).await, 3006);
    assert_eq!(count(Some("few"), None, 1).await, 5994);
    assert_eq!(count(Some("many"), Some("x"), 0).await, 300);
    let rejected = store.rejected_by_id(uuid::Uuid::from_bytes([7; 16])).await.unwrap().unwrap();
    assert_eq!(rejected.size, 4, "it is as long as its body");
    // It goes on from there.
    let more = Event { session_id: "many".to_owned(), ..event(9000) };
    assert_eq!(store.insert([more].into()).await.unwrap().new, 1);
    assert_eq!(count(Some("many"), None, 0).await, 3007);
    // Another application may send what is there already.
    let again = Event { application: application(1, "shop"), session_id: "many".to_owned(), ..event(0) };
    assert_eq!(store.insert([event(0), again.clone()].into()).await.unwrap().new, 1);
    assert_eq!(count(None, None, 0).await, 9002);
    let filter = Filter { application: Some("shop".to_owned()), ..Filter::default() };
    let query = Query { filter, order: Order::Descending, start: Start::Page(1), size: 10 };
    assert_eq!(store.events(query).await.unwrap().unwrap().items, [again]);
}

#[tokio::test]
async fn who_watched_before_goes_on_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let options = SqliteStoreOptions { path: path.clone(), max_refused: 10, migrations: Migrations::Apply };
    let store = SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap();
    store.insert((0..700).map(event).collect()).await.unwrap();
    drop(store);
    // As it was before applications.
    let database = Connection::open(&path).unwrap();
    let back = "DROP TABLE erasure; DROP TABLE key; DROP TABLE secret; DROP TABLE application; DROP INDEX rejected_application; ALTER TABLE feed DROP COLUMN applications; \
                ALTER TABLE rejected DROP COLUMN application; ALTER TABLE event DROP COLUMN address; \
                CREATE TABLE old (number INTEGER PRIMARY KEY, category TEXT NOT NULL, name TEXT NOT NULL, \
                UNIQUE (category, name)) STRICT; INSERT INTO old SELECT number, category, name FROM kind; \
                DROP TABLE kind; ALTER TABLE old RENAME TO kind";
    database.execute_batch(back).unwrap();
    database.pragma_update(None, "user_version", 5).unwrap();
    drop(database);
    let store = SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap();
    let sent = Event { application: application(1, "shop"), ..event(3) };
    store.insert([sent.clone()].into()).await.unwrap();
    let (mut found, mut place) = (Vec::new(), Place::default());
    loop {
        let news = store.stored_after(place, 100).await.unwrap();
        assert!(!news.missed);
        found.extend(news.items.into_iter().map(|(_, stored)| stored));
        place = news.end;
        if !news.more {
            break;
        }
    }
    assert!(found.into_iter().eq((0..700).map(event).chain([sent]).map(Stored::Event)));
}

fn first_version(path: &Path, application_id: i64, sql: &str) -> Connection {
    let database = Connection::open(path).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.execute_batch(sql).unwrap();
    database.pragma_update(None, "application_id", application_id).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    database
}
