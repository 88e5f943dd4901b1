//! The blocks of the embedded store as they are in its file, after whatever was inserted and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use the_eye::Migrations;
use the_eye::event::{Event, Expiry};
use the_eye::metrics::Metrics;
use the_eye::store::{SqliteStore, SqliteStoreOptions, Store};

use super::insert;
use super::model::Random;
use crate::support::events::{at, event, id, kind};

/// A time and a key, as rows have them.
type Mark = (i64, Vec<u8>);

/// Blocks by where they begin, each with its events by kind.
type Blocks = BTreeMap<Mark, BTreeMap<i64, u64>>;

fn blocks(database: &Connection, list: i64) -> Blocks {
    let mut select = database.prepare("SELECT timestamp, id, kind, events FROM tally WHERE list = ?1").unwrap();
    let mut rows = select.query([list]).unwrap();
    let mut blocks = Blocks::new();
    while let Some(row) = rows.next().unwrap() {
        let start = (row.get(0).unwrap(), row.get(1).unwrap());
        blocks.entry(start).or_default().insert(row.get(2).unwrap(), row.get(3).unwrap());
    }
    blocks
}

/// Holds every block and every sum against the events that are there, and says how many blocks of blocks there are.
fn check(path: &Path) -> usize {
    let database = Connection::open(path).unwrap();
    let mut select = database.prepare("SELECT timestamp, id, kind, session FROM event ORDER BY timestamp, id").unwrap();
    let events: Vec<(Mark, i64, i64)> = select
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let numbers = |sql: &str| -> BTreeSet<i64> {
        database.prepare(sql).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let sessions: BTreeSet<i64> = events.iter().map(|(.., session)| *session).collect();
    assert_eq!(numbers("SELECT number FROM session"), sessions);
    assert_eq!(numbers("SELECT number FROM session_hash"), sessions);
    for list in numbers("SELECT DISTINCT list FROM tally") {
        let of_list = events.iter().filter(|(.., session)| list <= 0 || *session == list);
        let found = blocks(&database, list);
        let mut expected: Blocks = found.keys().map(|start| (start.clone(), BTreeMap::new())).collect();
        let mut totals = BTreeMap::new();
        for (mark, event_kind, _) in of_list {
            let (_, block) = expected.range_mut(..=mark.clone()).next_back().expect("the first block is before all");
            for kind in [0, *event_kind] {
                *block.entry(kind).or_default() += 1;
                *totals.entry(kind).or_insert(0_u64) += 1;
            }
        }
        // The first one stays, and says that it has nothing.
        let first = expected.first_entry().unwrap();
        assert_eq!(first.key().0, i64::MIN);
        first.into_mut().entry(0).or_default();
        assert!(expected.values().all(|block| !block.is_empty()), "a block of list {list} has no events");
        assert!(found == expected, "list {list}");
        if list >= 0 {
            let mut select = database.prepare("SELECT kind, events FROM total WHERE list = ?1").unwrap();
            let found = select.query_map([list], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            assert_eq!(found.collect::<Result<BTreeMap<i64, u64>, _>>().unwrap(), totals, "list {list}");
        }
    }
    let (lower, upper) = (blocks(&database, 0), blocks(&database, -1));
    assert!(upper.keys().all(|start| lower.contains_key(start)), "an upper block begins where a block does");
    let keys: BTreeSet<&Mark> = events.iter().map(|(mark, ..)| mark).collect();
    for start in blocks(&database, 0).keys().filter(|start| start.0 > i64::MIN) {
        assert!(keys.contains(start), "a block begins with an event that is there");
    }
    upper.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_the_embedded_store_are_as_they_should_be_whatever_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let options = SqliteStoreOptions { path: path.clone(), max_refused: 10, migrations: Migrations::Apply };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&options, Arc::new(Metrics::new())).unwrap());
    let mut random = Random(3);
    let mut most_upper = 0;
    for turn in 0..7_u32 {
        let new = (0..20_000).map(|number| {
            let number = turn * 20_000 + number;
            // Each session is of a time; some are of all times.
            let session = if number % 10 == 0 { random.below(5) } else { 5 + number as usize / 700 };
            Event {
                timestamp: at(i64::from(number) * 1000 + random.below(30_000_000) as i64),
                id: id((random.below(usize::MAX) as u128) << 32 | u128::from(number)),
                session_id: format!("session-{session}"),
                kind: kind(["a", "b", "c"][random.below(3)], "n"),
                data: "{}".to_owned(),
                ..event(number)
            }
        });
        insert(&store, new.collect::<Vec<_>>()).await;
        most_upper = most_upper.max(check(&path));
        let expiry = |category: &str, time: i64| Expiry {
            others: None,
            by_category: [(category.to_owned(), Some(at(time)))].into(),
        };
        for _ in 0..3 {
            let category = ["a", "b"][random.below(2)];
            let time = i64::from(turn) * 20_000_000 - 50_000_000 + random.below(30_000_000) as i64;
            store.remove_expired(expiry(category, time), 1 + random.below(6000)).await.unwrap();
            check(&path);
        }
        for session in [random.below(5), 5 + random.below(30 * (turn as usize + 1))] {
            store.erase_session(format!("session-{session}"), None).await.unwrap();
            check(&path);
        }
        if turn % 4 == 3 {
            let all = Expiry { others: Some(at(i64::from(turn) * 20_000_000 - 20_000_000)), ..Expiry::default() };
            while store.remove_expired(all.clone(), 5000).await.unwrap() > 0 {}
            check(&path);
        }
    }
    assert!(most_upper > 2, "{most_upper}");
    let all = Expiry { others: Some(at(1_000_000_000)), ..Expiry::default() };
    while store.remove_expired(all.clone(), 5000).await.unwrap() > 0 {}
    assert_eq!(check(&path), 1, "one upper block of nothing");
}
