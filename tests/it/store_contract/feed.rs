//! Following what is stored: everything once, in the order in which it was, from any place on.

use std::sync::Arc;

use the_eye::event::{Event, Rejected};
use the_eye::store::{Place, Store, Stored};

use super::applications::of;
use super::insert;
use crate::support::events::{application, event, refused};
use crate::support::stores::{Backend, postgres, sqlite};

contract!(sqlite postgres: {
    what_is_stored_is_followed_in_order
    a_place_within_a_batch_is_gone_on_from
    repeated_events_are_not_news
    a_place_that_is_not_kept_is_missed
    what_was_removed_is_passed_over
    large_events_are_read_a_few_at_a_time
    refusals_alone_are_trimmed_too
    applications_with_one_key_are_each_followed
});

fn number(stored: &Stored) -> (bool, u128) {
    match stored {
        Stored::Event(event) => (false, event.id.as_u128()),
        Stored::Rejected(rejected) => (true, rejected.id.as_u128()),
    }
}

/// All that is behind a place, and where that ends.
async fn follow(store: &Arc<dyn Store>, mut place: Place, most: usize) -> (Vec<(bool, u128)>, Place) {
    let mut found = Vec::new();
    loop {
        let news = store.stored_after(place, most).await.unwrap();
        assert!(!news.missed);
        found.extend(news.items.iter().map(|(_, stored)| number(stored)));
        place = news.end;
        if !news.more {
            return (found, place);
        }
    }
}

async fn what_is_stored_is_followed_in_order(backend: impl Backend) {
    let store = backend.open(100).await;
    let start = store.newest_place().await.unwrap();
    assert_eq!(follow(&store, start, 10).await, (vec![], start));
    // Within a batch in the order of lists; between batches in that of storing.
    insert(&store, (500..1700).rev().map(event)).await;
    store.insert_rejected([refused(3), refused(4)].into()).await.unwrap();
    insert(&store, (0..100).map(event)).await;
    let events = |numbers: std::ops::Range<u128>| numbers.map(|number| (false, number));
    let expected: Vec<_> = events(500..1700).chain([(true, 3), (true, 4)]).chain(events(0..100)).collect();
    for most in [1, 100, 100_000] {
        let (found, end) = follow(&store, start, most).await;
        assert_eq!(found, expected, "{most}");
        assert_eq!(end, store.newest_place().await.unwrap());
    }
    // Another process of the same store sees the same.
    let (found, end) = follow(&backend.open(100).await, start, 1000).await;
    assert_eq!((found.len(), end), (expected.len(), store.newest_place().await.unwrap()));
}

async fn a_place_within_a_batch_is_gone_on_from(backend: impl Backend) {
    let store = backend.open(100).await;
    let start = store.newest_place().await.unwrap();
    insert(&store, (0..1000).map(event)).await;
    let news = store.stored_after(start, 100_000).await.unwrap();
    let (found, _) = follow(&store, start, 100_000).await;
    for (index, (place, _)) in news.items.iter().enumerate().step_by(37) {
        let place: Place = place.to_string().parse().unwrap();
        assert_eq!(follow(&store, place, 100_000).await.0, found[index + 1..]);
    }
}

async fn repeated_events_are_not_news(backend: impl Backend) {
    let store = backend.open(100).await;
    insert(&store, (0..10).map(event)).await;
    store.insert_rejected([refused(3)].into()).await.unwrap();
    let place = store.newest_place().await.unwrap();
    insert(&store, (0..10).map(event)).await;
    store.insert_rejected([refused(3)].into()).await.unwrap();
    insert(&store, (9..12).map(event)).await;
    assert_eq!(follow(&store, place, 100).await.0, [(false, 10), (false, 11)]);
}

