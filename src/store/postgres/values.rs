//! How our types look to PostgreSQL, and the bound values of a text of SQL that is put together.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::event::Timestamp;
use crate::store::Position;
use crate::store::blocks::Mark;

/// Microseconds between 1970 and 2000, where PostgreSQL counts from.
const EPOCH: i64 = 946_684_800_000_000;

/// Microseconds since 1970 as a `timestamptz`; the least and the greatest are its infinities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamptz(i64);

/// A value as queries want it.
pub(super) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// Values that are bound to a text, in order.
#[derive(Default)]
pub(super) struct Values(Vec<(Box<dyn ToSql + Sync + Send>, Type)>);

impl Values {
    /// Binds a text, and gives the place that stands for it.
    pub(super) fn text(&mut self, text: &str) -> String {
        self.bind(text.to_owned(), Type::TEXT)
    }

    /// Binds a timestamp.
    pub(super) fn time(&mut self, time: Timestamp) -> String {
        self.bind(Timestamptz::from(time), Type::TIMESTAMPTZ)
    }

    /// Binds the parts of a mark.
    pub(super) fn mark(&mut self, mark: Mark) -> [String; 3] {
        let application = self.bind(application_of(mark), Type::INT4);
        [self.bind(Timestamptz::from(mark), Type::TIMESTAMPTZ), self.bind(mark.id, Type::UUID), application]
    }

    /// Binds what a mark is among the starts of blocks, which lie before all applications: those at it or behind it
    /// are at this place or behind it, and those before are before.
    pub(super) fn block(&mut self, mark: Mark) -> [String; 2] {
        let mark = mark.whole_id();
        [self.bind(Timestamptz::from(mark), Type::TIMESTAMPTZ), self.bind(mark.id, Type::UUID)]
    }

    /// Binds the parts of many marks, each part an array.
    pub(super) fn marks(&mut self, marks: &[Mark]) -> Vec<String> {
        let (times, ids): (Vec<_>, Vec<_>) = marks.iter().map(|mark| (Timestamptz::from(*mark), mark.id)).unzip();
        let applications: Vec<_> = marks.iter().map(|mark| application_of(*mark)).collect();
        let applications = self.bind(applications, Type::INT4_ARRAY);
        vec![self.bind(times, Type::TIMESTAMPTZ_ARRAY), self.bind(ids, Type::UUID_ARRAY), applications]
    }

    /// Binds a number of rows.
    pub(super) fn number(&mut self, rows: u64) -> String {
        self.bind(i64::try_from(rows).unwrap_or(i64::MAX), Type::INT8)
    }

    /// Binds anything.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.0.push((Box::new(value), of));
        format!("${}", self.0.len())
    }

    /// All of them, as queries want them.
    pub(super) fn list(&self) -> Vec<Value<'_>> {
        self.0.iter().map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone())).collect()
    }
}

/// Reads a timestamp.
pub(super) fn timestamp(row: &Row, column: usize) -> Result<Timestamp, tokio_postgres::Error> {
    row.try_get(column).map(|OfOurYears(time)| time)
}

/// Reads the start of a block from a column and the next one.
pub(super) fn start(row: &Row, first: usize) -> Result<Mark, tokio_postgres::Error> {
    let Timestamptz(time) = row.try_get(first)?;
    Ok(Mark::before(time, row.try_get(first + 1)?))
}

/// Reads a mark from a column and the next two.
pub(super) fn mark(row: &Row, first: usize) -> Result<Mark, tokio_postgres::Error> {
    Ok(Mark { application: application(row, first + 2)?, ..start(row, first)? })
}

/// Reads the position of a row from a column and the next two.
pub(super) fn position(row: &Row, first: usize) -> Result<Position, tokio_postgres::Error> {
    let application = application(row, first + 2)?;
    Ok(Position { time: timestamp(row, first)?, id: row.try_get(first + 1)?, application })
}

/// Reads the number of an application, of which 0 is none.
pub(super) fn application(row: &Row, column: usize) -> Result<u32, tokio_postgres::Error> {
    row.try_get::<_, i32>(column).map(i32::unsigned_abs)
}

/// The number of a mark's application as the database has it. It gives none that is greater.
pub(super) fn application_of(mark: Mark) -> i32 {
    i32::try_from(mark.application).unwrap_or(i32::MAX)
}

impl From<Timestamp> for Timestamptz {
    fn from(time: Timestamp) -> Self {
        Self(time.as_micros())
    }
}

impl From<Mark> for Timestamptz {
    fn from(mark: Mark) -> Self {
        Self(mark.time)
    }
}

impl ToSql for Timestamptz {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(match self.0 {
            i64::MIN | i64::MAX => self.0,
            time => time - EPOCH,
        });
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Timestamptz {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match i64::from_be_bytes(raw.try_into()?) {
            infinity @ (i64::MIN | i64::MAX) => infinity,
            time => time.saturating_add(EPOCH),
        }))
    }

    accepts!(TIMESTAMPTZ);
}

/// A timestamp that an event can have.
struct OfOurYears(Timestamp);

impl<'a> FromSql<'a> for OfOurYears {
    fn from_sql(of: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let Timestamptz(time) = Timestamptz::from_sql(of, raw)?;
        Timestamp::from_micros(time).map(Self).ok_or_else(|| "not a timestamp of the years 1 to 9999".into())
    }

    accepts!(TIMESTAMPTZ);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_all_years_go_there_and_back() {
        for time in [Timestamp::MIN, Timestamp::MAX, Timestamp::parse("2000-01-01").unwrap()] {
            let mut out = BytesMut::new();
            Timestamptz::from(time).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            assert_eq!(OfOurYears::from_sql(&Type::TIMESTAMPTZ, &out).unwrap().0, time);
        }
        for (mark, infinity) in [(Mark::FIRST, i64::MIN), (Mark::LAST, i64::MAX)] {
            let mut out = BytesMut::new();
            Timestamptz::from(mark).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            assert_eq!(out[..], infinity.to_be_bytes());
            assert_eq!(Timestamptz::from_sql(&Type::TIMESTAMPTZ, &out).unwrap().0, mark.time);
            assert!(OfOurYears::from_sql(&Type::TIMESTAMPTZ, &out).is_err());
        }
    }
}
