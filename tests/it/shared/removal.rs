//! What is removed from the shared store: counted no more in every state of the database, whoever inserts and folds
//! meanwhile; and months that go as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use the_eye::event::{Event, Expiry, Timestamp};
use the_eye::store::{Filter, Order, PostgresStore, Query, Start, Store};

use super::tally::{WRONG, folded, open};
use crate::support::events::{at, event, kind};
use crate::support::servers;
use crate::support::sql;

fn until(time: Timestamp) -> Expiry {
    Expiry { others: Some(time), ..Expiry::default() }
}

async fn count(store: &PostgresStore, filter: Filter) -> u64 {
    let query = Query { filter, order: Order::Descending, start: Start::LastPage, size: 10 };
    store.events(query).await.unwrap().unwrap().count
}

/// Events whose session is not there: nobody would find them.
const LOST: &str = "SELECT count(*) FROM event WHERE NOT EXISTS (SELECT FROM session WHERE number = event.session)";
const SESSIONS: &str = "SELECT count(*) FROM session WHERE NOT EXISTS (SELECT FROM event WHERE session = number)";

#[tokio::test(flavor = "multi_thread")]
async fn inserts_removals_and_folding_at_once_are_counted_at_every_moment() {
    let url = servers::new_schema().await;
    let stores = [open(&url).await, open(&url).await, open(&url).await].map(Arc::new);
    // Sessions are few, so that they are emptied and come again.
    let of = |worker: u32, batch: u32, row: u32| {
        let number = (batch * 2 + worker) * 3000 + row;
        let session_id = if number.is_multiple_of(3) { "big".to_owned() } else { format!("s{}", number % 40) };
        let name = if number.is_multiple_of(5) { "cta_click" } else { "page_view" };
        let kind = kind("page_interaction", name);
        Event { session_id, kind, timestamp: at(i64::from(number)), ..event(number) }
    };
    let inserting: Vec<_> = (0..2)
        .map(|worker| {
            let store = stores[worker as usize].clone();
            tokio::spawn(async move {
                for batch in 0..8 {
                    let events: Vec<_> = (0..3000).map(|row| of(worker, batch, row)).collect();
                    assert_eq!(store.insert(events.into()).await.unwrap().new, 3000);
                }
                0
            })
        })
        .collect();
    let removing: Vec<_> = (0..2)
        .map(|worker: u32| {
            let store = stores[worker as usize + 1].clone();
            tokio::spawn(async move {
                let mut removed = 0;
                for turn in 0..16_i64 {
                    removed += match worker {
                        0 => store.remove_expired(until(at(turn * 3000)), 1500).await.unwrap(),
                        _ => store.erase_session(format!("s{}", turn % 40), None).await.unwrap().events,
                    };
                }
                removed
            })
        })
        .collect();
    let mut looks = 0;
    while !inserting.iter().chain(&removing).all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(sql(&url, WRONG).await, [""; 0]);
        assert_eq!(sql(&url, LOST).await, ["0"]);
        looks += 1;
    }
    assert!(looks > 1);
    let mut removed = 0;
    for task in inserting.into_iter().chain(removing) {
        removed += task.await.unwrap();
    }
    assert!(removed > 2000, "{removed}");
    assert_eq!(count(&stores[0], Filter::default()).await, 48_000 - removed);
    folded(&url).await;
    assert_eq!(sql(&url, WRONG).await, [""; 0]);
    // Down to nothing: no block is left but the first one, and no session.
    while stores[0].remove_expired(until(Timestamp::MAX), 5000).await.unwrap() > 0 {}
    folded(&url).await;
    assert_eq!(sql(&url, WRONG).await, [""; 0]);
    assert_eq!(sql(&url, "SELECT kind, events FROM tally WHERE list = 0").await, ["0"], "one block, of nothing");
    assert_eq!(sql(&url, "SELECT count(*) FROM session").await, ["0"]);
    assert_eq!(sql(&url, "SELECT count(*) FROM tally WHERE list > 0").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_which_all_has_expired_is_dropped_and_no_other() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    let months = ["2026-03", "2026-04", "2026-05", "2026-06"];
    let of_month = |number: u32| {
        let month = number as usize / 3000;
        let timestamp = Timestamp::parse(&format!("{}-{:02}", months[month], 1 + number % 28)).unwrap();
        // Of April something is kept for ever.
        let category = if month == 1 && number.is_multiple_of(100) { "kept" } else { "page_interaction" };
        let session_id = if number.is_multiple_of(2) { "big".to_owned() } else { format!("s{}", number / 7) };
        Event { timestamp, session_id, kind: kind(category, "page_view"), ..event(number) }
    };
    store.insert((0..12_000).map(of_month).collect()).await.unwrap();
    folded(&url).await;
    let expiry = |time: &str| Expiry {
        others: Some(Timestamp::parse(time).unwrap()),
        by_category: BTreeMap::from([("kept".to_owned(), None)]),
    };
    let partitions = async || {
        sql(
            &url,
            "SELECT relname FROM pg_class WHERE relname LIKE 'event\\_%2026%' AND relkind = 'r' \
                   AND relnamespace = current_schema()::regnamespace ORDER BY 1",
        )
        .await
    };
    assert_eq!(partitions().await.len(), 6, "from March to August");
    // One that is read for long cannot be taken out: it goes event by event meanwhile.
    let (reading, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    reading.batch_execute("BEGIN; SELECT count(*) FROM event").await.unwrap();
    assert_eq!(store.remove_expired(expiry("2026-04-01"), 100).await.unwrap(), 100);
    reading.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.remove_expired(expiry("2026-04-01"), 100).await.unwrap(), 2900, "all that is left of it");
    assert_eq!(store.remove_expired(expiry("2026-04-01"), 100).await.unwrap(), 0);
    assert_eq!((count(&store, Filter::default()).await, sql(&url, WRONG).await), (9000, vec![]));
    // May goes as a whole, April not.
    assert_eq!(store.remove_expired(expiry("2026-06-01"), 100).await.unwrap(), 3000);
    assert_eq!(store.remove_expired(expiry("2026-06-01"), 5000).await.unwrap(), 2970);
    assert_eq!(store.remove_expired(expiry("2026-06-01"), 5000).await.unwrap(), 0);
    assert_eq!(partitions().await, ["event_2026_04", "event_2026_06", "event_2026_07", "event_2026_08"]);
    assert_eq!((count(&store, Filter::default()).await, sql(&url, WRONG).await), (3030, vec![]));
    assert_eq!(sql(&url, SESSIONS).await, ["0"], "sessions of dropped months are gone too");
    assert_eq!(sql(&url, LOST).await, ["0"]);
    // What was taken out by hand is somebody's, and what was taken out here and not dropped is nobody's.
    sql(&url, "ALTER TABLE event DETACH PARTITION event_2026_06; CREATE TABLE event_expired_2025_01 (LIKE event)")
        .await;
    sql(&url, "CREATE TABLE event_expired_notes (LIKE event)").await;
    assert_eq!(store.remove_expired(expiry("2026-07-01"), 100).await.unwrap(), 0);
    let left = ["event_2026_04", "event_2026_06", "event_2026_07", "event_2026_08"];
    assert_eq!(partitions().await, left);
    assert_eq!(sql(&url, "SELECT coalesce(to_regclass('event_expired_2025_01')::text, 'none')").await, ["none"]);
    assert_eq!(
        sql(&url, "SELECT coalesce(to_regclass('event_expired_notes')::text, 'none')").await,
        ["event_expired_notes"]
    );
    // What comes late for a month that is gone has a place all the same.
    let late = Event { timestamp: Timestamp::parse("2026-05-03").unwrap(), ..event(99_999) };
    assert_eq!(store.insert([late].into()).await.unwrap().new, 1);
    assert_eq!((count(&store, Filter::default()).await, sql(&url, WRONG).await), (31, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_leaves_no_key_in_the_feed_nor_where_blocks_begin() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    let of = |number: u32| {
        let session_id = if number % 3 < 2 { "erased" } else { "kept" };
        Event { session_id: session_id.to_owned(), ..event(number) }
    };
    for batch in 0..6 {
        store.insert((batch * 5000..(batch + 1) * 5000).map(of).collect()).await.unwrap();
        folded(&url).await;
    }
    let of_erased = "SELECT count(*) FROM tally WHERE list = 0 AND kind = 0 AND timestamp > '-infinity' \
                     AND ('x' || right(id::text, 8))::bit(32)::int % 3 < 2";
    let in_feed = "SELECT count(*) FROM feed, generate_series(0, octet_length(keys) / 24 - 1) AS place \
                   WHERE ('x' || encode(substr(keys, place * 24 + 21, 4), 'hex'))::bit(32)::int % 3 < 2 \
                   AND substr(keys, place * 24 + 1, 1) <> '\\x80'";
    assert_ne!(sql(&url, of_erased).await, ["0"]);
    assert_ne!(sql(&url, in_feed).await, ["0"]);
    assert_eq!(store.erase_session("erased".to_owned(), None).await.unwrap().events, 20_000);
    assert_eq!(sql(&url, of_erased).await, ["0"]);
    assert_eq!(sql(&url, in_feed).await, ["0"]);
    assert_eq!(sql(&url, WRONG).await, [""; 0]);
    assert_eq!(sql(&url, "SELECT session_id FROM session").await, ["kept"]);
    assert_eq!(count(&store, Filter::default()).await, 10_000);
    assert_eq!(sql(&url, "SELECT events FROM erasure").await, ["20000"]);
}
