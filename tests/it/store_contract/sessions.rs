//! Lists of sessions, held against a plain list of the same ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use the_eye::event::{Event, Timestamp};
use the_eye::store::{Order, Position, Session, SessionQuery, Store};

use super::applications::of;
use super::insert;
use crate::support::events::{at, event, sent_by};
use crate::support::stores::{Backend, postgres, sqlite};

contract!(sqlite postgres: {
    sessions_are_listed_by_their_last_event
    a_long_session_does_not_hide_those_before_it
    a_session_is_found_by_its_id
    sessions_of_one_application_are_as_if_there_were_no_others
    few_events_of_an_application_among_many_are_found
});

const ALL: SessionQuery = SessionQuery {
    start_time: None,
    end_time: None,
    application: None,
    order: Order::Descending,
    after: None,
    size: 7,
};

fn mixed(count: u32) -> Vec<Event> {
    let mixed = |number: u32| Event {
        timestamp: at(i64::from(number.wrapping_mul(2_654_435_761) % 3000)),
        session_id: format!("session-{}", number % 61),
        ..event(number)
    };
    (0..count).map(mixed).collect()
}

/// The sessions of these events, each as a list shows it and with the event that stands for it.
fn sessions(events: &[Event], query: &SessionQuery) -> Vec<Session> {
    let mut sessions: BTreeMap<&str, (Session, Option<Position>)> = BTreeMap::new();
    let of_it = |event: &&Event| query.application.as_ref().is_none_or(|name| sent_by(event) == Some(name));
    for event in events.iter().filter(of_it) {
        let at = Position::from(event);
        let new = || Session { session_id: event.session_id.clone(), events: 0, first: at, last: at };
        let (session, stands) = sessions.entry(&event.session_id).or_insert_with(|| (new(), None));
        session.events += 1;
        session.first = session.first.min(at);
        session.last = session.last.max(at);
        let within =
            query.start_time.is_none_or(|time| time <= at.time) && query.end_time.is_none_or(|time| at.time <= time);
        *stands = (*stands).max(Some(at).filter(|_| within));
    }
    let mut listed: Vec<_> = sessions.into_values().filter_map(|(session, stands)| Some((stands?, session))).collect();
    listed.sort_by_key(|(stands, _)| *stands);
    if query.order == Order::Descending {
        listed.reverse();
    }
    listed.into_iter().map(|(_, session)| session).collect()
}

/// All pages on end, and how many there were.
async fn follow(store: &Arc<dyn Store>, query: &SessionQuery) -> (Vec<Session>, usize) {
    let mut query = query.clone();
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = store.sessions(query.clone()).await.unwrap();
        assert!(page.items.len() <= query.size as usize);
        found.extend(page.items);
        pages += 1;
        let Some(next) = page.next else { return (found, pages) };
        query.after = Some(next);
    }
}

async fn sessions_are_listed_by_their_last_event(backend: impl Backend) {
    let store = backend.open(10).await;
    assert_eq!(follow(&store, &ALL).await, (vec![], 1));
    let events = mixed(4000);
    insert(&store, events.clone()).await;
    let times: [(Option<Timestamp>, Option<Timestamp>); 5] = [
        (None, None),
        (Some(at(1000)), None),
        (None, Some(at(20))),
        (Some(at(1500)), Some(at(1520))),
        (Some(at(5000)), None),
    ];
    for (start_time, end_time) in times {
        for order in [Order::Ascending, Order::Descending] {
            let query = SessionQuery { start_time, end_time, order, ..ALL };
            let expected = sessions(&events, &query);
            let (found, pages) = follow(&store, &query).await;
            assert_eq!(found, expected, "{query:?}");
            assert_eq!(pages, expected.len().div_ceil(7).max(1), "{query:?}");
        }
    }
}

async fn a_long_session_does_not_hide_those_before_it(backend: impl Backend) {
    let store = backend.open(10).await;
    let long = |number: u32| Event { session_id: "long".to_owned(), ..event(number) };
    let mut events: Vec<Event> = (0..30).map(event).collect();
    events.extend((100..45_100).map(long));
    for batch in events.chunks(20_000) {
        insert(&store, batch.iter().cloned()).await;
    }
    for order in [Order::Ascending, Order::Descending] {
        let query = SessionQuery { order, ..ALL };
        let (found, pages) = follow(&store, &query).await;
        assert_eq!(found, sessions(&events, &query));
        assert!(pages > 2, "one page would have walked by all events: {pages}");
    }
}

async fn a_session_is_found_by_its_id(backend: impl Backend) {
    let store = backend.open(10).await;
    let events = mixed(500);
    insert(&store, events.clone()).await;
    for expected in sessions(&events, &ALL) {
        assert_eq!(store.session(expected.session_id.clone(), None).await, Ok(Some(expected)));
    }
    for nobody in ["", "session", "session-0\0", "Session-1"] {
        assert_eq!(store.session(nobody.to_owned(), None).await, Ok(None), "{nobody:?}");
    }
}

async fn sessions_of_one_application_are_as_if_there_were_no_others(backend: impl Backend) {
    let store = backend.open(10).await;
    // Sessions of several, of which one is of many events.
    let sender = |number: u32| number.wrapping_mul(2_246_822_519) >> 30;
    let events: Vec<Event> = mixed(6000)
        .into_iter()
        .zip(0..)
        .map(|(event, number)| {
            let session_id = if number % 3 == 0 { "many".to_owned() } else { event.session_id.clone() };
            of(sender(number), Event { session_id, ..event })
        })
        .collect();
    insert(&store, events.clone()).await;
    let times = [(None, None), (Some(at(1000)), None), (None, Some(at(40))), (Some(at(1500)), Some(at(1520)))];
    for name in [None, Some("app-1"), Some("app-3"), Some("nobody")] {
        for (start_time, end_time) in times {
            for order in [Order::Ascending, Order::Descending] {
                let application = name.map(str::to_owned);
                let query = SessionQuery { start_time, end_time, application, order, ..ALL };
                let (found, _) = follow(&store, &query).await;
                assert_eq!(found, sessions(&events, &query), "{query:?}");
            }
        }
        let application = name.map(str::to_owned);
        for expected in sessions(&events, &SessionQuery { application: application.clone(), ..ALL }) {
            let found = store.session(expected.session_id.clone(), application.clone()).await;
            assert_eq!(found, Ok(Some(expected)));
        }
    }
    let alone = of(1, Event { session_id: "alone".to_owned(), ..event(9000) });
    insert(&store, [alone]).await;
    let of_it = async |name: &str| store.session("alone".to_owned(), Some(name.to_owned())).await.unwrap().is_some();
    assert_eq!((of_it("app-1").await, of_it("app-2").await, of_it("nobody").await), (true, false, false));
}

async fn few_events_of_an_application_among_many_are_found(backend: impl Backend) {
    let store = backend.open(10).await;
    let events: Vec<Event> = (0..120_000)
        .map(|number| match number % 10_000 {
            7000 => of(2, event(number)),
            _ => of(1, Event { session_id: format!("other-{}", number / 50), ..event(number) }),
        })
        .collect();
    for batch in events.chunks(20_000) {
        insert(&store, batch.iter().cloned()).await;
    }
    for order in [Order::Ascending, Order::Descending] {
        let query = SessionQuery { application: Some("app-2".to_owned()), order, ..ALL };
        let (found, pages) = follow(&store, &query).await;
        assert_eq!(found, sessions(&events, &query));
        assert!(pages <= 2, "blocks without such events are passed over: {pages}");
    }
}
