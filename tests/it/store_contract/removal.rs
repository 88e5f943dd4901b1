//! What is removed is gone, and counted no more; all else stays as it was.

use std::sync::Arc;

use the_eye::event::{Event, Expiry, Rejected, RejectedKind, Timestamp};
use the_eye::store::{Filter, Order, Position, Query, Start, Store};

use super::applications::{by_application, of};
use super::model::{Random, agrees};
use super::{by_session, insert, numbers, page, query};
use crate::support::events::{at, event, id, kind, refused};
use crate::support::stores::{Backend, postgres, sqlite};

contract!(sqlite postgres: {
    whatever_is_removed_and_stored_again_counts_and_pages_agree
    events_expire_by_their_category_and_no_others
    rejected_events_expire_and_dead_letters_too
    a_session_becomes_of_many_and_of_few_again
    an_erased_session_is_gone_and_no_other
    a_session_of_one_application_is_erased_alone
    rejected_events_of_an_erased_session_are_gone
    what_comes_after_an_erasure_is_new
    a_session_that_another_process_removed_is_a_new_one
    who_follows_passes_over_what_was_removed
    a_session_that_nobody_sent_is_nothing
});

/// What happened before that time has expired, whatever its category.
fn all_before(time: Timestamp) -> Expiry {
    Expiry { others: Some(time), ..Expiry::default() }
}

async fn count(store: &Arc<dyn Store>, filter: Filter) -> u64 {
    page(store, Query { filter, ..query() }).await.count
}

/// Removes until nothing is left, and says how many went.
async fn remove_all(store: &Arc<dyn Store>, expiry: Expiry) -> u64 {
    let mut removed = 0;
    loop {
        match store.remove_expired(expiry.clone(), 1000).await.unwrap() {
            0 => return removed,
            some => removed += some,
        }
    }
}

async fn erase(store: &Arc<dyn Store>, session_id: &str) -> u64 {
    store.erase_session(session_id.to_owned(), None).await.unwrap().events
}

/// All events, oldest first.
async fn all(store: &Arc<dyn Store>) -> Vec<Event> {
    let mut found: Vec<Event> = Vec::new();
    loop {
        let start = found.last().map_or(Start::Page(1), |last| Start::After(Position::from(last)));
        let next = page(store, Query { order: Order::Ascending, start, size: 1000, ..query() }).await;
        found.extend(next.items);
        if !next.more {
            return found;
        }
    }
}

/// Two stores take turns: what one remembers of a session is not true any more once the other one removed it.
async fn whatever_is_removed_and_stored_again_counts_and_pages_agree(backend: impl Backend) {
    let mut random = Random(23);
    let stores = [backend.open(10).await, backend.open(10).await];
    let (mut stored, mut gone): (Vec<Event>, Vec<Event>) = (Vec::new(), Vec::new());
    for turn in 0..24 {
        let store = &stores[random.below(2)];
        // Some of what was removed comes again, and is new.
        let mut new: Vec<_> = (0..900).map(|number| random.event(turn * 1000 + number)).collect();
        gone.truncate(300);
        new.append(&mut gone);
        assert_eq!(insert(store, new.iter().cloned()).await, new.len());
        stored.extend(new);
        stored.sort_by_key(|event| Position::from(event));
        let store = &stores[random.below(2)];
        let kept = match random.below(5) {
            0 => {
                // The largest session, or one of few.
                let session_id = ["a", "b", "of few 7", "of few 8"][random.below(4)];
                let (of_it, kept): (Vec<_>, Vec<_>) =
                    stored.iter().cloned().partition(|event| event.session_id == session_id);
                assert_eq!(erase(store, session_id).await, of_it.len() as u64);
                kept
            }
            1 | 2 => {
                let most = 1 + random.below(1500);
                let end = stored[random.below(stored.len())].timestamp;
                let expiry = match random.below(3) {
                    0 => all_before(end),
                    1 => Expiry { by_category: [("form_interaction".to_owned(), Some(end))].into(), others: None },
                    _ => Expiry { by_category: [("form_interaction".to_owned(), None)].into(), others: Some(end) },
                };
                let is_expired =
                    |event: &Event| expiry.of(&event.kind.category).is_some_and(|end| event.timestamp < end);
                let removed = store.remove_expired(expiry.clone(), most).await.unwrap();
                let kept = all(store).await;
                let left = kept.iter().filter(|event| is_expired(event)).count();
                let expired = stored.iter().filter(|event| is_expired(event)).count();
                assert_eq!(removed, (expired - left) as u64, "{expiry:?}");
                // The shared store may drop all of 2025 at once.
                let is_month = kept.iter().all(|event| event.timestamp >= at(0));
                assert!(removed <= most as u64 || is_month, "{removed} of {expired}, {most}");
                assert!(removed > 0 || expired == 0);
                assert_eq!(stored.len() - kept.len(), expired - left);
                kept
            }
            3 => {
                let end = stored[random.below(stored.len())].timestamp;
                let kept: Vec<_> = stored.iter().filter(|event| event.timestamp >= end).cloned().collect();
                assert_eq!(remove_all(store, all_before(end)).await, (stored.len() - kept.len()) as u64);
                kept
            }
            _ => stored.clone(),
        };
        let is_kept = |event: &Event| kept.binary_search_by_key(&Position::from(event), Into::into).is_ok();
        gone.extend(stored.iter().filter(|event| !is_kept(event)).cloned());
        stored = kept;
        if stored.is_empty() {
            continue;
        }
        assert!(all(store).await == stored);
        agrees(&stores[random.below(2)], &stored, &mut random, 12).await;
        for session_id in ["a", "b", "of few 7"] {
            let of_it: Vec<_> = stored.iter().filter(|event| event.session_id == session_id).collect();
            let session = store.session(session_id.to_owned(), None).await.unwrap();
            let found = session.map(|session| (session.events, session.first, session.last));
            let ends = of_it.first().zip(of_it.last());
            let expected = ends.map(|(first, last)| (of_it.len() as u64, (*first).into(), (*last).into()));
            assert_eq!(found, expected, "{session_id}");
        }
    }
    // Down to nothing and up again.
    let store = &stores[0];
    assert_eq!(remove_all(store, all_before(Timestamp::MAX)).await, stored.len() as u64);
    assert_eq!((count(store, Filter::default()).await, count(store, by_session("a")).await), (0, 0));
    let again: Vec<_> = stored.iter().take(3000).cloned().collect();
    assert_eq!(insert(&stores[1], again.iter().cloned()).await, again.len());
    agrees(store, &again, &mut random, 12).await;
}

