//! What every store does. A backend is a way to open it; the tests are the same.

mod applications;
mod blocks;
mod feed;
mod figures;
mod model;
mod removal;
mod residue;
mod sessions;

use std::sync::Arc;

use the_eye::event::{Event, Rejected, RejectedKind, Timestamp};
use the_eye::store::{Filter, Order, Page, Position, Query, Start, Store, StoreError};

use crate::support::events::{at, event, id, kind, refused};
use crate::support::stores::{Backend, postgres, sqlite};
use model::{Random, agrees, fits};

contract!(sqlite postgres: {
    what_is_inserted_is_found_to_the_letter
    id_and_timestamp_are_the_identity_and_the_first_one_stands
    the_newest_event_of_an_id_is_found
    order_is_by_time_and_then_by_id
    every_filter_counts_and_lists
    counts_and_pages_agree_with_a_plain_list
    two_that_store_in_turn_count_the_same_session
    kinds_may_be_hundreds
    times_are_inclusive_and_reach_from_year_1_to_9999
    pages_by_number_have_an_end
    a_cursor_neither_repeats_nor_skips
    a_refused_event_leaves_the_batch_out_and_the_store_well
    everything_survives_a_restart
    rejected_events_are_listed_and_bounded
    stored_events_are_counted_by_key
    a_hundred_thousand_events_at_one_timestamp_are_paged
    a_session_of_a_million_events_is_counted_and_paged
    half_a_million_events_are_counted_and_paged_by_kind_and_time
});

fn query() -> Query {
    Query { filter: Filter::default(), order: Order::Descending, start: Start::Page(1), size: 10 }
}

fn by_session(session_id: &str) -> Filter {
    Filter { session_id: Some(session_id.to_owned()), ..Filter::default() }
}

fn by_kind(category: Option<&str>, name: Option<&str>) -> Filter {
    Filter { category: category.map(str::to_owned), name: name.map(str::to_owned), ..Filter::default() }
}

async fn page(store: &Arc<dyn Store>, query: Query) -> Page<Event> {
    store.events(query).await.unwrap().expect("such a page")
}

fn numbers(page: &Page<Event>) -> Vec<u128> {
    page.items.iter().map(|event| event.id.as_u128()).collect()
}

async fn insert(store: &Arc<dyn Store>, events: impl IntoIterator<Item = Event>) -> usize {
    store.insert(events.into_iter().collect()).await.unwrap().new
}

async fn what_is_inserted_is_found_to_the_letter(backend: impl Backend) {
    let store = backend.open(10).await;
    let mut odd = event(1);
    odd.data = "{\"b\": 18446744073709551616,\n \"a\":-0, \"c\":1.10, \"d\":\"\\u00e9\u{202e}\"}".to_owned();
    odd.session_id = "ein 'Besuch'; --".to_owned();
    assert_eq!(insert(&store, [odd.clone()]).await, 1);
    assert_eq!(page(&store, query()).await.items, [odd.clone()]);
    assert_eq!(store.event(odd.id, None).await.unwrap(), Some(odd));
    assert_eq!(store.event(id(99), None).await.unwrap(), None);
}

async fn id_and_timestamp_are_the_identity_and_the_first_one_stands(backend: impl Backend) {
    let store = backend.open(10).await;
    let first = event(1);
    let again = Event { data: "{}".to_owned(), ..first.clone() };
    let other_time = Event { timestamp: at(2), ..first.clone() };
    assert_eq!(insert(&store, [first.clone(), again.clone()]).await, 1, "twice in one call");
    assert_eq!(insert(&store, [again, other_time.clone()]).await, 1, "and in another");
    assert_eq!(page(&store, query()).await.items, [other_time, first]);
}

async fn the_newest_event_of_an_id_is_found(backend: impl Backend) {
    let store = backend.open(10).await;
    let old = event(5);
    let new = Event { timestamp: at(50), ..old.clone() };
    insert(&store, [new.clone(), old]).await;
    assert_eq!(store.event(new.id, None).await.unwrap(), Some(new));
}

