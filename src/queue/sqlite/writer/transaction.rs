//! One group in one transaction: the rows, and the sums that hold the queue's bounds.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::super::Receipt;
use super::super::segment::{self, Piece};
use super::{Command, SqliteQueueOptions, Written};
use crate::event::Rejected;
use crate::sqlite::{room, rows};

/// What became of one command.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The events are in.
    Receipt(Receipt),
    /// The events would exceed a bound; none is in.
    Full(String),
    /// The last number that was given.
    Newest(u64),
    /// It was done.
    Done,
}

/// A transaction that is open.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    options: &'a SqliteQueueOptions,
    state: State,
    segment: Segment,
    /// What the disk has, once it was asked.
    room: Option<u64>,
}

/// Events and bytes of a row, at most, but for one event that is larger: a claim is made of whole rows, and
/// to take one event out is to write its row anew.
const SEGMENT_EVENTS: u64 = 1000;
const SEGMENT_BYTES: usize = 256 << 10;

/// The row that is being filled.
#[derive(Debug, Default)]
struct Segment {
    first: u64,
    events: u64,
    bytes: u64,
    received_at: i64,
    body: Vec<u8>,
}

/// What is read of a row to take events out of it: its first number, events, bytes, body and sum.
type Part = (u64, u64, u64, Vec<u8>, Option<i64>);

/// The row of `state`. Another process may change it between two transactions.
#[derive(Debug, Clone, Copy)]
struct State {
    next_seq: u64,
    events: u64,
    bytes: u64,
    refused: u64,
}

