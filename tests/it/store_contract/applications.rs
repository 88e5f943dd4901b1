//! Applications: each has its own events, whatever ids and times the others have sent.

use the_eye::event::{Event, Rejected};
use the_eye::store::{Filter, Order, Position, Query, Start, StoreError};

use super::model::check_page;
use super::{Random, fits, insert, page, query};
use crate::support::events::{application, at, event, id, kind, refused, sent_by};
use crate::support::stores::{Backend, postgres, sqlite};

contract!(sqlite postgres: {
    an_event_is_given_back_with_its_application_and_address
    one_id_and_time_are_an_event_of_each_application
    the_newest_event_of_an_id_may_be_asked_of_one_application
    counts_and_pages_of_applications_agree_with_a_plain_list
    a_hundred_applications_at_one_id_and_time_are_paged
    an_application_with_another_name_or_number_is_refused
    numbers_are_remembered_over_a_restart
    rejected_events_are_filtered_by_their_application
    a_rejected_event_of_another_application_is_kept_as_nobodys
});

/// An event of the application with that number, or of none for 0.
pub fn of(number: u32, event: Event) -> Event {
    let application = if number == 0 { None } else { application(number, &format!("app-{number}")) };
    Event { application, ..event }
}

pub fn by_application(name: &str) -> Filter {
    Filter { application: Some(name.to_owned()), ..Filter::default() }
}

async fn an_event_is_given_back_with_its_application_and_address(backend: impl Backend) {
    let store = backend.open(10).await;
    let addresses = [None, Some("192.0.2.0"), Some("2001:db8::"), Some("::ffff:192.0.2.1"), Some("255.255.255.255")];
    let mut events = Vec::new();
    for (number, address) in (0..).zip(addresses) {
        let address = address.map(|address| address.parse().unwrap());
        for (sender, name) in [(1, "shop"), (2, "ñ 'x'; --")] {
            let application = application(sender, name);
            events.push(Event { application, address, ..event(number * 2 + sender) });
        }
        events.push(Event { address, ..event(100 + number) });
    }
    insert(&store, events.clone()).await;
    events.sort_by_key(|event| Position::from(event));
    let found = page(&store, Query { order: Order::Ascending, size: 100, ..query() }).await;
    assert_eq!(found.items, events);
    for event in events {
        assert_eq!(store.event(event.id, None).await.unwrap(), Some(event.clone()));
        assert_eq!(store.event(event.id, sent_by(&event).cloned()).await.unwrap(), Some(event));
    }
}

async fn one_id_and_time_are_an_event_of_each_application(backend: impl Backend) {
    let store = backend.open(10).await;
    let first = [0, 2, 1].map(|number| of(number, event(7)));
    assert_eq!(insert(&store, first.clone()).await, 3);
    let again = first.clone().map(|event| Event { data: "{}".to_owned(), ..event });
    assert_eq!(insert(&store, again.iter().cloned().chain([of(3, event(7))])).await, 1, "the first ones stand");
    let names = |events: &[Event]| events.iter().map(|event| sent_by(event).cloned()).collect::<Vec<_>>();
    let expected = [None, Some("app-1"), Some("app-2"), Some("app-3")].map(|name| name.map(str::to_owned));
    let ascending = Query { order: Order::Ascending, ..query() };
    let found = page(&store, ascending.clone()).await;
    assert_eq!((found.count, names(&found.items)), (4, expected.to_vec()));
    assert!(found.items.iter().take(3).all(|event| event.data != "{}"));
    // By cursor and by number, one at a time.
    for order in [Order::Ascending, Order::Descending] {
        let mut expected = expected.to_vec();
        if order == Order::Descending {
            expected.reverse();
        }
        let (mut by_cursor, mut by_number, mut start) = (Vec::new(), Vec::new(), Start::Page(1));
        for number in 1..=4 {
            let one = page(&store, Query { order, start, size: 1, ..query() }).await;
            start = Start::After(Position::from(&one.items[0]));
            assert_eq!(one.more, number < 4);
            by_cursor.extend(names(&one.items));
            let one = page(&store, Query { order, start: Start::Page(number), size: 1, ..query() }).await;
            by_number.extend(names(&one.items));
        }
        assert_eq!((&by_cursor, &by_number), (&expected, &expected), "{order:?}");
    }
    let keys: Vec<_> = first.iter().chain([&of(9, event(7))]).map(Position::from).collect();
    assert_eq!(store.count_stored(keys).await, Ok(3));
}

