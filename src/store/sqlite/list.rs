//! Pages of events. The blocks of [`tally`] say how many events there are and near which one a page
//! begins; only from there on rows are read.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use uuid::Uuid;

use super::key::{self, Key};
use super::selection::{Known, List, known};
use super::{tally, upper};
use crate::event::Event;
use crate::sqlite::rows;
use crate::store::blocks::{ALL, Mark, Stretch};
use crate::store::page::Plan;
use crate::store::{Order, Page, Query};

/// Rows to be passed over from which on blocks of blocks are asked.
const FAR: u64 = 100_000;

/// An event, in the order in which [`event`] reads it.
pub(super) const COLUMNS: &str = "timestamp, id, session, kind, received_at, data, \
    (SELECT session_id FROM session WHERE number = session), address";

/// The same for a sample, which leaves much `data` out.
pub(super) const SHORT: &str = "timestamp, id, session, kind, received_at, \
    CASE WHEN octet_length(data) > 16384 THEN '{}' ELSE data END, (SELECT session_id FROM session WHERE number = session), address";

/// One page, or `None` if there is no page of that number.
pub(super) fn page(connection: &Connection, query: &Query) -> rusqlite::Result<Option<Page<Event>>> {
    let known = known(connection)?;
    let Some(list) = List::new(connection, &query.filter, &known)? else {
        return Ok(Plan::new(query, 0).map(|plan| plan.page(Vec::new())));
    };
    let Some(plan) = Plan::new(query, list.count()?) else { return Ok(None) };
    Ok(Some(plan.page(list.read(&plan)?)))
}

/// The newest event of that id, of that application if one is given.
pub(super) fn by_id(connection: &Connection, id: Uuid, application: Option<&str>) -> rusqlite::Result<Option<Event>> {
    let known = known(connection)?;
    let is_asked_for = |name: &str| application.is_none_or(|asked| asked == name);
    let named = known.applications.iter().filter(|(_, application)| is_asked_for(&application.name));
    let nobody = application.is_none().then_some(0);
    let mut newest = connection.prepare_cached("SELECT max(timestamp) FROM event INDEXED BY event_id WHERE id = ?1")?;
    let mut found: Option<(i64, u32)> = None;
    for number in named.map(|(number, _)| *number).chain(nobody) {
        let time: Option<i64> = newest.query_row([Key::new(id, number)], |row| row.get(0))?;
        found = found.max(time.map(|time| (time, number)));
    }
    let Some((time, number)) = found else { return Ok(None) };
    let sql = format!("SELECT {COLUMNS} FROM event WHERE timestamp = ?1 AND id = ?2");
    let key = params![time, Key::new(id, number)];
    connection.prepare_cached(&sql)?.query_row(key, |row| event(row, &known)).optional()
}

impl List<'_> {
    /// The rows of a plan.
    pub(super) fn read(&self, plan: &Plan) -> rusqlite::Result<Vec<Event>> {
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
            "SELECT {} FROM (SELECT timestamp, id {clauses} ORDER BY timestamp {direction}, id {direction} LIMIT ? OFFSET ?) \
             JOIN event USING (timestamp, id) ORDER BY timestamp {direction}, id {direction}",
            self.list.columns
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

/// Reads an event of these [`COLUMNS`].
pub(super) fn event(row: &Row<'_>, known: &Known) -> rusqlite::Result<Event> {
    let kind: i64 = row.get(3)?;
    let (id, number) = key::read(row, 1)?;
    let unknown = |column, number| rusqlite::Error::IntegralValueOutOfRange(column, number);
    Ok(Event {
        timestamp: rows::timestamp(row, 0)?,
        id,
        kind: known.kinds.get(&kind).map(|(kind, _)| kind.clone()).ok_or_else(|| unknown(3, kind))?,
        received_at: rows::timestamp(row, 4)?,
        data: rows::object(row, 5)?,
        session_id: row.get(6)?,
        // By its key and not by its kind: places are made of keys, and what comes behind one must be behind it.
        application: match number {
            0 => None,
            number => Some(known.applications.get(&number).cloned().ok_or_else(|| unknown(1, number.into()))?),
        },
        address: rows::address(row, 7)?,
    })
}