async fn events_expire_by_their_category_and_no_others(backend: impl Backend) {
    let store = backend.open(10).await;
    let categories = ["short", "long", "ever"];
    let of_category = |number: u32| {
        let kind = kind(categories[number as usize % 3], ["a", "b"][number as usize % 2]);
        of(number % 2, Event { kind, ..event(number) })
    };
    insert(&store, (0..3000).map(of_category)).await;
    let until = |short, long| Expiry {
        others: Some(at(long)),
        by_category: [("short".to_owned(), Some(at(short))), ("ever".to_owned(), None)].into(),
    };
    assert_eq!(store.remove_expired(Expiry::default(), 10).await.unwrap(), 0);
    assert_eq!(store.remove_expired(until(0, 0), 10).await.unwrap(), 0, "that time is the first that is kept");
    assert_eq!(store.remove_expired(until(1, 1), 10).await.unwrap(), 1);
    assert_eq!(store.remove_expired(until(1500, 300), 7).await.unwrap(), 7);
    assert_eq!(remove_all(&store, until(1500, 300)).await, 500 + 100 - 8);
    for (category, left) in [("short", 500), ("long", 900), ("ever", 1000)] {
        let filter = Filter { category: Some(category.to_owned()), ..Filter::default() };
        let first = page(&store, Query { filter, order: Order::Ascending, ..query() }).await;
        assert_eq!(first.count, left, "{category}");
    }
    assert_eq!(count(&store, by_application("app-1")).await, 1200);
    assert_eq!(all(&store).await.len(), 2400);
    assert_eq!(numbers(&page(&store, query()).await)[0], 2999);
}

async fn rejected_events_expire_and_dead_letters_too(backend: impl Backend) {
    let store = backend.open(100).await;
    let rejected: Vec<_> = (0..20)
        .map(|number| match number % 4 {
            0 => Rejected { kind: RejectedKind::DeadLetter, ..refused(number) },
            _ => refused(number),
        })
        .collect();
    store.insert_rejected(rejected.into()).await.unwrap();
    let by_category = Expiry { by_category: [("a".to_owned(), Some(Timestamp::MAX))].into(), others: None };
    assert_eq!(store.remove_expired(by_category, 100).await.unwrap(), 0, "nobody knows their category for sure");
    assert_eq!(store.remove_expired(all_before(at(10)), 6).await.unwrap(), 6);
    assert_eq!(store.remove_expired(all_before(at(10)), 6).await.unwrap(), 4);
    assert_eq!(store.remove_expired(all_before(at(10)), 6).await.unwrap(), 0);
    let left = store.rejected(Query { size: 100, ..query() }).await.unwrap().unwrap();
    assert_eq!(left.items.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(), (10..20).rev().collect::<Vec<_>>());
}