async fn order_is_by_time_and_then_by_id(backend: impl Backend) {
    let store = backend.open(10).await;
    let same_time = |number| Event { timestamp: at(3), ..event(number) };
    insert(&store, [event(1), same_time(9), same_time(2), event(4)]).await;
    assert_eq!(numbers(&page(&store, query()).await), [4, 9, 2, 1]);
    let ascending = Query { order: Order::Ascending, ..query() };
    assert_eq!(numbers(&page(&store, ascending).await), [1, 2, 9, 4]);
}

async fn every_filter_counts_and_lists(backend: impl Backend) {
    let store = backend.open(10).await;
    let kinds = [("page_interaction", "page_view"), ("page_interaction", "cta_click"), ("form_interaction", "submit")];
    let events: Vec<_> = (0..60)
        .map(|number| {
            let (category, name) = kinds[number as usize % 3];
            Event { kind: kind(category, name), session_id: format!("s{}", number % 4), ..event(number) }
        })
        .collect();
    insert(&store, events.clone()).await;
    let (early, late) = (Some(at(10)), Some(at(40)));
    let mut filters = vec![];
    for session_id in [None, Some("s1"), Some("nobody")] {
        for category in [None, Some("page_interaction"), Some("form_interaction"), Some("nothing")] {
            for name in [None, Some("page_view"), Some("submit")] {
                for (start_time, end_time) in [(None, None), (early, None), (None, late), (early, late)] {
                    let session_id = session_id.map(str::to_owned);
                    filters.push(Filter { session_id, start_time, end_time, ..by_kind(category, name) });
                }
            }
        }
    }
    for filter in filters {
        let fits = |event: &&Event| fits(&filter, event);
        let expected: Vec<_> = events.iter().rev().filter(fits).map(|event| event.id.as_u128()).collect();
        for (order, expected) in [
            (Order::Descending, expected.clone()),
            (Order::Ascending, expected.iter().rev().copied().collect::<Vec<_>>()),
        ] {
            let found = page(&store, Query { filter: filter.clone(), order, size: 100, ..query() }).await;
            assert_eq!((found.count, numbers(&found)), (expected.len() as u64, expected), "{filter:?}");
        }
    }
}

/// Events in no order of time, repeats among them, in sessions of few and of many; then queries of
/// every sort, each held against a plain list.
async fn counts_and_pages_agree_with_a_plain_list(backend: impl Backend) {
    let mut random = Random(7);
    let mut stored: Vec<Event> = Vec::new();
    for batch in 0..8 {
        // Opened anew each time: what is remembered from one batch to the next must not matter.
        let store = backend.open(10).await;
        let new: Vec<_> = (0..2500).map(|number| random.event(batch * 2500 + number)).collect();
        let mut given = new.clone();
        given.extend((0..200).filter(|_| batch > 0).map(|_| stored[random.below(stored.len())].clone()));
        assert_eq!(insert(&store, given).await, new.len());
        stored.extend(new);
        stored.sort_by_key(|event| Position::from(event));
        agrees(&store, &stored, &mut random, 40).await;
    }
}

/// What one of them remembers of a session is not true any more once the other one stored.
async fn two_that_store_in_turn_count_the_same_session(backend: impl Backend) {
    let stores = [backend.open(10).await, backend.open(10).await];
    let mut stored = 0;
    for (turn, count) in [500, 600, 550, 1, 900, 3000].into_iter().enumerate() {
        let store = &stores[turn % 2];
        let of_one = (stored..stored + count).map(|number| Event { session_id: "one".to_owned(), ..event(number) });
        assert_eq!(insert(store, of_one).await, count as usize);
        stored += count;
        for store in &stores {
            let last = Query { filter: by_session("one"), start: Start::LastPage, ..query() };
            let last = page(store, last).await;
            assert_eq!((last.count, *numbers(&last).last().unwrap()), (u64::from(stored), 0));
        }
    }
}

