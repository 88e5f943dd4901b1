//! What a claim holds: the oldest entries in a gap between the claims that are held.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::super::{Entry, Most};
use super::leases::Gap;
use super::segment;
use crate::event::{Event, EventKind, Rejected};
use crate::sqlite::rows;

/// The events of whole rows, as far as that goes: to remove a part of a row is to write it again.
pub(super) fn events(connection: &Connection, gap: Gap, most: Most) -> rusqlite::Result<Vec<Entry<Event>>> {
    let sql = format!("SELECT first, events, bytes, body FROM segment WHERE {} ORDER BY first", segment::OVERLAPS);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![gap.first, gap.last])?;
    let mut kind = Arc::new(EventKind { category: String::new(), name: String::new() });
    let mut entries: Vec<Entry<Event>> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let (first, more_events, more_bytes): (u64, usize, usize) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let fits = entries.len() + more_events <= most.entries && bytes + more_bytes <= most.bytes;
        if !fits && !entries.is_empty() {
            break;
        }
        for entry in segment::read(first, row.get_ref(3)?.as_blob()?, &mut kind) {
            let entry = entry.map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Blob, Box::new(error))
            })?;
            if !(gap.first..=gap.last).contains(&entry.seq) {
                continue;
            }
            let size = entry.item.size();
            if entries.len() == most.entries || bytes + size > most.bytes && !entries.is_empty() {
                return Ok(entries);
            }
            bytes += size;
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// The rejected events of a gap.
pub(super) fn rejected(connection: &Connection, gap: Gap, most: Most) -> rusqlite::Result<Vec<Entry<Rejected>>> {
    let columns = rows::REJECTED_COLUMNS;
    let sql = format!("SELECT seq, {columns} FROM rejected WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![gap.first, gap.last, most.entries])?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    while let Some(row) = found.next()? {
        let item = rows::rejected(row, 1)?;
        bytes += item.size();
        if bytes > most.bytes && !entries.is_empty() {
            break;
        }
        entries.push(Entry { seq: row.get(0)?, item });
    }
    Ok(entries)
}