async fn a_session_becomes_of_many_and_of_few_again(backend: impl Backend) {
    let stores = [backend.open(10).await, backend.open(10).await];
    let of_one =
        |number: u32| Event { session_id: if number % 5 < 4 { "one" } else { "two" }.to_owned(), ..event(number) };
    let (mut first, mut next) = (0, 0);
    // The shared store looks at the session of one event of a thousand.
    for (turn, (more, left)) in
        [(900, 200), (6000, 1500), (10, 1300), (20, 1200), (5, 300), (2000, 1251), (1, 0), (40_000, 20)]
            .iter()
            .enumerate()
    {
        let [this, other] = [&stores[turn % 2], &stores[(turn + 1) % 2]];
        insert(this, (next..next + more).map(of_one)).await;
        next += more;
        let check = async |from: u32| {
            for (session_id, wanted) in [("one", 0..4), ("two", 4..5)] {
                let expected = (from..next).filter(|number| wanted.contains(&(number % 5))).count() as u64;
                for store in &stores {
                    assert_eq!(count(store, by_session(session_id)).await, expected, "{session_id} in turn {turn}");
                    let deep = Query { filter: by_session(session_id), start: Start::LastPage, ..query() };
                    let oldest = numbers(&page(store, deep).await).last().copied();
                    assert_eq!(oldest, (from..next).find(|number| wanted.contains(&(number % 5))).map(u128::from));
                }
            }
        };
        check(first).await;
        assert_eq!(remove_all(other, all_before(at(i64::from(next - left)))).await, u64::from(next - left - first));
        first = next - left;
        check(first).await;
    }
}

async fn an_erased_session_is_gone_and_no_other(backend: impl Backend) {
    let store = backend.open(10).await;
    // More than one step takes.
    let of_two = |number: u32| Event {
        session_id: if number.is_multiple_of(2) { "one" } else { "two" }.to_owned(),
        ..event(number)
    };
    insert(&store, (0..9000).map(of_two)).await;
    let erased = store.erase_session("one".to_owned(), None).await.unwrap();
    assert_eq!((erased.events, erased.rejected), (4500, vec![]));
    assert_eq!((count(&store, by_session("one")).await, count(&store, Filter::default()).await), (0, 4500));
    assert_eq!(store.session("one".to_owned(), None).await.unwrap(), None);
    assert_eq!(store.event(id(10), None).await.unwrap(), None);
    let expected: Vec<_> = (0..9000).map(of_two).filter(|event| event.session_id == "two").collect();
    assert!(all(&store).await == expected);
    let again = store.erase_session("one".to_owned(), None).await.unwrap();
    assert_eq!(again.events, 0);
    assert_ne!(again.id, erased.id);
}

async fn a_session_of_one_application_is_erased_alone(backend: impl Backend) {
    let store = backend.open(10).await;
    let sent = |number: u32| of(number % 3, Event { session_id: "one".to_owned(), ..event(number) });
    insert(&store, (0..6000).map(sent)).await;
    let erased = store.erase_session("one".to_owned(), Some("app-1".to_owned())).await.unwrap();
    assert_eq!(erased.events, 2000);
    assert_eq!((count(&store, by_application("app-1")).await, count(&store, by_session("one")).await), (0, 4000));
    for nobody in ["app-9", "a\0b", ""] {
        assert_eq!(store.erase_session("one".to_owned(), Some(nobody.to_owned())).await.unwrap().events, 0);
    }
    assert_eq!(erase(&store, "one").await, 4000);
    assert_eq!(all(&store).await, []);
}

async fn rejected_events_of_an_erased_session_are_gone(backend: impl Backend) {
    let store = backend.open(100).await;
    let with_body = |number, body: &str| Rejected { body: body.as_bytes().to_vec(), ..refused(number) };
    let of_session = |number, session_id: &str| Rejected { session_id: Some(session_id.to_owned()), ..refused(number) };
    let shop = of(1, event(0)).application;
    let rows = [
        of_session(1, "é 1"),
        of_session(2, "é 2"),
        Rejected { kind: RejectedKind::DeadLetter, ..of_session(3, "é 1") },
        with_body(4, "{\"session_id\": \"\\u00e9 1\","),
        with_body(5, "{\"session_id\": \"é 10\","),
        with_body(6, "session_id=%C3%A9+1&data="),
        // Whose it is is known.
        Rejected { session_id: Some("é 2".to_owned()), ..with_body(7, "[\"é 1\"") },
        Rejected { application: shop.clone(), ..of_session(8, "é 1") },
        Rejected { application: shop, ..with_body(9, "[\"é 1\"") },
    ];
    store.insert_rejected(rows.to_vec().into()).await.unwrap();
    let ids = |rows: &[u128]| rows.iter().map(|row| id(*row)).collect::<Vec<_>>();
    let of_shop = store.erase_session("é 1".to_owned(), Some("app-1".to_owned())).await.unwrap();
    assert_eq!((of_shop.events, of_shop.rejected), (0, ids(&[8, 9])));
    assert_eq!(store.erase_session("é 1".to_owned(), None).await.unwrap().rejected, ids(&[1, 3, 4, 6]));
    let left = store.rejected(Query { order: Order::Ascending, ..query() }).await.unwrap().unwrap();
    assert_eq!(left.items.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(), [2, 5, 7]);
}

