//! What a claim holds: the oldest entries in a gap between the claims that are held.

use rusqlite::{Connection, params};

use super::super::packed::Last;
use super::super::{Entry, Most};
use super::damaged::{DamagedRejected, DamagedRow};
use super::leases::Gap;
use super::segment;
use crate::event::{Event, Rejected};
use crate::sqlite::rows;

/// What a gap has.
pub(super) enum Found<T, D> {
    /// Entries that can be claimed; none if there are none.
    Entries(Vec<Entry<T>>),
    /// Before all of these, a row that is not as it was written.
    Damaged(D),
}

/// The events of whole rows, as far as that goes: to remove a part of a row is to write it again.
pub(super) fn events(connection: &Connection, gap: Gap, most: Most) -> rusqlite::Result<Found<Event, DamagedRow>> {
    let sql = format!(
        "SELECT first, last, events, bytes, received_at, sum, body FROM segment WHERE {} ORDER BY first",
        segment::OVERLAPS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![gap.first, gap.last])?;
    let mut before = Last::default();
    let mut entries: Vec<Entry<Event>> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let (first, last): (u64, u64) = (row.get(0)?, row.get(1)?);
        let (more_events, more_bytes): (usize, usize) = (row.get(2)?, row.get(3)?);
        let fits = entries.len() + more_events <= most.entries && bytes + more_bytes <= most.bytes;
        if !fits && !entries.is_empty() {
            break;
        }
        let body = row.get_ref(6)?.as_blob()?;
        let read: Result<Vec<_>, _> = segment::read(first, body, &mut before).collect();
        let sum: Option<i64> = row.get(5)?;
        let read = match read {
            Ok(read) if is_whole(&read, more_events, last) && sum.is_none_or(|sum| sum == segment::sum(body)) => read,
            // What was read before it is claimed first.
            _ if !entries.is_empty() => break,
            _ => return Ok(Found::Damaged(DamagedRow::new(first, row.get(4)?, body.to_vec()))),
        };
        for entry in read {
            if !(gap.first..=gap.last).contains(&entry.seq) {
                continue;
            }
            let size = entry.item.size();
            if entries.len() == most.entries || bytes + size > most.bytes && !entries.is_empty() {
                return Ok(Found::Entries(entries));
            }
            bytes += size;
            entries.push(entry);
        }
    }
    Ok(Found::Entries(entries))
}

/// Whether as many entries were read as the row says it has, none behind its last number.
fn is_whole(read: &[Entry<Event>], events: usize, last: u64) -> bool {
    read.len() == events && read.last().is_none_or(|entry| entry.seq <= last)
}

/// The rejected events of a gap.
pub(super) fn rejected(
    connection: &Connection,
    gap: Gap,
    most: Most,
) -> rusqlite::Result<Found<Rejected, DamagedRejected>> {
    let columns = rows::REJECTED_COLUMNS;
    let sql = format!(
        "SELECT seq, {columns}, application, application_name FROM rejected WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![gap.first, gap.last, most.entries])?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let seq = row.get(0)?;
        let item = match rows::rejected(row, 1) {
            Ok(item) => item,
            // What was read before it is claimed first.
            Err(_) if !entries.is_empty() => break,
            Err(_) => return DamagedRejected::new(seq, row).map(Found::Damaged),
        };
        bytes += item.size();
        if bytes > most.bytes && !entries.is_empty() {
            break;
        }
        entries.push(Entry { seq, item });
    }
    Ok(Found::Entries(entries))
}