async fn the_newest_event_of_an_id_may_be_asked_of_one_application(backend: impl Backend) {
    let store = backend.open(10).await;
    let at_time = |number, time| Event { timestamp: at(time), ..of(number, event(7)) };
    let events = [at_time(0, 3), at_time(1, 9), at_time(1, 4), at_time(2, 9), at_time(3, 1)];
    insert(&store, events.clone()).await;
    let found = async |name: Option<&str>| store.event(id(7), name.map(str::to_owned)).await.unwrap();
    assert_eq!(found(None).await.as_ref(), Some(&events[3]));
    for (name, expected) in [("app-1", Some(&events[1])), ("app-2", Some(&events[3])), ("app-3", Some(&events[4]))] {
        assert_eq!(found(Some(name)).await.as_ref(), expected, "{name}");
    }
    for nobody in ["app-4", "", "app-1\0"] {
        assert_eq!(found(Some(nobody)).await, None, "{nobody:?}");
    }
}

/// As [`super::counts_and_pages_agree_with_a_plain_list`], of applications that send each other's ids and times.
async fn counts_and_pages_of_applications_agree_with_a_plain_list(backend: impl Backend) {
    let mut random = Random(11);
    let mut stored: Vec<Event> = Vec::new();
    for batch in 0..6 {
        let store = backend.open(10).await;
        let mut new = Vec::new();
        for number in 0..800 {
            let event = random.event(batch * 800 + number);
            let first = u32::try_from(random.below(5)).unwrap();
            new.push(of(first, event.clone()));
            // The same id and time, of others.
            for other in (0..5).filter(|other| *other != first).take(random.below(4)) {
                let data = format!("{{\"from\":{other}}}");
                new.push(of(other, Event { data, ..event.clone() }));
            }
        }
        let mut given = new.clone();
        given.extend((0..100).filter(|_| batch > 0).map(|_| stored[random.below(stored.len())].clone()));
        assert_eq!(insert(&store, given).await, new.len());
        stored.extend(new);
        stored.sort_by_key(|event| Position::from(event));
        for look in 0..60 {
            let mut query = random.query(&stored);
            query.filter.application = match look % 4 {
                0 => None,
                1 => Some("nobody".to_owned()),
                _ => Some(format!("app-{}", 1 + random.below(4))),
            };
            check_page(&store, &query, &stored).await;
        }
    }
    // Each page of each application on end.
    let store = backend.open(10).await;
    for (name, order) in [("app-1", Order::Ascending), ("app-4", Order::Descending)] {
        let filter = by_application(name);
        let mut expected: Vec<_> = stored.iter().filter(|event| fits(&filter, event)).collect();
        if order == Order::Descending {
            expected.reverse();
        }
        let (mut found, mut start) = (Vec::new(), Start::Page(1));
        loop {
            let next = page(&store, Query { filter: filter.clone(), order, start, size: 97 }).await;
            let more = next.more;
            found.extend(next.items);
            match found.last().filter(|_| more) {
                Some(last) => start = Start::After(Position::from(last)),
                None => break,
            }
        }
        assert!(found.iter().eq(expected), "{name}");
    }
}

/// More events than a block has, which no block may begin between.
async fn a_hundred_applications_at_one_id_and_time_are_paged(backend: impl Backend) {
    let store = backend.open(10).await;
    let same_time = |number| Event { timestamp: at(5), ..event(number) };
    for batch in 0..6_u32 {
        let events = (0..10).flat_map(|number| (0..100).map(move |sender| (batch * 10 + number, sender)));
        assert_eq!(insert(&store, events.map(|(number, sender)| of(sender, same_time(number)))).await, 1000);
    }
    let expected = (0..60).flat_map(|number| (0..100).map(move |sender| of(sender, same_time(number))));
    let expected: Vec<Event> = expected.collect();
    for size in [70, 1000] {
        for number in 1..=(6000 / u64::from(size)) {
            let start = Start::Page(number);
            let found = page(&store, Query { order: Order::Ascending, start, size, ..query() }).await;
            let rows = expected.chunks(size as usize).nth(usize::try_from(number).unwrap() - 1).unwrap();
            assert_eq!(found.count, 6000);
            assert!(found.items == rows, "page {number} of {size}");
        }
    }
    let one = Query { filter: by_application("app-99"), size: 1000, ..query() };
    let found = page(&store, one).await;
    assert_eq!((found.count, found.items.len()), (60, 60));
}

