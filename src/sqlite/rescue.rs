//! What can still be read of a damaged file, copied into a new one.
//!
//! Not sqlite3's `.recover`, which the builds of most distributions lack. This one knows less (it reads by keys and
//! not page by page, so what lies below a damaged inner page is lost to it) and more: which rows are enough to make
//! the rest. It changes nothing in the damaged file, and never says that a row is saved which it could not read.

use std::path::Path;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, Row, params_from_iter};

use super::{OpenError, Schema, connect, create, damage};

/// A table that cannot be made of others.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The number that its rows are sorted by.
    pub(crate) key: &'static str,
    /// Its columns, or lists of them.
    pub(crate) columns: &'static [&'static str],
    /// Reads a row as those do who use it, its columns from the second one of the row on. What they cannot read
    /// would be damage again in the new file.
    pub(crate) check: fn(&Row<'_>) -> rusqlite::Result<()>,
}

/// What was saved of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Its name.
    pub table: &'static str,
    /// Rows that are in the new file.
    pub rows: u64,
    /// Places where rows may be missing.
    pub gaps: u64,
}

/// Copies what can be read into a file that is not there yet; `None` if the old one is of another kind.
pub(crate) fn rescue(old: &Path, new: &Path, schema: &Schema) -> Result<Option<Vec<Rescued>>, OpenError> {
    let failed = |error: rusqlite::Error| damage::open_error(old, &error);
    damage::check_file(old)?;
    let from = connect(old).map_err(failed)?;
    if !schema.is_ours(&from).map_err(failed)? {
        return Ok(None);
    }
    schema.expect(&from).map_err(|problem| OpenError::new(old, problem))?;
    let written = |error: rusqlite::Error| OpenError::new(new, error.to_string());
    // It gets its name when all is in it: nobody must take half of a copy for what there was.
    let made = create::make(new, schema, |to| {
        let transaction = to.transaction().map_err(written)?;
        let copy = |table| Copy::new(&from, &transaction, table).and_then(Copy::all).map_err(written);
        let rescued = schema.tables.iter().map(copy).collect::<Result<_, _>>()?;
        (schema.derive)(&transaction).map_err(written)?;
        transaction.commit().map_err(written)?;
        Ok(rescued)
    })?;
    match made {
        Some((_, rescued)) => Ok(Some(rescued)),
        None => Err(OpenError::new(new, "it is there already: name a file that is not")),
    }
}

/// The copy of one table.
struct Copy<'a> {
    from: &'a Connection,
    to: &'a Connection,
    check: fn(&Row<'_>) -> rusqlite::Result<()>,
    select: String,
    insert: String,
    rescued: Rescued,
}

impl<'a> Copy<'a> {
    fn new(from: &'a Connection, to: &'a Connection, table: &Table) -> rusqlite::Result<Self> {
        let Table { name, key, columns, check } = table;
        let columns = columns.join(", ");
        let count = to.prepare(&format!("SELECT {columns} FROM {name}"))?.column_count();
        let values = vec!["?"; count].join(", ");
        Ok(Self {
            from,
            to,
            check: *check,
            select: format!("SELECT {key}, {columns} FROM {name} WHERE {key} >= ?1 ORDER BY {key}"),
            insert: format!("INSERT OR REPLACE INTO {name} ({columns}) VALUES ({values})"),
            rescued: Rescued { table: name, rows: 0, gaps: 0 },
        })
    }

    fn all(mut self) -> rusqlite::Result<Rescued> {
        let mut key = Some(i64::MIN);
        while let Some(start) = key {
            let mut last = start;
            match self.run(start, &mut last)? {
                true => break,
                false => {
                    self.rescued.gaps += 1;
                    key = self.next_readable(last);
                }
            }
        }
        let sql = format!("SELECT count(*) FROM {}", self.rescued.table);
        self.rescued.rows = self.to.query_row(&sql, [], |row| row.get(0))?;
        Ok(self.rescued)
    }

    /// Copies from a key on; false if it ended at something that cannot be read.
    fn run(&mut self, start: i64, last: &mut i64) -> rusqlite::Result<bool> {
        let Ok(mut select) = self.from.prepare_cached(&self.select) else { return Ok(false) };
        let Ok(mut rows) = select.query([start]) else { return Ok(false) };
        let mut insert = self.to.prepare_cached(&self.insert)?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
            };
            let Ok(key) = row.get::<_, i64>(0) else { return Ok(false) };
            // Rows of a damaged page may be in any order; this one only goes on.
            *last = key.max(*last);
            let Some(values) = values(row).filter(|_| (self.check)(row).is_ok()) else {
                self.rescued.gaps += 1;
                continue;
            };
            match insert.execute(params_from_iter(values.into_iter().map(ToSqlOutput::Borrowed))) {
                Ok(_) => (),
                // What the new file's rules do not let in was not written by this program.
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                    self.rescued.gaps += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The nearest key behind another one from which on rows can be read, if there is any. Where the first row
    /// cannot be read that is far away: keys of events are times.
    fn next_readable(&self, after: i64) -> Option<i64> {
        let (mut unreadable, mut step) = (after, 1_i64);
        let mut found = loop {
            let key = unreadable.saturating_add(step);
            if key == unreadable {
                return None;
            }
            if self.can_read(key) {
                break key;
            }
            unreadable = key;
            step = step.saturating_mul(2);
        };
        // They are a step apart, which is a number too.
        while found - unreadable > 1 {
            let middle = unreadable + (found - unreadable) / 2;
            match self.can_read(middle) {
                true => found = middle,
                false => unreadable = middle,
            }
        }
        Some(found)
    }

    /// Whether the first row from that key on can be read, or there is none.
    fn can_read(&self, key: i64) -> bool {
        let Ok(mut select) = self.from.prepare_cached(&self.select) else { return false };
        let Ok(mut rows) = select.query([key]) else { return false };
        match rows.next() {
            Ok(Some(row)) => row.get::<_, i64>(0).is_ok(),
            Ok(None) => true,
            Err(_) => false,
        }
    }
}

/// The columns of a row behind its key, unless one is a text that is none.
fn values<'a>(row: &'a Row<'_>) -> Option<Vec<ValueRef<'a>>> {
    let columns = row.as_ref().column_count();
    let values: Vec<_> = (1..columns).map(|column| row.get_ref(column).ok()).collect::<Option<_>>()?;
    let is_text = |value: &ValueRef<'_>| match value {
        ValueRef::Text(text) => std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0')),
        _ => true,
    };
    values.iter().all(is_text).then_some(values)
}
