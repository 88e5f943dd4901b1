//! The tally of the shared store: true of every state of the database, whoever writes it.

use std::sync::Arc;

use the_eye::Migrations;
use the_eye::clock::Clock;
use the_eye::event::{Event, Timestamp};
use the_eye::metrics::Metrics;
use the_eye::store::{DataLoss, Filter, Order, PostgresStore, PostgresStoreOptions, Query, Start, Store};

use crate::support::events::{at, event, kind};
use crate::support::servers;
use crate::support::sql;

pub async fn open(url: &str) -> PostgresStore {
    let options = PostgresStoreOptions {
        url: url.to_owned(),
        max_refused: 10,
        migrations: Migrations::Apply,
        data_loss: DataLoss::Refuse,
        clock: Clock::Fixed(Timestamp::parse("2026-06-15").unwrap()),
    };
    PostgresStore::open(&options, Arc::new(Metrics::new())).await.unwrap()
}

fn by_session(session_id: &str) -> Filter {
    Filter { session_id: Some(session_id.to_owned()), ..Filter::default() }
}

async fn count(store: &PostgresStore, filter: Filter) -> u64 {
    let query = Query { filter, order: Order::Descending, start: Start::LastPage, size: 10 };
    let page = store.events(query).await.unwrap().unwrap();
    assert!(page.count == 0 || !page.items.is_empty());
    page.count
}

/// What is wrong with the tally in one state of the database: blocks and what is to be folded into them,
/// against the events that lie there.
pub const WRONG: &str = "WITH said AS (SELECT list, kind, timestamp, id, sum(events) AS events FROM \
         (SELECT * FROM tally UNION ALL SELECT * FROM tally_change) AS part GROUP BY 1, 2, 3, 4), \
     block AS (SELECT list, timestamp, id, lead(timestamp, 1, 'infinity') OVER w AS to_timestamp, \
         lead(id, 1, 'ffffffff-ffff-ffff-ffff-ffffffffffff') OVER w AS to_id FROM tally WHERE kind = 0 \
         WINDOW w AS (PARTITION BY list ORDER BY timestamp, id)), \
     of_list AS (SELECT event.*, list FROM event, \
         LATERAL (SELECT 0 AS list UNION ALL SELECT session FROM tallied_session WHERE session = event.session) AS l), \
     there AS (SELECT list, event.kind, block.timestamp, block.id, count(*) AS events \
         FROM of_list AS event JOIN block USING (list) WHERE (event.timestamp, event.id) >= (block.timestamp, block.id) \
         AND (event.timestamp, event.id) < (to_timestamp, to_id) GROUP BY 1, 2, 3, 4), \
     truth AS (SELECT * FROM there UNION ALL SELECT list, 0, timestamp, id, sum(events) FROM there GROUP BY 1, 3, 4), \
     sums AS (SELECT list, kind, sum(events) AS events FROM \
         (SELECT * FROM total UNION ALL SELECT list, kind, events FROM tally_change) AS part GROUP BY 1, 2), \
     true_sums AS (SELECT list, kind, count(*) AS events FROM (SELECT list, kind FROM of_list UNION ALL \
         SELECT list, 0 FROM of_list) AS counted GROUP BY 1, 2) \
     (SELECT concat('block ', said, truth) FROM said FULL JOIN truth USING (list, kind, timestamp, id) \
         WHERE coalesce(said.events, 0) <> coalesce(truth.events, 0)) UNION ALL \
     (SELECT concat('total ', sums, true_sums) FROM sums FULL JOIN true_sums USING (list, kind) \
         WHERE coalesce(sums.events, 0) <> coalesce(true_sums.events, 0)) LIMIT 5";

/// Waits until what was inserted is folded.
pub async fn folded(url: &str) {
    while sql(url, "SELECT count(*) FROM tally_change").await != ["0"] {}
}

