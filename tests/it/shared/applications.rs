//! Applications in the shared store: what its tables hold beyond what every store shows.

use the_eye::event::Event;
use the_eye::store::{Filter, Order, Position, Query, Start, Store};

use super::tally::{WRONG, folded, open};
use crate::support::events::{application, event};
use crate::support::{servers, sql};

/// An event of the application with that number, or of none for 0.
fn of(number: u32, event: Event) -> Event {
    let application = if number == 0 { None } else { application(number, &format!("app-{number}")) };
    Event { application, ..event }
}

fn all(start: Start, size: u32) -> Query {
    Query { filter: Filter::default(), order: Order::Ascending, start, size }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_block_begins_between_events_of_one_id_and_time() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    // As many of each as do not go into a block.
    let events: Vec<Event> = (0..5000).flat_map(|number| [0, 1, 2].map(|sender| of(sender, event(number)))).collect();
    store.insert(events.clone().into()).await.unwrap();
    folded(&url).await;
    let blocks: u32 = sql(&url, "SELECT count(*) FROM tally WHERE list = 0 AND kind = 0").await[0].parse().unwrap();
    assert!(blocks > 2, "{blocks}");
    assert_eq!(sql(&url, WRONG).await, Vec::<String>::new());
    // More, behind and among them, so that blocks are cut up again.
    let more: Vec<Event> = (2000..8000).flat_map(|number| [3, 1].map(|sender| of(sender, event(number)))).collect();
    let new = store.insert(more.clone().into()).await.unwrap().new;
    assert_eq!(new, 6000 + 3000);
    folded(&url).await;
    assert_eq!(sql(&url, WRONG).await, Vec::<String>::new());
    let mut expected = [events, more].concat();
    expected.sort_by_key(|event| Position::from(event));
    expected.dedup();
    for (number, rows) in (1..).zip(expected.chunks(1000)) {
        let page = store.events(all(Start::Page(number), 1000)).await.unwrap().unwrap();
        assert!(page.count == expected.len() as u64 && page.items == rows, "page {number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_first_version_goes_on() {
    let url = servers::new_schema().await;
    sql(&url, include_str!("../../../migrations/postgres/store/0001_store.sql")).await;
    // A month that was made, one that somebody made by hand, and what is in neither.
    sql(
        &url,
        "INSERT INTO the_eye_migration (version) VALUES (1); \
         CREATE TABLE event_2026_01 PARTITION OF event FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00'); \
         CREATE TABLE by_hand (LIKE event INCLUDING ALL); \
         ALTER TABLE event ATTACH PARTITION by_hand FOR VALUES FROM ('2025-12-01 00:00+00') TO ('2026-01-01 00:00+00'); \
         INSERT INTO session (session_id) VALUES ('many'), ('few'); \
         INSERT INTO kind (category, name) VALUES ('page_interaction', 'page_view'); \
         INSERT INTO event SELECT '2025-12-31 23:59:59+00'::timestamptz + number * interval '1 millisecond', \
             ('00000000-0000-0000-0000-' || lpad(to_hex(number), 12, '0'))::uuid, 1 + number % 2, 1, now(), '{}' \
         FROM generate_series(1, 3000) AS number",
    )
    .await;
    let store = open(&url).await;
    let old = store.events(all(Start::Page(1), 1000)).await.unwrap().unwrap();
    assert_eq!((old.count, old.items.len()), (3000, 1000));
    assert!(old.items.iter().all(|event| event.application.is_none() && event.address.is_none()));
    // What is there already is sent again, and by another.
    let again: Vec<Event> = old.items.iter().flat_map(|event| [0, 7].map(|sender| of(sender, event.clone()))).collect();
    assert_eq!(store.insert(again.into()).await.unwrap().new, 1000);
    let filter = Filter { application: Some("app-7".to_owned()), ..Filter::default() };
    let of_it = store.events(Query { filter, ..all(Start::LastPage, 1000) }).await.unwrap().unwrap();
    assert!(of_it.count == 1000 && of_it.items.iter().zip(&old.items).all(|(new, old)| *new == of(7, old.clone())));
    folded(&url).await;
    assert_eq!(sql(&url, WRONG).await, Vec::<String>::new());
    let without = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
                   WHERE inhparent = 'event'::regclass AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = inhrelid \
                   AND indisprimary AND indnatts = 3)";
    assert_eq!(sql(&url, without).await, Vec::<String>::new(), "partitions that would take an event twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_come_with_events_are_not_given_again() {
    let url = servers::new_schema().await;
    let store = open(&url).await;
    let give = "INSERT INTO application (name) VALUES (gen_random_uuid()) RETURNING number";
    assert_eq!(sql(&url, give).await, ["1"]);
    for (number, next) in [(7, "8"), (3, "9"), (9, "10"), (20, "21")] {
        let sent = Event { application: application(number, &format!("new-{number}-{next}")), ..event(number) };
        let is_given = number == 9;
        assert_eq!(store.insert([sent].into()).await.is_err(), is_given);
        assert_eq!(sql(&url, give).await, [next]);
    }
}
