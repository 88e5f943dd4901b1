//! The HTTP contract, row by row, over a real socket.

mod applications;
mod batch;
mod browse;
mod budget;
mod cursor;
mod encodings;
mod forms;
mod full;
mod health;
mod list;
mod live;
mod methods;
mod negotiation;
mod openapi;
mod pages;
mod post;
mod prefer;
mod properties;
mod rejected;
mod replay;
mod send;
mod sessions;
mod stats;

use serde_json::Value;

use crate::support::{Answer, TestEye};

/// An id that can be told from others by its number, in whose order it stands.
fn id(number: u128) -> String {
    uuid::Uuid::from_u128(0x0190_b0e5_0000_7000_8000_0000_0000_0000 | number).to_string()
}

/// The ids of the rows of a list.
fn ids(answer: &Answer) -> Vec<String> {
    answer.json()["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Sends events as one batch, and waits until they are stored.
async fn store(eye: &TestEye, events: &[Value]) {
    eye.post(&Value::from(events).to_string()).await.expect(201);
    eye.drain().await;
}

/// What stands behind scheme and host.
fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    let after_scheme = url.find("://").unwrap() + 3;
    url[after_scheme + url[after_scheme..].find('/').unwrap()..].to_owned()
}
