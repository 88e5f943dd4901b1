//! How our types look to PostgreSQL, and the bound values of a text of SQL that is put together.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::event::Timestamp;

/// Microseconds between 1970 and 2000, where PostgreSQL counts from.
const EPOCH: i64 = 946_684_800_000_000;

/// A timestamp as a `timestamptz`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timestamptz(pub(super) Timestamp);

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
        self.bind(Timestamptz(time), Type::TIMESTAMPTZ)
    }

    /// Binds anything.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        self.0.push((Box::new(value), of));
        format!("${}", self.0.len())
    }

    /// All of them, as queries want them.
    pub(super) fn list(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.0.iter().map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone())).collect()
    }
}

/// Reads a timestamp.
pub(super) fn timestamp(row: &Row, column: usize) -> Result<Timestamp, tokio_postgres::Error> {
    row.try_get(column).map(|Timestamptz(time)| time)
}

impl ToSql for Timestamptz {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.as_micros() - EPOCH);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Timestamptz {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        // `infinity` is beyond all years, and nothing of ours.
        let time = micros.checked_add(EPOCH).and_then(Timestamp::from_micros);
        time.map(Self).ok_or_else(|| "not a timestamp of the years 1 to 9999".into())
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
            Timestamptz(time).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            assert_eq!(Timestamptz::from_sql(&Type::TIMESTAMPTZ, &out).unwrap().0, time);
        }
        assert!(Timestamptz::from_sql(&Type::TIMESTAMPTZ, &i64::MAX.to_be_bytes()).is_err());
    }
}
