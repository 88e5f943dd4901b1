//! Figures of a stretch of time, held against plain sums over the same events.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use the_eye::event::{Event, EventKind, RejectedKind, Timestamp};
use the_eye::store::{Filter, Intervals, Position, ReasonCount, Store};

use super::applications::{by_application, of};
use super::{by_kind, by_session, insert};
use crate::support::events::{at, event, id, kind, refused, sent_by};
use crate::support::stores::{Backend, postgres, sqlite};

contract!(sqlite postgres: {
    counts_agree_with_a_plain_sum
    nothing_is_counted_where_nothing_is
    a_sample_of_few_is_all_of_them
    a_sample_of_many_is_spread_over_all_of_them
    rejected_events_are_counted_by_reason_and_removed
    a_store_has_a_size
    figures_of_applications_agree_with_a_plain_sum
});

/// Events in disorder: three kinds, one session of half of them, many of few.
fn mixed(count: u32) -> Vec<Event> {
    let names = ["page_view", "cta_click", "scroll"];
    let mixed = |number: u32| {
        let session = if number.is_multiple_of(2) { 0 } else { number / 20 + 1 };
        Event {
            timestamp: at(i64::from(number.wrapping_mul(2_654_435_761) % 1_000_000)),
            session_id: format!("session-{session}"),
            kind: kind("page_interaction", names[(number % 7 % 3) as usize]),
            data: format!(r#"{{"host":"h{}.example","path":"/"}}"#, number % 10),
            ..event(number)
        }
    };
    (0..count).map(mixed).collect()
}

/// Stored in batches, so that blocks come to be as they do.
async fn store(store: &Arc<dyn Store>, events: &[Event]) {
    for batch in events.chunks(7000) {
        insert(store, batch.iter().cloned()).await;
    }
}

fn passes(filter: &Filter, event: &Event) -> bool {
    filter.session_id.as_ref().is_none_or(|session| *session == event.session_id)
        && filter.category.as_ref().is_none_or(|category| *category == event.kind.category)
        && filter.name.as_ref().is_none_or(|name| *name == event.kind.name)
        && filter.application.as_ref().is_none_or(|name| sent_by(event) == Some(name))
        && filter.start_time.is_none_or(|time| time <= event.timestamp)
        && filter.end_time.is_none_or(|time| event.timestamp <= time)
}

fn counted(events: &[Event], filter: &Filter, edges: &[Timestamp]) -> Vec<BTreeMap<EventKind, u64>> {
    let interval = |ends: &[Timestamp]| {
        let mut counts = BTreeMap::new();
        let within = |event: &&Event| (ends[0]..ends[1]).contains(&event.timestamp) && passes(filter, event);
        for event in events.iter().filter(within) {
            *counts.entry((*event.kind).clone()).or_default() += 1;
        }
        counts
    };
    edges.windows(2).map(interval).collect()
}

async fn counts(store: &Arc<dyn Store>, filter: &Filter, edges: &[Timestamp]) -> Vec<BTreeMap<EventKind, u64>> {
    let intervals = Intervals { filter: filter.clone(), edges: edges.to_vec() };
    let counts = store.counts(intervals).await.unwrap();
    counts
        .into_iter()
        .map(|counts| counts.into_iter().map(|(kind, events)| ((*kind).clone(), events)).collect())
        .collect()
}

async fn counts_agree_with_a_plain_sum(backend: impl Backend) {
    let store_ = backend.open(10).await;
    let events = mixed(40_000);
    store(&store_, &events).await;
    let filters = [
        Filter::default(),
        by_session("session-0"),
        by_session("session-7"),
        by_session("nobody"),
        by_kind(Some("page_interaction"), None),
        by_kind(None, Some("scroll")),
        by_kind(None, Some("nothing")),
        Filter { session_id: Some("session-0".to_owned()), ..by_kind(None, Some("cta_click")) },
        // Times are the edges', whatever the filter says.
        Filter { start_time: Some(at(500_000)), end_time: Some(at(0)), ..by_kind(None, Some("scroll")) },
    ];
    let even = |step: i64| (-2..=1_200_000 / step).map(|number| at(number * step)).collect::<Vec<_>>();
    let edges = [
        even(100_000),
        even(7001),
        vec![at(1), at(2), at(3), at(400_000), at(400_100), at(999_999), at(1_000_000)],
        vec![Timestamp::MIN, at(500_000), Timestamp::MAX],
    ];
    for filter in &filters {
        for edges in &edges {
            let plain = Filter { start_time: None, end_time: None, ..filter.clone() };
            let expected = counted(&events, &plain, edges);
            assert_eq!(counts(&store_, filter, edges).await, expected, "{filter:?} {edges:?}");
        }
    }
}

async fn nothing_is_counted_where_nothing_is(backend: impl Backend) {
    let store = backend.open(10).await;
    let found = counts(&store, &Filter::default(), &[at(0), at(1), at(2)]).await;
    assert_eq!(found, [BTreeMap::new(), BTreeMap::new()]);
    let sample = store.sample(Filter::default(), 100).await.unwrap();
    assert!(sample.is_whole() && sample.count == 0 && sample.sessions == 0 && sample.events.is_empty());
}

async fn a_sample_of_few_is_all_of_them(backend: impl Backend) {
    let store_ = backend.open(10).await;
    let events = mixed(20_000);
    store(&store_, &events).await;
    let filters = [
        Filter { start_time: Some(at(100_000)), end_time: Some(at(200_000)), ..Filter::default() },
        Filter { start_time: Some(at(100_000)), end_time: Some(at(200_000)), ..by_session("session-0") },
        Filter { end_time: Some(at(200_000)), ..by_kind(None, Some("scroll")) },
        by_session("session-7"),
        by_session("nobody"),
    ];
    for filter in filters {
        let mut expected: Vec<&Event> = events.iter().filter(|event| passes(&filter, event)).collect();
        expected.sort_by_key(|event| Position::from(*event));
        let sample = store_.sample(filter.clone(), 5000).await.unwrap();
        assert!(sample.is_whole(), "{filter:?}");
        assert!(sample.events.iter().eq(expected.iter().copied()), "{filter:?}");
        let sessions: HashSet<_> = expected.iter().map(|event| &event.session_id).collect();
        assert_eq!(sample.sessions, sessions.len() as u64);
    }
}

async fn a_sample_of_many_is_spread_over_all_of_them(backend: impl Backend) {
    let store_ = backend.open(10).await;
    // The host changes with time, and each session has ten events on end.
    let host = |number: u32| format!(r#"{{"host":"h{}","path":"/"}}"#, number / 12_000);
    let events = (0..120_000).map(|number: u32| Event {
        session_id: format!("session-{}", number / 10),
        data: host(number),
        ..event(number)
    });
    store(&store_, &events.collect::<Vec<_>>()).await;
    let between = Filter { start_time: Some(at(24_000)), end_time: Some(at(119_999)), ..Filter::default() };
    let page_views = by_kind(None, Some("page_view"));
    for (filter, first) in [(Filter::default(), 0), (between, 24_000), (page_views, 0)] {
        let count = u64::from(120_000 - first);
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
        for look in 1.. {
            let sample = store_.sample(filter.clone(), 5000).await.unwrap();
            assert_eq!(sample.count, count);
            assert!(!sample.is_whole());
            let size = sample.events.len() as u64;
            assert!((2500..=5500).contains(&size), "{size}");
            assert!(sample.events.iter().all(|event| passes(&filter, event)));
            let estimate = |number| {
                let here = sample.events.iter().filter(|event| event.data == host(number)).count();
                sample.estimate(here as u64)
            };
            let estimates: Vec<_> = (first..120_000).step_by(12_000).map(estimate).collect();
            let sessions = sample.sessions();
            let is_near = |found: u64, wanted: u64| (wanted * 7 / 10..=wanted * 13 / 10).contains(&found);
            if estimates.iter().all(|&events| is_near(events, 12_000)) && is_near(sessions, count / 10) {
                break;
            }
            // The shared store cuts blocks up a while later.
            assert!(look < 400, "{estimates:?} {sessions}");
            looks.tick().await;
        }
    }
}

async fn rejected_events_are_counted_by_reason_and_removed(backend: impl Backend) {
    let store = backend.open(100).await;
    let mut rows: Vec<_> = (1..=5).map(refused).collect();
    rows[3].reason = "unknown_event_type".to_owned();
    rows[4].kind = RejectedKind::DeadLetter;
    rows[4].reason = "x".repeat(10_000);
    store.insert_rejected(rows.clone().into()).await.unwrap();
    let count = |kind, reason: &str, count| ReasonCount { kind, reason: reason.to_owned(), count };
    let found = store.rejected_by_reason(Filter::default()).await.unwrap();
    assert_eq!(
        found,
        [
            count(RejectedKind::Refused, "invalid", 3),
            count(RejectedKind::Refused, "unknown_event_type", 1),
            count(RejectedKind::DeadLetter, &rows[4].reason, 1),
        ]
    );
    let invalid = Filter { reason: Some("invalid".to_owned()), ..Filter::default() };
    let early = Filter { end_time: Some(at(2)), ..invalid.clone() };
    assert_eq!(store.rejected_by_reason(early).await.unwrap(), [count(RejectedKind::Refused, "invalid", 2)]);
    let page = store.rejected(the_eye::store::Query { filter: invalid, ..super::query() }).await.unwrap().unwrap();
    assert_eq!((page.count, page.items.len()), (3, 3));

    let keys =
        vec![Position::from(&rows[0]), Position::from(&rows[4]), Position { time: at(1), id: id(99), application: 0 }];
    assert_eq!(store.remove_rejected(keys.clone()).await, Ok(2));
    assert_eq!(store.remove_rejected(keys).await, Ok(0));
    let left = store.rejected_by_reason(Filter::default()).await.unwrap();
    assert_eq!(left.iter().map(|reason| reason.count).sum::<u64>(), 3);
}

async fn a_store_has_a_size(backend: impl Backend) {
    let store_ = backend.open(10).await;
    let empty = store_.size().await.unwrap();
    store(&store_, &mixed(20_000)).await;
    // Each event is more than a hundred bytes, whatever is around it.
    assert!(store_.size().await.unwrap() > empty + 2_000_000);
}

async fn figures_of_applications_agree_with_a_plain_sum(backend: impl Backend) {
    let store_ = backend.open(10).await;
    // Of each id and time one event, and of some another one that another application has sent.
    let events: Vec<Event> = mixed(15_000)
        .into_iter()
        .zip(0_u32..)
        .flat_map(|(event, number)| {
            let other = of(number % 4, event.clone());
            let again = (number % 5 == 0).then(|| of(number % 4 + 1, Event { data: "{}".to_owned(), ..event }));
            [other].into_iter().chain(again)
        })
        .collect();
    store(&store_, &events).await;
    let named = |name: &str| Some(name.to_owned());
    let filters = [
        Filter::default(),
        by_kind(None, Some("scroll")),
        by_application("app-1"),
        by_application("app-4"),
        by_application("nobody"),
        Filter { application: named("app-2"), ..by_session("session-0") },
        Filter { application: named("app-3"), ..by_session("session-7") },
        Filter { application: named("app-3"), ..by_kind(Some("page_interaction"), Some("scroll")) },
    ];
    let even = |step: i64| (-1..=1_200_000 / step).map(|number| at(number * step)).collect::<Vec<_>>();
    for filter in &filters {
        for edges in [even(100_000), even(7001), vec![Timestamp::MIN, at(500_000), Timestamp::MAX]] {
            assert_eq!(counts(&store_, filter, &edges).await, counted(&events, filter, &edges), "{filter:?}");
        }
        let filter = Filter { start_time: Some(at(100_000)), end_time: Some(at(300_000)), ..filter.clone() };
        let mut expected: Vec<&Event> = events.iter().filter(|event| passes(&filter, event)).collect();
        expected.sort_by_key(|event| Position::from(*event));
        let sample = store_.sample(filter.clone(), 5000).await.unwrap();
        assert!(sample.is_whole() && sample.events.iter().eq(expected), "{filter:?}");
    }
    let part = store_.sample(by_application("app-1"), 1000).await.unwrap();
    assert!(!part.is_whole() && !part.events.is_empty());
    assert!(part.events.iter().all(|event| sent_by(event).is_some_and(|name| name == "app-1")));
}