async fn an_application_with_another_name_or_number_is_refused(backend: impl Backend) {
    let store = backend.open(10).await;
    let said_by = |number, name: &str, at: u32| Event { application: application(number, name), ..event(at) };
    insert(&store, [said_by(3, "shop", 1), said_by(4, "blog", 2)]).await;
    for (number, name, expected) in [
        (3, "other", "application 3 is `shop` here, and the event says `other`"),
        (5, "shop", "application `shop` has the number 3 here, and the event says 5"),
        (3, "blog", "application 3 is `shop` here, and the event says `blog`"),
    ] {
        let refusal = store.insert([event(8), said_by(number, name, 9)].into()).await.unwrap_err();
        assert_eq!(refusal, StoreError::Refused(expected.to_owned()));
    }
    assert_eq!(page(&store, query()).await.count, 2, "all or none");
    assert_eq!(insert(&store, [said_by(3, "shop", 9), said_by(5, "new", 9), event(8)]).await, 3);
    // Two that contradict each other in one call.
    let two = [said_by(6, "one", 20), said_by(6, "two", 21)];
    assert!(matches!(store.insert(two.into()).await, Err(StoreError::Refused(_))));
}

async fn numbers_are_remembered_over_a_restart(backend: impl Backend) {
    let store = backend.open(10).await;
    insert(&store, [of(7, event(1)), of(2, event(1))]).await;
    drop(store);
    let store = backend.open(10).await;
    assert_eq!(insert(&store, [of(7, event(1)), of(7, event(2))]).await, 1);
    let other = Event { application: application(7, "app-2"), ..event(3) };
    assert!(matches!(store.insert([other].into()).await, Err(StoreError::Refused(_))));
    let found = page(&store, Query { filter: by_application("app-7"), ..query() }).await;
    assert_eq!(found.items, [of(7, event(2)), of(7, event(1))]);
}

async fn rejected_events_are_filtered_by_their_application(backend: impl Backend) {
    let store = backend.open(100).await;
    let rejected = |number: u32| Rejected {
        application: of(number % 3, event(number)).application,
        body: vec![b'x'; 20_000],
        ..refused(number)
    };
    store.insert_rejected((0..30).map(rejected).collect()).await.unwrap();
    for (name, sender) in [(Some("app-1"), Some(1)), (Some("app-2"), Some(2)), (Some("nobody"), None), (None, None)] {
        let filter = Filter { application: name.map(str::to_owned), ..Filter::default() };
        let of_it = |number: &u32| name.is_none() || Some(number % 3) == sender;
        let expected: Vec<Rejected> = (0..30).rev().filter(of_it).map(rejected).collect();
        let found = store.rejected(Query { filter: filter.clone(), size: 100, ..query() }).await.unwrap().unwrap();
        assert_eq!((found.count, found.items), (expected.len() as u64, expected.clone()), "{name:?}");
        let by_reason = store.rejected_by_reason(filter).await.unwrap();
        assert_eq!(by_reason.iter().map(|rows| rows.count).sum::<u64>(), expected.len() as u64);
    }
    let first = Query { filter: by_application("app-1"), size: 4, ..query() };
    let found = store.rejected(first.clone()).await.unwrap().unwrap();
    let start = Start::After(Position::from(found.items.last().unwrap()));
    let second = store.rejected(Query { start, ..first }).await.unwrap().unwrap();
    assert_eq!(second.items, [16, 13, 10, 7].map(rejected));
    assert_eq!(store.rejected_by_id(id(4)).await.unwrap(), Some(rejected(4)));
}

async fn a_rejected_event_of_another_application_is_kept_as_nobodys(backend: impl Backend) {
    let store = backend.open(100).await;
    insert(&store, [of(1, event(1))]).await;
    let said_by = |number, name: &str, row: u32| Rejected { application: application(number, name), ..refused(row) };
    let rows = [said_by(1, "other", 1), said_by(1, "app-1", 2), said_by(9, "app-1", 3), said_by(9, "new", 4)];
    store.insert_rejected(rows.clone().into()).await.unwrap();
    let nobodys = |row: &Rejected| Rejected { application: None, ..row.clone() };
    let expected = [rows[3].clone(), nobodys(&rows[2]), rows[1].clone(), nobodys(&rows[0])];
    let found = store.rejected(query()).await.unwrap().unwrap();
    assert_eq!(found.items, expected);
    assert_eq!(
        insert(&store, [Event { application: application(9, "new"), kind: kind("a", "b"), ..event(5) }]).await,
        1
    );
}