async fn kinds_may_be_hundreds(backend: impl Backend) {
    let store = backend.open(10).await;
    let of_kind = |number: u32| Event { kind: kind("many", &format!("kind_{}", number % 600)), ..event(number) };
    insert(&store, (0..6000).map(of_kind).chain([event(6000)])).await;
    for (start, first) in [(Start::Page(1), 5999), (Start::Page(300), 3009), (Start::LastPage, 9)] {
        let found = page(&store, Query { filter: by_kind(Some("many"), None), start, ..query() }).await;
        assert_eq!((found.count, numbers(&found)[0]), (6000, first));
    }
}

async fn times_are_inclusive_and_reach_from_year_1_to_9999(backend: impl Backend) {
    let store = backend.open(10).await;
    let first = Event { timestamp: Timestamp::MIN, ..event(1) };
    let last = Event { timestamp: Timestamp::MAX, ..event(2) };
    insert(&store, [first.clone(), last.clone()]).await;
    for (time, expected) in [(Timestamp::MIN, first), (Timestamp::MAX, last)] {
        let filter = Filter { start_time: Some(time), end_time: Some(time), ..Filter::default() };
        assert_eq!(page(&store, Query { filter, ..query() }).await.items, [expected]);
    }
    let between = Filter { start_time: Some(at(0)), end_time: Some(at(1)), ..Filter::default() };
    assert_eq!(page(&store, Query { filter: between, ..query() }).await.count, 0);
}

async fn pages_by_number_have_an_end(backend: impl Backend) {
    let store = backend.open(10).await;
    let at_page = |start| Query { start, ..query() };
    let empty = page(&store, at_page(Start::Page(1))).await;
    assert_eq!(empty, Page { count: 0, items: vec![], number: Some(1), more: false });
    assert_eq!(page(&store, at_page(Start::LastPage)).await, empty);
    assert_eq!(store.events(at_page(Start::Page(2))).await.unwrap(), None);

    insert(&store, (0..25).map(event)).await;
    let second = page(&store, at_page(Start::Page(2))).await;
    assert_eq!((second.count, second.number, second.more), (25, Some(2), true));
    assert_eq!(numbers(&second), (5..15).rev().collect::<Vec<_>>());
    let last = page(&store, at_page(Start::LastPage)).await;
    assert_eq!((last.number, last.more), (Some(3), false));
    assert_eq!(numbers(&last), [4, 3, 2, 1, 0]);
    for start in [Start::Page(0), Start::Page(4), Start::Page(u64::MAX)] {
        assert_eq!(store.events(at_page(start)).await.unwrap(), None, "{start:?}");
    }
}

async fn a_cursor_neither_repeats_nor_skips(backend: impl Backend) {
    let store = backend.open(10).await;
    insert(&store, (0..30).map(|number| event(number * 10))).await;
    for (order, newcomers) in [(Order::Descending, [295, 5]), (Order::Ascending, [4, 296])] {
        let mut found = vec![];
        let mut next = page(&store, Query { order, size: 7, ..query() }).await;
        loop {
            found.extend(numbers(&next));
            let Some(last) = next.items.last().filter(|_| next.more) else { break };
            // What comes meanwhile may be seen, but moves nothing.
            let start = Start::After(Position::from(last));
            insert(&store, newcomers.map(event)).await;
            next = page(&store, Query { order, size: 7, start, ..query() }).await;
        }
        let steady: Vec<_> = found.iter().filter(|number| *number % 10 == 0).collect();
        assert_eq!(steady.len(), 30);
        found.dedup();
        assert!(found.is_sorted_by(|a, b| (a < b) == (order == Order::Ascending)), "{found:?}");
    }
}

async fn a_refused_event_leaves_the_batch_out_and_the_store_well(backend: impl Backend) {
    let store = backend.open(10).await;
    backend.refuse_session("poison").await;
    let poison = Event { session_id: "poison".to_owned(), ..event(2) };
    let refusal = store.insert([event(1), poison].into()).await.unwrap_err();
    assert!(matches!(refusal, StoreError::Refused(_)), "{refusal}");
    assert_eq!(page(&store, query()).await.count, 0, "all or none");
    assert_eq!(insert(&store, [event(1)]).await, 1);
    assert_eq!(page(&store, Query { filter: by_session(&event(1).session_id), ..query() }).await.count, 1);
}

