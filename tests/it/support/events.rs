//! Events for tests of queues and stores.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, LazyLock};

use serde_json::json;
use the_eye::event::{Application, Catalog, Event, EventKind, NewEvent, Reason, Rejected, Rules, Timestamp, read_line};
use uuid::Uuid;

/// A timestamp so many microseconds after the beginning of 2026.
pub fn at(micros: i64) -> Timestamp {
    let start = Timestamp::parse("2026-01-01").unwrap().as_micros();
    Timestamp::from_micros(start + micros).unwrap()
}

/// The id with that number.
pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// A stored event with that number, which makes its id and its time.
pub fn event(number: u32) -> Event {
    Event {
        id: id(u128::from(number)),
        timestamp: at(i64::from(number)),
        received_at: at(0),
        session_id: format!("session-{}", number % 7),
        kind: kind("page_interaction", "page_view"),
        data: format!(r#"{{"host":"a.example","path":"/{number}"}}"#),
        application: None,
        address: None,
    }
}

/// The application with that number.
pub fn application(number: u32, name: &str) -> Option<Arc<Application>> {
    Some(Arc::new(Application { number: NonZeroU32::new(number).unwrap(), name: name.to_owned() }))
}

/// The name of the application that sent it.
pub fn sent_by(event: &Event) -> Option<&String> {
    event.application.as_ref().map(|application| &application.name)
}

pub fn kind(category: &str, name: &str) -> Arc<EventKind> {
    Arc::new(EventKind { category: category.to_owned(), name: name.to_owned() })
}

/// The same event as one that is not stored yet.
pub fn new_event(number: u32) -> NewEvent {
    new_event_from(number, None, None)
}

/// The same, sent by an application from an address.
pub fn new_event_from(number: u32, application: Option<&Arc<Application>>, address: Option<IpAddr>) -> NewEvent {
    parsed(event(number), application, address)
}

/// The same as one that has a text of any length.
pub fn new_event_with_data(number: u32, text: &str) -> NewEvent {
    let data = format!(r#"{{"host":"a.example","path":"/","form":"{text}"}}"#);
    parsed(Event { kind: kind("form_interaction", "submit"), data, ..event(number) }, None, None)
}

fn parsed(event: Event, application: Option<&Arc<Application>>, address: Option<IpAddr>) -> NewEvent {
    let Event { id, timestamp, session_id, kind, data, .. } = event;
    let json = json!({
        "id": id, "timestamp": timestamp.to_string(), "session_id": session_id,
        "category": kind.category, "name": kind.name, "data": serde_json::from_str::<serde_json::Value>(&data).unwrap(),
    });
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
    let rules = Rules {
        catalog: &CATALOG,
        now: at(0),
        tolerance: std::time::Duration::from_secs(10_000),
        new_id: Uuid::nil(),
        application,
        address,
    };
    NewEvent::parse(&read_line(&json.to_string()).unwrap(), &rules).unwrap()
}

pub fn new_events(numbers: impl IntoIterator<Item = u32>) -> Vec<NewEvent> {
    numbers.into_iter().map(new_event).collect()
}

/// A refused event with that number.
pub fn refused(number: u32) -> Rejected {
    let received_at = at(i64::from(number));
    let errors = r#"{"name":["x"]}"#.to_owned();
    // Not all of it is kept.
    Rejected {
        size: 70_000,
        ..Rejected::refused(id(u128::from(number)), Reason::Invalid, errors, received_at, b"body")
    }
}
