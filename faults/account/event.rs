//! Events that follow from their numbers, so that whatever is found can be held against what was sent.

use std::hash::{DefaultHasher, Hash, Hasher};

use the_eye::event::Timestamp;
use uuid::Uuid;

/// 2026-01-01, in microseconds.
const START: i64 = 1_767_225_600_000_000;

/// An event as it is sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub number: u64,
    pub text: String,
    /// Of all that must come back as it was.
    pub hash: u64,
}

impl Sent {
    /// The event with that number. Sizes, sessions, types and times differ; so do digits and escapes in `data`.
    pub fn new(number: u64) -> Self {
        let (id, timestamp) = (id(number), timestamp(number));
        let session = format!("session-{}", number % 997);
        let (kind, data) = match number % 4 {
            0 => (
                ("form_interaction", "submit"),
                format!(r#"{{"path":"/f","form":{{"n":{number}.50,"e":1e2,"t":"é\n\u0041😀"}},"host":"a.example"}}"#),
            ),
            _ => (
                ("page_interaction", "page_view"),
                format!(
                    r#"{{"path":"/{}{number}","host":"a.example"}}"#,
                    "long/".repeat(usize::try_from(number % 60).unwrap())
                ),
            ),
        };
        let text = format!(
            r#"{{"id":"{id}","session_id":"{session}","category":"{}","name":"{}","timestamp":"{timestamp}","data":{data}}}"#,
            kind.0, kind.1
        );
        Self { number, text, hash: hash(&[&session, kind.0, kind.1, &timestamp, &data]) }
    }

    /// One with that number which has to be refused.
    pub fn bad(number: u64) -> Self {
        let sent = Self::new(number);
        let text = sent.text.replacen(r#""session_id":""#, r#""session":""#, 1);
        Self { text, ..sent }
    }
}

/// The id of a number.
pub fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(0xfa, number)
}

/// The number of an id, if it is one of ours.
pub fn number(id: Uuid) -> Option<u64> {
    let (high, low) = id.as_u64_pair();
    (high == 0xfa).then_some(low)
}

/// Of fields, in that order.
pub fn hash(fields: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    fields.hash(&mut hasher);
    hasher.finish()
}

/// A time of its own for each number, most of them later than the one before.
fn timestamp(number: u64) -> String {
    let back = if number.is_multiple_of(50) { 5_000_000 } else { 0 };
    Timestamp::from_micros(START + i64::try_from(number).unwrap() * 1000 - back).unwrap().to_string()
}