async fn what_comes_after_an_erasure_is_new(backend: impl Backend) {
    let store = backend.open(10).await;
    let of_one = |number: u32| Event { session_id: "one".to_owned(), ..event(number) };
    for count_of in [3, 1500, 1500, 3] {
        assert_eq!(insert(&store, (0..count_of).map(of_one)).await, count_of as usize);
        assert_eq!(count(&store, by_session("one")).await, u64::from(count_of));
        assert_eq!(erase(&store, "one").await, u64::from(count_of));
        assert_eq!(count(&store, Filter::default()).await, 0);
    }
}

/// It remembers the session by a number that may be another one's by now.
async fn a_session_that_another_process_removed_is_a_new_one(backend: impl Backend) {
    let (this, other) = (backend.open(10).await, backend.open(10).await);
    let of_session = |number: u32, session_id: &str| Event { session_id: session_id.to_owned(), ..event(number) };
    for turn in 0..6 {
        let first = turn * 10;
        insert(&this, [of_session(first, "kept"), of_session(first + 1, "erased")]).await;
        assert_eq!(erase(&other, "erased").await, 1);
        // Its number is free, and this one may take it.
        insert(&other, [of_session(first + 2, &format!("new {turn}"))]).await;
        insert(&this, [of_session(first + 3, "erased"), of_session(first + 4, "kept")]).await;
        for store in [&this, &other] {
            let of = async |session_id: &str| {
                numbers(&page(store, Query { filter: by_session(session_id), size: 100, ..query() }).await)
            };
            assert_eq!(of("erased").await, [u128::from(first + 3)]);
            assert_eq!(of(&format!("new {turn}")).await, [u128::from(first + 2)]);
            assert_eq!(of("kept").await.len(), 2 * turn as usize + 2);
        }
        assert_eq!(erase(&this, "erased").await, 1);
    }
}

async fn who_follows_passes_over_what_was_removed(backend: impl Backend) {
    let store = backend.open(10).await;
    let start = store.newest_place().await.unwrap();
    insert(&store, (0..2000).map(event)).await;
    store.insert_rejected([Rejected { session_id: Some("session-3".to_owned()), ..refused(1) }].into()).await.unwrap();
    insert(&store, (2000..2010).map(event)).await;
    let removed = remove_all(&store, all_before(at(100))).await;
    assert_eq!(removed, 101, "the rejected event too");
    erase(&store, "session-4").await;
    let (mut found, mut place) = (Vec::new(), start);
    loop {
        let news = store.stored_after(place, 700).await.unwrap();
        assert!(!news.missed);
        found.extend(news.items.into_iter().map(|(_, stored)| match stored {
            the_eye::store::Stored::Event(event) => event.id.as_u128(),
            the_eye::store::Stored::Rejected(row) => panic!("{row:?}"),
        }));
        place = news.end;
        if !news.more {
            break;
        }
    }
    let expected: Vec<_> = (100..2010).filter(|number| number % 7 != 4).collect();
    assert_eq!(found, expected);
    assert_eq!(place, store.newest_place().await.unwrap());
}

async fn a_session_that_nobody_sent_is_nothing(backend: impl Backend) {
    let store = backend.open(10).await;
    // Its only event was there as another one's.
    insert(&store, [event(1), Event { session_id: "of nothing".to_owned(), ..event(1) }]).await;
    for session_id in ["nobody", "of nothing", "", "a\0b", "'; DROP TABLE event --"] {
        let erased = store.erase_session(session_id.to_owned(), None).await.unwrap();
        assert_eq!((erased.events, erased.rejected), (0, vec![]));
    }
    assert_eq!(all(&store).await, [event(1)]);
    store.scrub().await.unwrap();
    assert!(!store.residues().is_empty());
}
