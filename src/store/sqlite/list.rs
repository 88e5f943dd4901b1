//! Pages of events. The blocks of [`tally`] say how many events there are and near which one a page
//! begins; only from there on rows are read.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use uuid::Uuid;

use super::sessions;
use super::tally::{self, ANY};
use super::upper;
use crate::event::{Event, EventKind};
use crate::sqlite::rows;
use crate::store::blocks::{ALL, MANY, Mark, Stretch};
use crate::store::page::Plan;
use crate::store::{Filter, Order, Page, Query};

/// Rows to be passed over from which on blocks of blocks are asked.
const FAR: u64 = 100_000;

const COLUMNS: &str = "timestamp, id, session, kind, received_at, data";

/// One page, or `None` if there is no page of that number.
pub(super) fn page(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Page<Event>>> {
    let kinds = kinds(connection)?;
    let Some(list) = List::new(connection, &query.filter, &kinds)? else {
        return Ok(Plan::new(query, 0).map(|plan| plan.page(Vec::new())));
    };
    let Some(plan) = Plan::new(query, list.count()?) else { return Ok(None) };
    Ok(Some(plan.page(list.read(&plan)?)))
}

/// The newest event of that id.
pub(super) fn by_id(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Event>> {
    let kinds = kinds(connection)?;
    let sql = format!(
        "SELECT {COLUMNS}, (SELECT session_id FROM session WHERE number = session) \
         FROM event WHERE id = ?1 ORDER BY timestamp DESC LIMIT 1"
    );
    connection.prepare_cached(&sql)?.query_row([id.as_bytes()], |row| event(row, &kinds)).optional()
}

/// The events that a filter leaves: a list, the stretch of it between two times, and kinds.
struct List<'a> {
    connection: &'a Connection,
    known: &'a HashMap<i64, Arc<EventKind>>,
    session: Option<i64>,
    /// The list whose blocks count it; a session of few events has none.
    blocks: Option<i64>,
    stretch: Stretch,
    /// The kinds that are wanted; all where that is `None`.
    kinds: Option<Vec<i64>>,
}

impl<'a> List<'a> {
    /// `None` if nothing can match.
    fn new(
        connection: &'a Connection,
        filter: &Filter,
        known: &'a HashMap<i64, Arc<EventKind>>,
    ) -> rusqlite::Result<Option<Self>> {
        let mut wanted: Vec<i64> = known.iter().filter(|(_, kind)| filter.wants(kind)).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        if wanted.is_empty() {
            return Ok(None);
        }
        let kinds = (wanted.len() < known.len()).then_some(wanted);
        let stretch = Stretch::of(filter);
        let all = Self { connection, known, session: None, blocks: Some(ALL), stretch, kinds };
        let Some(session_id) = &filter.session_id else { return Ok(Some(all)) };
        let Some(session) = sessions::number(connection, session_id)? else { return Ok(None) };
        let is_of_many = tally::total(connection, session, &[ANY])? >= u64::from(MANY);
        Ok(Some(Self { session: Some(session), blocks: is_of_many.then_some(session), ..all }))
    }

    fn counted_kinds(&self) -> &[i64] {
        self.kinds.as_deref().unwrap_or(&[ANY])
    }

    fn count(&self) -> rusqlite::Result<u64> {
        let Stretch { from, to } = self.stretch;
        let Some(list) = self.blocks else { return self.count_rows(self.stretch) };
        if self.stretch == Stretch::WHOLE {
            return tally::total(self.connection, list, self.counted_kinds());
        }
        if self.stretch.is_empty() {
            return Ok(0);
        }
        // Whole blocks are summed up; of those that the ends lie in, rows are counted.
        let first_end = match from {
            Mark::FIRST => Mark::FIRST,
            _ => tally::start_after(self.connection, list, from)?,
        };
        let last_start = match to {
            Mark::LAST => Mark::LAST,
            _ => tally::start_before(self.connection, list, to)?.unwrap_or(Mark::FIRST),
        };
        if first_end > last_start {
            return self.count_rows(self.stretch);
        }
        let before = self.count_rows(Stretch { from, to: first_end })?;
        let between = match list {
            ALL => upper::sum(self.connection, self.counted_kinds(), Stretch { from: first_end, to: last_start })?,
            _ => tally::sum(self.connection, list, self.counted_kinds(), first_end, last_start)?,
        };
        Ok(before + between + self.count_rows(Stretch { from: last_start, to })?)
    }

    fn read(&self, plan: &Plan) -> rusqlite::Result<Vec<Event>> {
        let stretch = plan.after.map_or(self.stretch, |row| self.stretch.after(row, plan.order));
        let mut reading =
            Reading { list: self, order: plan.order, offset: plan.offset, limit: plan.limit, found: Vec::new() };
        if plan.limit == 0 || stretch.is_empty() {
            return Ok(Vec::new());
        }
        match self.blocks {
            // Every row is wanted from the first one on.
            Some(_) if self.kinds.is_none() && plan.offset == 0 => reading.read(stretch)?,
            Some(blocks) => reading.by_blocks(blocks, stretch)?,
            None => reading.read(stretch)?,
        }
        Ok(reading.found)
    }

    fn count_rows(&self, stretch: Stretch) -> rusqlite::Result<u64> {
        if stretch.is_empty() {
            return Ok(0);
        }
        let (clauses, values) = self.rows(stretch);
        let sql = format!("SELECT count(*) {clauses}");
        self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    }

    /// The rows of a stretch, in SQL.
    fn rows(&self, stretch: Stretch) -> (String, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut index = "";
        if let Some(session) = self.session {
            index = "INDEXED BY event_session ";
            conditions.push("session = ?");
            values.push(Value::Integer(session));
        }
        let ends = [
            ("(timestamp, id) >= (?, ?)", stretch.from, Mark::FIRST),
            ("(timestamp, id) < (?, ?)", stretch.to, Mark::LAST),
        ];
        for (condition, mark, open) in ends {
            if mark != open {
                conditions.push(condition);
                values.extend([Value::Integer(mark.time), Value::Blob(mark.id.as_bytes().to_vec())]);
            }
        }
        let kinds = self.kinds.as_ref().map(|kinds| {
            let numbers: Vec<_> = kinds.iter().map(i64::to_string).collect();
            format!("kind IN ({})", numbers.join(", "))
        });
        conditions.extend(kinds.as_deref());
        let clauses = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        (format!("FROM event {index}{clauses}"), values)
    }
}

/// A page that is being read.
struct Reading<'a> {
    list: &'a List<'a>,
    order: Order,
    /// Rows still to be passed over.
    offset: u64,
    /// Rows still to be found.
    limit: u64,
    found: Vec<Event>,
}

