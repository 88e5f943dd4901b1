//! A made-up week-end of a few sites, the same on every run: what pages are looked at with.

use serde_json::{Value, json};
use the_eye::event::Timestamp;

use crate::support::{NOW, TestEye};

const EVENTS: u32 = 400;
const SESSIONS: u32 = 37;
const TWO_DAYS: i64 = 48 * 3600;

/// Stores the events of the last two days, and has some refused.
pub async fn fill(eye: &TestEye) {
    let mut events: Vec<Value> = (0..EVENTS).map(event).collect();
    eye.post(&Value::from(events.clone()).to_string()).await.expect(201);
    for (number, event) in (0..).zip(&mut events[..24]) {
        spoil(event, number);
    }
    eye.post(&Value::from(&events[..24]).to_string()).await.expect(400);
    eye.post("{\"session_id\": \"s-01\", ").await.expect(400);
    eye.post_as("application/xml", "<event/>").await.expect(415);
    eye.drain().await;
}

fn event(number: u32) -> Value {
    let (session, step) = (number % SESSIONS, number / SESSIONS);
    let (site, paths, elements) = SITES[(session * 7 % 5 % 3) as usize];
    let path = paths[scattered(number) as usize % paths.len()];
    let (category, name, data) = match number % 10 {
        0 | 4 => {
            let element = elements[(number / 4) as usize % elements.len()];
            ("page_interaction", "cta_click", json!({ "host": site, "path": path, "element": element }))
        }
        7 => {
            let form =
                json!({ "email": format!("reader{number}@mail.example"), "newsletter": number.is_multiple_of(3) });
            ("form_interaction", "submit", json!({ "host": site, "path": path, "form": form }))
        }
        _ => ("page_interaction", "page_view", json!({ "host": site, "path": path })),
    };
    json!({
        "id": uuid::Uuid::from_u128(0x0190_b0e5_0000_7000_8000_0000_0000_0000 | u128::from(number)),
        "session_id": format!("s-{session:02}"),
        "category": category, "name": name, "data": data,
        "timestamp": seconds_ago(start(session) - i64::from(step * 240 + scattered(number) % 230)).to_string(),
    })
}

/// Makes an event one that is refused, for one reason or another.
fn spoil(event: &mut Value, number: u32) {
    match number % 4 {
        0 => event["category"] = json!("page_interactoin"),
        1 => event["data"]["host"] = json!("not a host"),
        2 => event["timestamp"] = json!("yesterday"),
        _ => event["colour"] = json!("teal"),
    }
}

/// How many seconds ago a session began: most of them not long ago, and none within its own length.
fn start(session: u32) -> i64 {
    let (session, all) = (i64::from(session), i64::from(SESSIONS));
    3600 + TWO_DAYS * session * session / (all * all)
}

/// A number that looks like chance and is the same on every run.
fn scattered(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761) >> 16
}

fn seconds_ago(seconds: i64) -> Timestamp {
    let now = Timestamp::parse(NOW).unwrap().as_micros();
    Timestamp::from_micros(now - seconds * 1_000_000).unwrap()
}

/// Hosts with their paths, and what can be clicked there.
const SITES: [(&str, &[&str], &[&str]); 3] = [
    (
        "shop.example",
        &["/", "/shoes", "/shoes/trail-runner", "/basket", "/checkout"],
        &["add to basket", "pay now", "show sizes"],
    ),
    ("blog.example", &["/", "/2026/why-we-count", "/2026/slow-sunday", "/about"], &["subscribe", "share"]),
    ("docs.example", &["/start", "/reference/events", "/search?q=filter"], &["copy the line", "next page"]),
];