async fn a_place_that_is_not_kept_is_missed(backend: impl Backend) {
    let store = backend.open(100).await;
    insert(&store, [event(0)]).await;
    let old = store.newest_place().await.unwrap();
    // A hundred thousand are kept at least; the shared store removes the others a while later.
    let mut next = 1;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        insert(&store, (next..next + 20_000).map(event)).await;
        next += 20_000;
        let news = store.stored_after(old, 10).await.unwrap();
        if news.missed {
            assert!(next > 100_000, "{next}");
            assert!(!news.items.is_empty(), "it goes on with what is kept");
            break;
        }
        assert!(next < 1_000_000, "it is kept for ever");
        looks.tick().await;
    }
    let newest = store.newest_place().await.unwrap();
    // Of another kind of database, though there is such an entry.
    let foreign: Place =
        newest.to_string().replacen(newest.to_string().split('-').next().unwrap(), "999999999", 1).parse().unwrap();
    assert!(store.stored_after(foreign, 10).await.unwrap().missed);
    let nowhere: Place = "9007199254740991-9007199254740991-1".parse().unwrap();
    let news = store.stored_after(nowhere, 10).await.unwrap();
    assert!(news.missed && news.items.is_empty() && !news.more);
    assert_eq!(news.end, newest);
}

async fn what_was_removed_is_passed_over(backend: impl Backend) {
    let store = backend.open(100).await;
    let start = store.newest_place().await.unwrap();
    store.insert_rejected([refused(1), refused(2), refused(3)].into()).await.unwrap();
    store.remove_rejected(vec![(&refused(2)).into()]).await.unwrap();
    assert_eq!(follow(&store, start, 100).await.0, [(true, 1), (true, 3)]);
}

async fn large_events_are_read_a_few_at_a_time(backend: impl Backend) {
    let store = backend.open(100).await;
    let start = store.newest_place().await.unwrap();
    let large = |number: u32| Event {
        data: format!(r#"{{"host":"a.example","path":"{}"}}"#, "x".repeat(300_000)),
        ..event(number)
    };
    insert(&store, (0..60).map(large)).await;
    let news = store.stored_after(start, 1000).await.unwrap();
    assert!(news.more && news.items.len() <= 16, "{}", news.items.len());
    let (found, _) = follow(&store, start, 1000).await;
    assert!(found.into_iter().eq((0..60).map(|number| (false, number))));
}

async fn refusals_alone_are_trimmed_too(backend: impl Backend) {
    let store = backend.open(100).await;
    store.insert_rejected([refused(0)].into()).await.unwrap();
    let old = store.newest_place().await.unwrap();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    for batch in 1.. {
        store.insert_rejected((batch * 5000..(batch + 1) * 5000).map(refused).collect()).await.unwrap();
        if store.stored_after(old, 1).await.unwrap().missed {
            break;
        }
        assert!(batch < 100, "they are kept for ever");
        looks.tick().await;
    }
}

async fn applications_with_one_key_are_each_followed(backend: impl Backend) {
    let store = backend.open(100).await;
    insert(&store, [event(0)]).await;
    let start = store.newest_place().await.unwrap();
    let events: Vec<Event> = (0..300).flat_map(|number| [0, 2, 9].map(|sender| of(sender, event(number)))).collect();
    for batch in events.chunks(250) {
        insert(&store, batch.iter().rev().cloned()).await;
    }
    let rejected = Rejected { application: application(2, "app-2"), ..refused(3) };
    store.insert_rejected([rejected.clone(), refused(4)].into()).await.unwrap();
    let expected: Vec<Stored> = events.into_iter().skip(1).map(Stored::Event).collect();
    let expected = expected.into_iter().chain([rejected, refused(4)].map(Stored::Rejected));
    let (mut found, mut place) = (Vec::new(), start);
    loop {
        let news = store.stored_after(place, 97).await.unwrap();
        assert!(!news.missed);
        found.extend(news.items.into_iter().map(|(_, stored)| stored));
        place = news.end;
        if !news.more {
            break;
        }
    }
    assert!(found.into_iter().eq(expected), "each once, in the order of lists");
}
