//! The id of an event, as its row has it: 16 bytes, and behind them the number of its application where it has one.
//!
//! Such blobs sort by id and then by number, and one without a number first, which is the order of lists. So tables
//! and indexes know nothing of applications, and an event without one takes what it always did.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql};
use uuid::Uuid;

use crate::store::blocks::Mark;

/// The blob that stands for an id and the number of an application, of which 0 is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    bytes: [u8; 20],
    length: usize,
}

impl Key {
    pub(super) fn new(id: Uuid, application: u32) -> Self {
        let mut bytes = [0; 20];
        bytes[..16].copy_from_slice(id.as_bytes());
        bytes[16..].copy_from_slice(&application.to_be_bytes());
        Self { bytes, length: if application == 0 { 16 } else { 20 } }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Mark {
    /// The second half of the place, as rows have it.
    pub(super) fn key(self) -> Key {
        Key::new(self.id, self.application)
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

/// Reads an id and the number of its application.
pub(super) fn read(row: &Row<'_>, column: usize) -> rusqlite::Result<(Uuid, u32)> {
    let found = row.get_ref(column)?;
    let parts = found.as_blob().ok().and_then(|blob| {
        let (id, rest) = blob.split_first_chunk()?;
        let number = match rest {
            [] => 0,
            _ => u32::from_be_bytes(rest.try_into().ok().filter(|number| *number != [0; 4])?),
        };
        Some((Uuid::from_bytes(*id), number))
    });
    parts
        .ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(column, found.data_type(), "not an event's id".into()))
}

/// Reads a place from its time and the column behind it.
pub(super) fn read_mark(row: &Row<'_>, first: usize) -> rusqlite::Result<Mark> {
    let (id, application) = read(row, first + 1)?;
    Ok(Mark { time: row.get(first)?, id, application })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_sort_as_places_do() {
        let ids = [Uuid::nil(), Uuid::from_u128(7), Uuid::from_u128(0x0700_0000_0000), Uuid::max()];
        let marks = ids
            .iter()
            .flat_map(|id| [0, 1, 255, 256, u32::MAX].map(|application| Mark { application, ..Mark::before(0, *id) }));
        let marks: Vec<Mark> = marks.collect();
        assert!(marks.is_sorted());
        assert!(marks.iter().map(|mark| mark.key().as_bytes().to_vec()).is_sorted());
        let connection = Connection::open_in_memory().unwrap();
        for mark in marks {
            assert_eq!(connection.query_row("SELECT 0, ?1", [mark.key()], |row| read_mark(row, 0)), Ok(mark));
        }
        for wrong in [&[][..], &[0; 15], &[1; 17], &[1; 21], &[0; 20]] {
            assert!(connection.query_row("SELECT ?1", [wrong], |row| read(row, 0)).is_err(), "{wrong:?}");
        }
    }
}
