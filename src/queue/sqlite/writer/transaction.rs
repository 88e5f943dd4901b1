//! One group in one transaction: the rows, and the sums that hold the queue's bounds.

use rusqlite::{Connection, TransactionBehavior, params};

use super::{Command, Receipt, SqliteQueueOptions};
use crate::event::{Event, Rejected};
use crate::sqlite::rows;

/// What became of one command.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The events are in.
    Receipt(Receipt),
    /// The events would exceed a bound; none is in.
    Full(String),
    /// It was done.
    Done,
}

/// A transaction that is open.
pub(super) struct Transaction<'a> {
    connection: &'a Connection,
    options: &'a SqliteQueueOptions,
    state: State,
}

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
        let mut this = Transaction { connection: &transaction, options, state };
        let outcomes = group.iter().map(|command| this.carry_out(command)).collect::<rusqlite::Result<_>>()?;
        let removed = this.remove_oldest_refused(claimed)?;
        this.state.write(&transaction)?;
        transaction.commit()?;
        Ok((outcomes, removed))
    }

    fn carry_out(&mut self, command: &Command) -> rusqlite::Result<Outcome> {
        match command {
            Command::Enqueue { events, bytes, .. } => return self.enqueue(events, *bytes),
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
            Command::Probe { .. } => {
                // As much as an event of some size: a disk may have room for the sums alone.
                let sql = "INSERT OR REPLACE INTO probe VALUES (1, zeroblob(65536))";
                self.connection.prepare_cached(sql)?.execute([])?;
                return Ok(self.full(1, 1).map_or(Outcome::Done, Outcome::Full));
            }
        }
        Ok(Outcome::Done)
    }

    fn enqueue(&mut self, events: &[Event], bytes: u64) -> rusqlite::Result<Outcome> {
        let count = events.len() as u64;
        if let Some(what) = self.full(count, bytes) {
            return Ok(Outcome::Full(what));
        }
        let first = self.state.next_seq;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO event (seq, id, timestamp, received_at, session_id, category, name, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        for event in events {
            insert.execute(params![
                self.state.next_seq,
                event.id.as_bytes(),
                event.timestamp.as_micros(),
                event.received_at.as_micros(),
                event.session_id,
                event.kind.category,
                event.kind.name,
                event.data,
            ])?;
            self.state.next_seq += 1;
        }
        self.state.events += count;
        self.state.bytes += bytes;
        Ok(Outcome::Receipt(Receipt { first, last: self.state.next_seq - 1, durable: true }))
    }

    /// What leaves no room for so much more, if anything does.
    fn full(&self, events: u64, bytes: u64) -> Option<String> {
        if self.state.events + events > self.options.max_events {
            return Some(format!("it holds {} events", self.state.events));
        }
        if self.state.bytes + bytes > self.options.max_bytes {
            return Some(format!("it holds {} bytes", self.state.bytes));
        }
        None
    }

    fn insert_rejected(&mut self, rejected: &Rejected) -> rusqlite::Result<()> {
        let columns = rows::REJECTED_COLUMNS;
        let sql =
            format!("INSERT INTO rejected (seq, {columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        let mut insert = self.connection.prepare_cached(&sql)?;
        insert.raw_bind_parameter(1, self.state.next_seq)?;
        rows::bind_rejected(&mut insert, 2, rejected)?;
        insert.raw_execute()?;
        self.state.next_seq += 1;
        Ok(())
    }

    fn remove_events(&mut self, first: u64, last: u64) -> rusqlite::Result<()> {
        // The same sum as `Event::size`, so that what was added is taken away.
        let sizes = "SELECT count(*), coalesce(sum(octet_length(session_id) + octet_length(category) \
                     + octet_length(name) + octet_length(data) + 48), 0) FROM event WHERE seq BETWEEN ?1 AND ?2";
        let range = params![first, last];
        let (events, bytes): (u64, u64) =
            self.connection.prepare_cached(sizes)?.query_row(range, |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.connection.prepare_cached("DELETE FROM event WHERE seq BETWEEN ?1 AND ?2")?.execute(range)?;
        self.state.events = self.state.events.saturating_sub(events);
        self.state.bytes = self.state.bytes.saturating_sub(bytes);
        Ok(())
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
