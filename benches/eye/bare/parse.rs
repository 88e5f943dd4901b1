//! serde_json on one core: the same bytes into fields that borrow from them, and nothing checked.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event whose texts are where they were.
#[derive(Debug, Deserialize)]
struct Borrowed<'a> {
    session_id: &'a str,
    category: &'a str,
    name: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    timestamp: &'a str,
}

/// Events a second.
pub(crate) fn rate(body: &[u8], length: Duration) -> f64 {
    let (mut events, start) = (0, Instant::now());
    while start.elapsed() < length {
        for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Borrowed { session_id, category, name, data, timestamp } = serde_json::from_slice(line).unwrap();
            black_box((session_id, category, name, data.get(), timestamp));
            events += 1;
        }
    }
    f64::from(events) / start.elapsed().as_secs_f64()
}
