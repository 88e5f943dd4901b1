//! A row of the queue that is not as it was written: its sum is another one, or something in it cannot be read.
//!
//! Which of its events are what was sent nobody can say, so none is stored. All become dead letters, those that
//! can be read as events and the rest as bytes; whoever knows better judges them again (`POST /rejected/replay`).

use rusqlite::Row;
use uuid::Uuid;

use super::super::packed::Last;
use super::writer::Command;
use super::{QueueError, SqliteQueue, segment};
use crate::event::{Rejected, RejectedKind, Timestamp};

const REASON: &str = "the queue's file is damaged here: this may not be what was sent";

/// A row of events, as it is now.
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

    /// What is kept of it: an entry each, and the bytes behind the last one that has an end.
    fn into_dead_letters(self) -> Vec<Rejected> {
        let mut last = Last::default();
        segment::read_or_bytes(self.first, &self.body, &mut last)
            .map(|(seq, entry)| match entry {
                Ok(event) => Rejected::dead_letter(id(self.received_at, seq), &event, REASON),
                Err(bytes) => dead_letter(self.received_at, seq, bytes),
            })
            .collect()
    }
}

/// A rejected event that cannot be read, as it is now.
#[derive(Debug)]
pub(super) struct DamagedRejected {
    seq: u64,
    received_at: Timestamp,
    body: Vec<u8>,
}

impl DamagedRejected {
    /// Of a row whose columns are those of rejected events from the second one on.
    pub(super) fn new(seq: u64, row: &Row<'_>) -> rusqlite::Result<Self> {
        let received_at = row.get(5).ok().and_then(Timestamp::from_micros).unwrap_or(Timestamp::MIN);
        // Text has bytes too, and a number that stands in the body's place has none of what was sent.
        let body = row.get_ref(6)?.as_bytes().unwrap_or_default().to_vec();
        Ok(Self { seq, received_at, body })
    }
}

impl SqliteQueue {
    /// Makes dead letters of a row that is not as it was written, so that nothing behind it waits and nothing
    /// in it is lost, nor stored as if it were what somebody sent.
    pub(super) async fn bury_row(&self, row: DamagedRow) -> Result<(), QueueError> {
        let first = row.first;
        let dead_letters = row.into_dead_letters();
        let count = dead_letters.len() as u64;
        tracing::error!(
            row = first,
            entries = count,
            "a row of the queue is damaged: its events are dead letters now, see docs/reliability.md"
        );
        self.ask(|reply| Command::BuryRow { first, dead_letters, reply }).await?;
        self.metrics.dead_lettered.inc_by(count);
        Ok(())
    }

    /// The same of a rejected event: its body is kept.
    pub(super) async fn bury_rejected(&self, row: DamagedRejected) -> Result<(), QueueError> {
        let DamagedRejected { seq, received_at, body } = row;
        tracing::error!(row = seq, "a rejected event in the queue is damaged: its body is a dead letter now");
        let dead_letter = Box::new(dead_letter(received_at, seq, &body));
        // In this order: a crash between the two leaves both, and what is buried twice is one and the same.
        self.ask(|reply| Command::Bury { seq, dead_letter, reply }).await?;
        self.ask(|reply| Command::AckRejected { first: seq, last: seq, reply }).await?;
        self.metrics.dead_lettered.inc();
        Ok(())
    }
}

fn dead_letter(received_at: Timestamp, seq: u64, bytes: &[u8]) -> Rejected {
    Rejected {
        id: id(received_at, seq),
        kind: RejectedKind::DeadLetter,
        reason: REASON.to_owned(),
        errors: serde_json::json!({ "detail": REASON }).to_string(),
        received_at,
        body: bytes.to_vec(),
        truncated: false,
        session_id: None,
        category: None,
        name: None,
        application: None,
    }
}

/// Made of time and number, so that a row that is buried twice is one and the same.
fn id(received_at: Timestamp, seq: u64) -> Uuid {
    let time = u128::from(received_at.as_micros().cast_unsigned());
    uuid::Builder::from_custom_bytes(((time << 64) | u128::from(seq)).to_be_bytes()).into_uuid()
}