impl Reading<'_> {
    /// Passes over blocks of blocks and blocks as far as that goes, and reads on from there.
    fn by_blocks(&mut self, list: i64, stretch: Stretch) -> rusqlite::Result<()> {
        let (connection, kinds) = (self.list.connection, self.list.counted_kinds());
        let filled = match list {
            ALL if self.offset >= FAR => upper::within(connection, stretch)?,
            _ => None,
        };
        let Some(filled) = filled else { return self.by_lower_blocks(list, stretch) };
        let before = Stretch { to: filled.from, ..stretch };
        let behind = Stretch { from: filled.to, ..stretch };
        let (first, last) = match self.order {
            Order::Ascending => (before, behind),
            Order::Descending => (behind, before),
        };
        self.by_lower_blocks(list, first)?;
        if self.limit > 0 {
            let left = upper::pass_over(connection, kinds, filled, self.order, &mut self.offset)?;
            self.by_lower_blocks(list, left)?;
        }
        self.by_lower_blocks(list, last)
    }

    /// Passes over whole blocks as far as that goes, and reads on from there.
    fn by_lower_blocks(&mut self, list: i64, stretch: Stretch) -> rusqlite::Result<()> {
        if self.limit == 0 || stretch.is_empty() {
            return Ok(());
        }
        let (connection, order) = (self.list.connection, self.order);
        // The stretch may begin or end within a block: of such a one only a part is read.
        let first = match stretch.from {
            Mark::FIRST => Mark::FIRST,
            from => tally::start_before(connection, list, from.next())?.unwrap_or(Mark::FIRST),
        };
        let last = match stretch.to {
            Mark::LAST => None,
            to if tally::start_after(connection, list, to)? == to => None,
            to => tally::start_before(connection, list, to)?,
        };
        let kinds = self.list.counted_kinds();
        tally::walk(connection, list, kinds, (first, stretch.to), order, |block| {
            let is_whole = block.start >= stretch.from && Some(block.start) != last;
            if is_whole && self.offset >= block.events {
                self.offset -= block.events;
                return Ok(true);
            }
            let end = tally::start_after(connection, list, block.start.next())?;
            let part = Stretch { from: block.start.max(stretch.from), to: end.min(stretch.to) };
            if !is_whole && self.offset > 0 {
                let events = self.list.count_rows(part)?;
                if self.offset >= events {
                    self.offset -= events;
                    return Ok(true);
                }
            }
            // Behind the last one of these kinds the block need not be looked through.
            let here = if is_whole { block.events - self.offset } else { u64::MAX };
            self.read_at_most(here, part)?;
            Ok(self.limit > 0)
        })
    }

    /// Reads the rows of a stretch.
    fn read(&mut self, stretch: Stretch) -> rusqlite::Result<()> {
        self.read_at_most(u64::MAX, stretch)
    }

    fn read_at_most(&mut self, most: u64, stretch: Stretch) -> rusqlite::Result<()> {
        let direction = self.order.sql();
        let (clauses, mut values) = self.list.rows(stretch);
        values.extend([self.limit.min(most), self.offset].map(|number| Value::Integer(number.cast_signed())));
        // Only keys are walked and passed over; the rows themselves are fetched for the page alone.
        let sql = format!(
            "SELECT {COLUMNS}, (SELECT session_id FROM session WHERE number = session) \
             FROM (SELECT timestamp, id {clauses} ORDER BY timestamp {direction}, id {direction} LIMIT ? OFFSET ?) \
             JOIN event USING (timestamp, id) ORDER BY timestamp {direction}, id {direction}"
        );
        let mut statement = self.list.connection.prepare_cached(&sql)?;
        let before = self.found.len();
        for event in statement.query_map(params_from_iter(values), |row| event(row, self.list.known))? {
            self.found.push(event?);
        }
        self.limit -= (self.found.len() - before) as u64;
        self.offset = 0;
        Ok(())
    }
}

/// All kinds that were ever stored; there are few.
fn kinds(connection: &Connection) -> rusqlite::Result<HashMap<i64, Arc<EventKind>>> {
    connection
        .prepare_cached("SELECT number, category, name FROM kind")?
        .query_map([], |row| Ok((row.get(0)?, Arc::new(EventKind { category: row.get(1)?, name: row.get(2)? }))))?
        .collect()
}

fn event(row: &Row<'_>, kinds: &HashMap<i64, Arc<EventKind>>) -> rusqlite::Result<Event> {
    let kind: i64 = row.get(3)?;
    Ok(Event {
        timestamp: rows::timestamp(row, 0)?,
        id: rows::uuid(row, 1)?,
        kind: kinds.get(&kind).cloned().ok_or(rusqlite::Error::IntegralValueOutOfRange(3, kind))?,
        received_at: rows::timestamp(row, 4)?,
        data: row.get(5)?,
        session_id: row.get(6)?,
    })
}