impl<'a> Transaction<'a> {
    /// Carries out a group and flushes. Says what became of each command, and how many refused
    /// events were removed to make room for newer ones; those up to the number `claimed` are with
    /// a worker, and stay.
    pub(super) fn run(
        connection: &mut Connection,
        group: &[Command],
        options: &SqliteQueueOptions,
        claimed: u64,
    ) -> rusqlite::Result<(Vec<Outcome>, u64)> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let state = State::read(&transaction)?;
        let mut this =
            Transaction { connection: &transaction, options, state, segment: Segment::default(), room: None };
        let outcomes = group.iter().map(|command| this.carry_out(command)).collect::<rusqlite::Result<_>>()?;
        this.write_segment()?;
        let removed = this.remove_oldest_refused(claimed)?;
        this.state.write(&transaction)?;
        transaction.commit()?;
        Ok((outcomes, removed))
    }

    fn carry_out(&mut self, command: &Command) -> rusqlite::Result<Outcome> {
        match command {
            Command::Enqueue { events, .. } => return self.enqueue(events),
            Command::Refuse { refused, .. } => {
                for refused in refused {
                    self.insert_rejected(refused)?;
                    self.state.refused += 1;
                }
            }
            Command::Ack { first, last, .. } => self.remove_events(*first, *last)?,
            Command::AckRejected { first, last, .. } => self.remove_rejected(*first, *last)?,
            Command::Bury { seq, dead_letter, .. } => {
                self.remove_events(*seq, *seq)?;
                self.insert_rejected(dead_letter)?;
            }
            Command::BuryRow { first, dead_letters, .. } => self.bury_row(*first, dead_letters)?,
            Command::Newest { .. } => return Ok(Outcome::Newest(self.state.next_seq - 1)),
            // Its own group, and no transaction.
            Command::Scrub { .. } => (),
            Command::Probe { .. } => {
                // As much as an event of some size: a disk may have room for the sums alone.
                let sql = "INSERT OR REPLACE INTO probe VALUES (1, zeroblob(65536))";
                self.connection.prepare_cached(sql)?.execute([])?;
                return Ok(self.full(1, 1).map_or(Outcome::Done, Outcome::Full));
            }
        }
        Ok(Outcome::Done)
    }

    fn enqueue(&mut self, written: &Written) -> rusqlite::Result<Outcome> {
        let Written { body, events, bytes, received_at } = written;
        if let Some(what) = self.full(*events, *bytes) {
            return Ok(Outcome::Full(what));
        }
        let first = self.state.next_seq;
        for piece in segment::pieces(body, SEGMENT_EVENTS, SEGMENT_BYTES) {
            self.append(&piece, received_at.as_micros())?;
        }
        self.state.events += events;
        self.state.bytes += bytes;
        Ok(Outcome::Receipt(Receipt { first, last: self.state.next_seq - 1, durable: true }))
    }

    /// Adds to the row that is being filled, or begins another one.
    fn append(&mut self, piece: &Piece<'_>, received_at: i64) -> rusqlite::Result<()> {
        let Segment { first, events, body, .. } = &self.segment;
        // Refused events take numbers too; those of a row follow each other.
        let fits = first + events == self.state.next_seq
            && events + piece.events <= SEGMENT_EVENTS
            && body.len() + piece.body.len() <= SEGMENT_BYTES;
        if !fits {
            self.write_segment()?;
            self.segment.first = self.state.next_seq;
            self.segment.received_at = received_at;
        }
        self.segment.body.extend_from_slice(piece.body);
        self.segment.events += piece.events;
        self.segment.bytes += piece.bytes;
        self.state.next_seq += piece.events;
        Ok(())
    }

    /// Writes the row that was filled, if there is one.
    fn write_segment(&mut self) -> rusqlite::Result<()> {
        let Segment { first, events, bytes, received_at, body } = &mut self.segment;
        if *events > 0 {
            let sql = "INSERT INTO segment (first, last, events, bytes, received_at, body, sum) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let (last, sum) = (*first + *events - 1, segment::sum(body));
            let values = params![*first, last, *events, *bytes, *received_at, &body[..], sum];
            self.connection.prepare_cached(sql)?.execute(values)?;
        }
        (*events, *bytes) = (0, 0);
        body.clear();
        Ok(())
    }

    /// What leaves no room for so much more, if anything does.
    fn full(&mut self, events: u64, bytes: u64) -> Option<String> {
        if self.state.events + events > self.options.max_events {
            return Some(format!("it holds {} events", self.state.events));
        }
        if self.state.bytes + bytes > self.options.max_bytes {
            return Some(format!("it holds {} bytes", self.state.bytes));
        }
        let SqliteQueueOptions { reserve, path, .. } = self.options;
        let room = self.room.get_or_insert_with(|| room::beyond(*reserve, path).unwrap_or(u64::MAX));
        // Each page is written twice, to the log and later to the file; what is taken here is not there for
        // those of the same group.
        match room.checked_sub(bytes.saturating_mul(2)) {
            Some(left) => *room = left,
            None => return Some("the disk has no room beside the reserve (EYE_DISK_RESERVE)".to_owned()),
        }
        None
    }

    fn insert_rejected(&mut self, rejected: &Rejected) -> rusqlite::Result<()> {
        let columns = rows::REJECTED_COLUMNS;
        let sql = format!(
            "INSERT INTO rejected (seq, {columns}, application, application_name) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        );
        let mut insert = self.connection.prepare_cached(&sql)?;
        insert.raw_bind_parameter(1, self.state.next_seq)?;
        rows::bind_rejected(&mut insert, 2, rejected)?;
        let application = rejected.application.as_deref();
        insert.raw_bind_parameter(13, application.map(|application| application.number))?;
        insert.raw_bind_parameter(14, application.map(|application| &application.name))?;
        insert.raw_execute()?;
        self.state.next_seq += 1;
        Ok(())
    }

    fn remove_events(&mut self, first: u64, last: u64) -> rusqlite::Result<()> {
        // What was claimed was written by an earlier transaction, so the row being filled has none of it.
        let (whole, range) = ("first BETWEEN ?1 AND ?2 AND last <= ?2", params![first, last]);
        let sizes = format!("SELECT coalesce(sum(events), 0), coalesce(sum(bytes), 0) FROM segment WHERE {whole}");
        let (events, bytes): (u64, u64) =
            self.connection.prepare_cached(&sizes)?.query_row(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.connection.prepare_cached(&format!("DELETE FROM segment WHERE {whole}"))?.execute(range)?;
        self.state.remove(events, bytes);
        let parts = format!("SELECT first, events, bytes, body, sum FROM segment WHERE {}", segment::OVERLAPS);
        let parts: Vec<Part> = self
            .connection
            .prepare_cached(&parts)?
            .query_map(range, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (segment, events, bytes, body, sum) in parts {
            let left = segment::without(segment, &body, first, last);
            let (left_events, left_bytes) = segment::sizes(segment, &left);
            // A sum is made anew of what is as it was written, and else goes on saying that it is not.
            let sum = sum.map(|sum| if sum == segment::sum(&body) { segment::sum(&left) } else { sum });
            self.connection
                .prepare_cached("UPDATE segment SET events = ?2, bytes = ?3, body = ?4, sum = ?5 WHERE first = ?1")?
                .execute(params![segment, left_events, left_bytes, left, sum])?;
            self.connection
                .prepare_cached("DELETE FROM segment WHERE first = ?1 AND events = 0")?
                .execute([segment])?;
            self.state.remove(events.saturating_sub(left_events), bytes.saturating_sub(left_bytes));
        }
        Ok(())
    }

    fn bury_row(&mut self, first: u64, dead_letters: &[Rejected]) -> rusqlite::Result<()> {
        let sql = "DELETE FROM segment WHERE first = ?1 RETURNING events, bytes";
        let mut delete = self.connection.prepare_cached(sql)?;
        let removed = delete.query_row([first], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        // Another worker was quicker.
        let Some((events, bytes)) = removed else { return Ok(()) };
        self.state.remove(events, bytes);
        dead_letters.iter().try_for_each(|dead_letter| self.insert_rejected(dead_letter))
    }

    fn remove_rejected(&mut self, first: u64, last: u64) -> rusqlite::Result<()> {
        let range = params![first, last];
        let refused: u64 = self
            .connection
            .prepare_cached("SELECT count(*) FROM rejected WHERE seq BETWEEN ?1 AND ?2 AND kind = 'refused'")?
            .query_row(range, |row| row.get(0))?;
        self.connection.prepare_cached("DELETE FROM rejected WHERE seq BETWEEN ?1 AND ?2")?.execute(range)?;
        self.state.refused = self.state.refused.saturating_sub(refused);
        Ok(())
    }

    /// Dead letters do not count and are not removed: they were acknowledged. Nor is what is
    /// `claimed`, up to that number.
    fn remove_oldest_refused(&mut self, claimed: u64) -> rusqlite::Result<u64> {
        let excess = self.state.refused.saturating_sub(self.options.max_refused);
        if excess == 0 {
            return Ok(0);
        }
        let sql = "DELETE FROM rejected WHERE seq IN \
                   (SELECT seq FROM rejected WHERE kind = 'refused' AND seq > ?1 ORDER BY seq LIMIT ?2)";
        let removed = self.connection.prepare_cached(sql)?.execute([claimed, excess])? as u64;
        self.state.refused = self.state.refused.saturating_sub(removed);
        Ok(removed)
    }
}

impl State {
    fn remove(&mut self, events: u64, bytes: u64) {
        self.events = self.events.saturating_sub(events);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        connection.prepare_cached("SELECT next_seq, events, bytes, refused FROM state")?.query_row([], |row| {
            Ok(Self { next_seq: row.get(0)?, events: row.get(1)?, bytes: row.get(2)?, refused: row.get(3)? })
        })
    }

    fn write(self, connection: &Connection) -> rusqlite::Result<()> {
        // Written even when nothing changed: a probe has to reach the disk.
        connection
            .prepare_cached("UPDATE state SET next_seq = ?1, events = ?2, bytes = ?3, refused = ?4")?
            .execute(params![self.next_seq, self.events, self.bytes, self.refused])?;
        Ok(())
    }
}