#[tokio::test(flavor = "multi_thread")]
async fn four_who_insert_at_once_while_two_fold_are_counted_at_every_moment() {
    let url = servers::new_schema().await;
    let stores = [open(&url).await, open(&url).await].map(Arc::new);
    let of_worker = |worker: u32, batch: u32| {
        // Times of all workers lie among each other, a fifth of the events was there before.
        let number =
            move |row: u32| (batch * 4 + worker) * 15_000 + row - if row < 3000 && batch > 0 { 60_000 } else { 0 };
        let of = move |row: u32| {
            let number = number(row);
            let session_id = if number % 3 == 0 { "big".to_owned() } else { format!("s{}", number / 7) };
            let name = if number % 5 == 0 { "cta_click" } else { "page_view" };
            Event {
                session_id,
                kind: kind("page_interaction", name),
                timestamp: at(i64::from(number % 997)),
                ..event(number)
            }
        };
        (0..15_000).map(of).collect::<Vec<_>>()
    };
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let store = stores[worker as usize % 2].clone();
            tokio::spawn(async move {
                let mut new = 0;
                for batch in 0..5 {
                    new += store.insert(of_worker(worker, batch).into()).await.unwrap().new;
                }
                new as u64
            })
        })
        .collect();
    let mut looks = 0;
    while !workers.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(sql(&url, WRONG).await, [""; 0]);
        looks += 1;
    }
    assert!(looks > 1);
    let mut new = 0;
    for worker in workers {
        new += worker.await.unwrap();
    }
    assert_eq!(count(&stores[0], Filter::default()).await, new);
    folded(&url).await;
    assert_eq!(sql(&url, WRONG).await, [""; 0]);
    assert_eq!(sql(&url, "SELECT count(*) FROM tallied_session").await, ["1"], "the big session has blocks");
    let big = "SELECT count(*) FROM event JOIN session ON number = session WHERE session_id = 'big'";
    assert_eq!(sql(&url, big).await, [count(&stores[1], by_session("big")).await.to_string()]);
    let largest = sql(&url, "SELECT max(events) FROM tally").await.remove(0);
    assert!(largest.parse::<u32>().unwrap() <= 4096, "{largest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_dropped_emptied_or_attached_by_hand_are_counted_anew() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    let months = ["2026-03-10", "2026-04-10", "2026-05-10"].map(|day| Timestamp::parse(day).unwrap());
    let events = (0..9000_u32).map(|number| {
        let session_id = if number % 2 == 0 { "big".to_owned() } else { format!("s{number}") };
        Event { timestamp: months[number as usize / 3000], session_id, ..event(number) }
    });
    store.insert(events.collect()).await.unwrap();
    folded(&url).await;
    // Of some thousand events one has its session looked at.
    for number in 9000..9003 {
        let more = (0..1000).map(|row| Event { session_id: "big".to_owned(), ..event(number * 1000 + row) });
        store.insert(more.collect()).await.unwrap();
        folded(&url).await;
    }
    assert_eq!(sql(&url, "SELECT count(*) FROM tallied_session").await, ["1"]);
    let check = async |all: u64, big: u64| {
        assert_eq!((count(&store, Filter::default()).await, count(&store, by_session("big")).await), (all, big));
        assert_eq!(sql(&url, WRONG).await, [""; 0]);
    };
    check(12_000, 7500).await;
    sql(&url, "DROP TABLE event_2026_04").await;
    check(9000, 6000).await;
    sql(&url, "TRUNCATE event_2026_03").await;
    check(6000, 4500).await;
    // One that has no file of its own.
    sql(
        &url,
        "CREATE TABLE parted (LIKE event) PARTITION BY RANGE (timestamp); \
               ALTER TABLE event ATTACH PARTITION parted FOR VALUES FROM ('2027-01-01') TO ('2027-02-01')",
    )
    .await;
    check(6000, 4500).await;
    sql(&url, "ALTER TABLE event DETACH PARTITION event_2026_05").await;
    check(3000, 3000).await;
    sql(
        &url,
        "ALTER TABLE event ATTACH PARTITION event_2026_05 FOR VALUES FROM ('2026-05-01 0:00Z') TO ('2026-06-01 0:00Z')",
    )
    .await;
    check(6000, 4500).await;
    // Two in turn while somebody asks all the time.
    for month in ["2026_06", "2026_07"] {
        let time = format!("{}-10", month.replace('_', "-"));
        let of_month = |number| Event { timestamp: Timestamp::parse(&time).unwrap(), ..event(number) };
        store.insert((0..1000).map(of_month).collect()).await.unwrap();
    }
    folded(&url).await;
    let asking = async { while count(&store, Filter::default()).await != 6000 {} };
    let emptying = async {
        for month in ["2026_06", "2026_07"] {
            sql(&url, &format!("TRUNCATE event_{month}")).await;
        }
    };
    tokio::join!(asking, emptying);
    check(6000, 4500).await;
    // Rows that are removed one by one are not seen, and can be told of.
    sql(&url, "DELETE FROM event WHERE timestamp >= '2026-05-01'; DELETE FROM tallied_partition").await;
    check(3000, 3000).await;
    sql(&url, "TRUNCATE event").await;
    check(0, 0).await;
    store.insert((0..10).map(event).collect()).await.unwrap();
    check(10, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_first_version_is_counted() {
    let url = servers::new_schema().await;
    sql(&url, include_str!("../../../migrations/postgres/store/0001_store.sql")).await;
    sql(
        &url,
        "INSERT INTO the_eye_migration (version) VALUES (1); \
         INSERT INTO kind (category, name) VALUES ('page_interaction', 'page_view'), ('x', 'y'); \
         INSERT INTO session (session_id) VALUES ('many'), ('few'); \
         INSERT INTO event SELECT '2026-05-01'::timestamptz + number * interval '1 second', gen_random_uuid(), \
             CASE WHEN number % 10 = 0 AND number < 5000 THEN 2 ELSE 1 END, CASE WHEN number % 4 = 0 THEN 2 ELSE 1 END, \
             now(), '{}' FROM generate_series(1, 9000) AS number",
    )
    .await;
    let store = open(&url).await;
    assert_eq!(sql(&url, WRONG).await, [""; 0]);
    assert_eq!(sql(&url, "SELECT session FROM tallied_session").await, ["1"]);
    assert_eq!(count(&store, Filter::default()).await, 9000);
    assert_eq!(count(&store, by_session("many")).await, 8501);
    assert_eq!(count(&store, by_session("few")).await, 499);
    let category = Some("x".to_owned());
    assert_eq!(count(&store, Filter { category, ..by_session("many") }).await, 2001);
    // It goes on from there.
    store.insert([Event { session_id: "many".to_owned(), ..event(1) }].into()).await.unwrap();
    assert_eq!(count(&store, by_session("many")).await, 8502);
}
