//! What was stored, in the order in which it was. SQLite has one writer at a time, so entries are numbered
//! in the order of their commits.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::list::{COLUMNS, event};
use super::rejected;
use super::selection::{Known, known};
use crate::sqlite::rows;
use crate::store::blocks::Mark;
use crate::store::feed::{BYTES, KEPT, KEYS, Keys, Of};
use crate::store::{News, Place, Stored};

/// Adds what the transaction stored.
pub(super) fn add(connection: &Connection, of: Of, keys: impl ExactSizeIterator<Item = Mark>) -> rusqlite::Result<()> {
    if keys.len() == 0 {
        return Ok(());
    }
    let mut entry = newest_entry(connection)?;
    let mut add =
        connection.prepare_cached("INSERT INTO feed (entry, rejected, keys, applications) VALUES (?1, ?2, ?3, ?4)")?;
    let mut keys = keys.peekable();
    while keys.peek().is_some() {
        let some = Keys::of(keys.by_ref().take(KEYS));
        entry += u64::from(some.len());
        add.execute(params![entry, of == Of::Rejected, some.keys, some.applications])?;
    }
    let mut remove = connection.prepare_cached("DELETE FROM feed WHERE entry <= ?1")?;
    remove.execute([entry.saturating_sub(KEPT).cast_signed()])?;
    Ok(())
}

/// Makes keys unreadable, where they are; the others keep their places.
pub(super) fn forget(connection: &Connection, of: Of, gone: &HashSet<Mark>) -> rusqlite::Result<()> {
    let mut changed: Vec<(i64, Keys)> = Vec::new();
    let mut select = connection.prepare_cached("SELECT entry, keys, applications FROM feed WHERE rejected = ?1")?;
    let mut entries = select.query([of == Of::Rejected])?;
    while let Some(row) = entries.next()? {
        let keys = Keys { keys: row.get(1)?, applications: row.get(2)? };
        if let Some(left) = keys.without(gone) {
            changed.push((row.get(0)?, left));
        }
    }
    let mut update = connection.prepare_cached("UPDATE feed SET keys = ?2, applications = ?3 WHERE entry = ?1")?;
    for (entry, Keys { keys, applications }) in changed {
        update.execute(params![entry, keys, applications])?;
    }
    Ok(())
}

/// The place behind everything.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Place> {
    let last = "SELECT entry, keys FROM feed ORDER BY entry DESC LIMIT 1";
    let place = |row: &Row<'_>| {
        let keys = Keys { keys: row.get(1)?, applications: None };
        Ok(Place { entry: row.get(0)?, items: keys.len(), ..Place::default() })
    };
    Ok(connection.prepare_cached(last)?.query_row([], place).optional()?.unwrap_or_default())
}

/// What was stored behind a place: about so many items, of not many bytes.
pub(super) fn after(connection: &Connection, place: Place, most: usize) -> rusqlite::Result<News> {
    let known = known(connection)?;
    let mut select = connection
        .prepare_cached("SELECT entry, rejected, keys, applications FROM feed WHERE entry >= ?1 ORDER BY entry")?;
    let mut entries = select.query([place.entry.cast_signed()])?;
    let mut news = News { end: Place { transaction: 0, ..place }, ..News::default() };
    let (mut is_empty, mut is_known, mut bytes) = (true, false, 0);
    'entries: while let Some(row) = entries.next()? {
        let (entry, keys): (u64, Keys) = (row.get(0)?, Keys { keys: row.get(2)?, applications: row.get(3)? });
        is_empty = false;
        is_known |= entry == place.entry || entry - u64::from(keys.len()) == place.entry;
        let seen = if entry == place.entry { place.items } else { 0 };
        for (mark, index) in keys.read().zip(1..).skip(seen as usize) {
            if news.items.len() >= most || bytes >= BYTES {
                news.more = true;
                break 'entries;
            }
            news.end = Place { entry, items: index, ..news.end };
            let stored = if row.get(1)? { rejected_at(connection, mark)? } else { event_at(connection, &known, mark)? };
            // It may have been removed since.
            let Some(stored) = stored else { continue };
            bytes += stored.size();
            news.items.push((news.end, stored));
        }
    }
    // Removed since, or of another database: whatever was stored meanwhile is not known to be here.
    is_known |= is_empty && place == Place::default();
    news.missed = !is_known || place.transaction != 0;
    if news.missed && news.items.is_empty() {
        news.end = newest(connection)?;
    }
    Ok(news)
}

fn event_at(connection: &Connection, known: &Known, mark: Mark) -> rusqlite::Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM event WHERE timestamp = ?1 AND id = ?2");
    let key = params![mark.time, mark.key()];
    let event = connection.prepare_cached(&sql)?.query_row(key, |row| event(row, known)).optional()?;
    Ok(event.map(Stored::Event))
}

fn rejected_at(connection: &Connection, mark: Mark) -> rusqlite::Result<Option<Stored>> {
    let sql = format!("SELECT {} FROM rejected WHERE received_at = ?1 AND id = ?2", rejected::columns());
    let key = params![mark.time, mark.id.as_bytes()];
    let rejected = connection.prepare_cached(&sql)?.query_row(key, |row| rows::rejected(row, 0)).optional()?;
    Ok(rejected.map(Stored::Rejected))
}

fn newest_entry(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT coalesce(max(entry), 0) FROM feed")?.query_row([], |row| row.get(0))
}