async fn everything_survives_a_restart(backend: impl Backend) {
    let store = backend.open(10).await;
    insert(&store, (0..5).map(event)).await;
    drop(store);
    let store = backend.open(10).await;
    insert(&store, (3..8).map(event)).await;
    assert_eq!(numbers(&page(&store, query()).await), [7, 6, 5, 4, 3, 2, 1, 0]);
}

async fn rejected_events_are_listed_and_bounded(backend: impl Backend) {
    let store = backend.open(3).await;
    let described = |number: u32| Rejected {
        session_id: Some(format!("s{}", number % 2)),
        category: Some("c".to_owned()),
        name: Some("n".to_owned()),
        ..refused(number)
    };
    let dead_letter = Rejected { kind: RejectedKind::DeadLetter, ..described(0) };
    store.insert_rejected([dead_letter.clone()].into()).await.unwrap();
    store.insert_rejected((1..6).map(described).collect()).await.unwrap();
    store.insert_rejected([described(5)].into()).await.unwrap();
    let list = async |query: Query| store.rejected(query).await.unwrap().unwrap();
    let all = list(query()).await;
    assert_eq!(all.items, [described(5), described(4), described(3), dead_letter.clone()]);
    assert_eq!(all.count, 4);
    assert_eq!(store.rejected_by_id(dead_letter.id).await.unwrap(), Some(dead_letter));
    assert_eq!(store.rejected_by_id(id(99)).await.unwrap(), None);

    let first = list(Query { size: 2, ..query() }).await;
    let start = Start::After(Position::from(first.items.last().unwrap()));
    let second = list(Query { size: 2, start, ..query() }).await;
    assert_eq!((first.items.len(), first.more, second.items.len(), second.more), (2, true, 2, false));
    let time = Filter { start_time: Some(at(4)), end_time: Some(at(4)), ..Filter::default() };
    assert_eq!(list(Query { filter: time, ..query() }).await.items, [described(4)]);
    let session = Filter { session_id: Some("s1".to_owned()), ..by_kind(Some("c"), Some("n")) };
    assert_eq!(list(Query { filter: session, order: Order::Ascending, ..query() }).await.items[0], described(3));
    assert_eq!(list(Query { filter: by_kind(Some("other"), None), ..query() }).await.count, 0);
}

async fn stored_events_are_counted_by_key(backend: impl Backend) {
    let store = backend.open(10).await;
    insert(&store, [event(1), event(2)]).await;
    let keys = [event(1), event(2), event(3)].iter().map(Position::from).collect();
    assert_eq!(store.count_stored(keys).await, Ok(2));
    store.probe().await.unwrap();
}

async fn a_hundred_thousand_events_at_one_timestamp_are_paged(backend: impl Backend) {
    let store = backend.open(10).await;
    let same_time = |number| Event { timestamp: at(7), ..event(number) };
    for batch in 0..5 {
        insert(&store, (batch * 20_000..(batch + 1) * 20_000).map(same_time)).await;
    }
    insert(&store, [event(6), event(8)]).await;
    let all = Query { size: 1000, ..query() };
    let mut found = vec![];
    let mut next = page(&store, all.clone()).await;
    loop {
        assert_eq!(next.count, 100_002);
        found.extend(numbers(&next));
        let Some(last) = next.items.last().filter(|_| next.more) else { break };
        next = page(&store, Query { start: Start::After(last.into()), ..all.clone() }).await;
    }
    // Numbers 6 and 8 are there twice: once at the common time, once at their own.
    let expected = [8].into_iter().chain((0..100_000).rev()).chain([6]);
    assert!(found.iter().copied().eq(expected));
    for (start, first) in [(Start::Page(51), 50_000), (Start::Page(100), 1000), (Start::LastPage, 0)] {
        let by_number = page(&store, Query { start, ..all.clone() }).await;
        assert_eq!(by_number.items[0].id.as_u128(), first, "{start:?}");
    }
}

