//! A row of the queue that is not as it was written: its sum is another one, or an entry of it cannot be read.
//!
//! Which of its events are what was sent nobody can say, so none is stored. All become dead letters, those that
//! can be read as events and the rest as bytes; whoever knows better judges them again (`POST /rejected/replay`).

use std::sync::Arc;

use uuid::Uuid;

use super::segment;
use crate::event::{Event, EventKind, Rejected, RejectedKind, Timestamp};

const REASON: &str = "the queue's file is damaged here: this may not be what was sent";

/// The row, as it is now.
#[derive(Debug)]
pub(super) struct DamagedRow {
    first: u64,
    received_at: Timestamp,
    body: Vec<u8>,
}

impl DamagedRow {
    pub(super) fn new(first: u64, received_at: i64, body: Vec<u8>) -> Self {
        // This column may be what is damaged.
        let received_at = Timestamp::from_micros(received_at).unwrap_or(Timestamp::MIN);
        Self { first, received_at, body }
    }

    /// The number of its first event, by which it is found again.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// What is kept of it: an entry each, and the bytes behind the last one that has an end.
    pub(super) fn into_dead_letters(self) -> Vec<Rejected> {
        let mut kind = Arc::new(EventKind { category: String::new(), name: String::new() });
        segment::read_or_bytes(self.first, &self.body, &mut kind)
            .map(|(seq, entry)| match entry {
                Ok(event) => self.event(seq, &event),
                Err(bytes) => self.bytes(seq, bytes),
            })
            .collect()
    }

    fn event(&self, seq: u64, event: &Event) -> Rejected {
        Rejected::dead_letter(self.id(seq), event, REASON)
    }

    fn bytes(&self, seq: u64, bytes: &[u8]) -> Rejected {
        Rejected {
            id: self.id(seq),
            kind: RejectedKind::DeadLetter,
            reason: REASON.to_owned(),
            errors: serde_json::json!({ "detail": REASON }).to_string(),
            received_at: self.received_at,
            body: bytes.to_vec(),
            truncated: false,
            session_id: None,
            category: None,
            name: None,
        }
    }

    /// Made of time and number, so that a row that is buried twice is one and the same.
    fn id(&self, seq: u64) -> Uuid {
        let time = u128::from(self.received_at.as_micros().cast_unsigned());
        uuid::Builder::from_custom_bytes(((time << 64) | u128::from(seq)).to_be_bytes()).into_uuid()
    }
}