async fn a_session_of_a_million_events_is_counted_and_paged(backend: impl Backend) {
    let store = backend.open(10).await;
    let of_session = |number: u32| Event {
        session_id: "everything".to_owned(),
        kind: kind("page_interaction", if number.is_multiple_of(10) { "cta_click" } else { "page_view" }),
        ..event(number)
    };
    for batch in 0..50 {
        let start = batch * 20_000;
        assert_eq!(insert(&store, (start..start + 20_000).map(of_session)).await, 20_000);
        insert(&store, [Event { timestamp: at(i64::from(start)), ..event(2_000_000 + start) }]).await;
    }
    let session = by_session("everything");
    let all = Query { filter: session.clone(), size: 1000, ..query() };
    let clicks = Query { filter: Filter { name: Some("cta_click".to_owned()), ..session }, ..all.clone() };
    for (query, count, step) in [(all, 1_000_000_u64, 1_u32), (clicks, 100_000, 10)] {
        for (start, first) in [
            (Start::Page(1), 1_000_000 - step),
            (Start::LastPage, step * 999),
            (Start::Page(count / 2000 + 1), (500_000 - step)),
        ] {
            let found = page(&store, Query { start, ..query.clone() }).await;
            let numbers = numbers(&found);
            assert_eq!((found.count, numbers[0]), (count, u128::from(first)), "{start:?}");
            assert!(numbers.iter().copied().eq((0..1000).map(|row| u128::from(first - row * step))));
        }
    }
}

/// Each batch lies among all those before it, so that blocks are cut up everywhere.
async fn half_a_million_events_are_counted_and_paged_by_kind_and_time(backend: impl Backend) {
    const COUNT: u32 = 500_000;
    let store = backend.open(10).await;
    let names = ["page_view", "cta_click", "page_view", "scroll"];
    for batch in 0..10 {
        let of = |row: u32| {
            let number = row * 10 + batch;
            Event { kind: kind("page_interaction", names[number as usize % 4]), ..event(number) }
        };
        assert_eq!(insert(&store, (0..COUNT / 10).map(of)).await, 50_000);
    }
    insert(&store, [Event { kind: kind("form_interaction", "submit"), timestamp: at(-1), ..event(COUNT) }]).await;
    let all: Vec<u32> = (0..COUNT).collect();
    let views: Vec<u32> = all.iter().copied().filter(|number| number % 2 == 0).collect();
    let scrolls: Vec<u32> = all.iter().copied().filter(|number| number % 4 == 3).collect();
    let of_name = |name: &str| by_kind(None, Some(name));
    let filters =
        [(by_kind(Some("page_interaction"), None), all), (of_name("page_view"), views), (of_name("scroll"), scrolls)];
    let times = [(0, COUNT), (0, 390_001), (7, 499_000), (120_000, 480_000), (200_000, 201_000)];
    for (filter, fitting) in &filters {
        for (from, to) in times {
            let filter = Filter {
                start_time: (from > 0).then(|| at(from.into())),
                end_time: (to < COUNT).then(|| at(i64::from(to) - 1)),
                ..filter.clone()
            };
            let mut expected: Vec<u128> =
                fitting.iter().filter(|number| (from..to).contains(number)).map(|number| u128::from(*number)).collect();
            for order in [Order::Ascending, Order::Descending] {
                for share in [0, 1, 30, 50, 51, 70, 99, 100] {
                    let pages = expected.len().div_ceil(100);
                    let page_number = (pages * share / 100).max(1);
                    let query =
                        Query { filter: filter.clone(), order, start: Start::Page(page_number as u64), size: 100 };
                    let found = page(&store, query).await;
                    let items = expected[(page_number - 1) * 100..].iter().take(100);
                    assert_eq!(found.count, expected.len() as u64, "{filter:?}");
                    assert!(numbers(&found).iter().eq(items), "page {page_number} {order:?} {filter:?}");
                }
                expected.reverse();
            }
        }
    }
}
