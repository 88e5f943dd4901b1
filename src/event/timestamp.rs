//! Instants, and the texts that stand for them.
//!
//! The grammar of input is that of Django's `parse_datetime` and `parse_date` (their regular
//! expressions, `django/utils/dateparse.py`), because the first clients were written against it.
//! Dates come from `jiff`'s calendar; its `Timestamp` ends on 9999-12-30, so it is not used.
//! This file does not read the clock.

use std::fmt;

use jiff::civil::Date;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// An instant between the years 1 and 9999 (UTC), in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// How answers print a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TimestampFormat {
    /// `2021-01-01T09:15:27.243860Z`
    #[default]
    Rfc3339,
    /// `2021-01-01 09:15:27.243860`, as the Django app printed it
    Space,
}

impl Timestamp {
    /// The first microsecond of the year 1.
    pub const MIN: Self = Self(-719_162 * MICROS_PER_DAY);
    /// The last microsecond of the year 9999.
    pub const MAX: Self = Self(2_932_897 * MICROS_PER_DAY - 1);

    /// An instant so many microseconds after 1970, or `None` outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&micros).then_some(Self(micros))
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The instant a text stands for: a date and time, with or without an offset, or a date alone.
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = Cursor(text.as_bytes());
        let year = rest.digits(4, 4)?;
        rest.one_of(b"-")?;
        let month = rest.digits(1, 2)?;
        rest.one_of(b"-")?;
        let day = rest.digits(1, 2)?;
        let date = date(year, month, day)?;
        let days = date.duration_since(EPOCH).as_hours() / 24;
        if rest.is_empty() {
            return Self::from_micros(days * MICROS_PER_DAY);
        }
        rest.one_of(b"T ")?;
        let micros = rest.time_of_day()?;
        let offset = rest.offset()?;
        if !rest.is_empty() {
            return None;
        }
        Self::from_micros(days * MICROS_PER_DAY + micros - offset * 60 * MICROS_PER_SECOND)
    }

    /// The instant as text, in UTC with six digits.
    pub fn format(self, format: TimestampFormat) -> String {
        let mut text = Vec::with_capacity(27);
        self.write(&mut text, format);
        String::from_utf8(text).expect("digits and signs are UTF-8")
    }

    /// Appends the same.
    pub(super) fn write(self, out: &mut Vec<u8>, format: TimestampFormat) {
        let days = self.0.div_euclid(MICROS_PER_DAY);
        let micros = self.0.rem_euclid(MICROS_PER_DAY);
        let date = EPOCH
            .checked_add(jiff::SignedDuration::from_hours(days * 24))
            .expect("the years 1 to 9999 lie within the calendar");
        let (seconds, fraction) = (micros / MICROS_PER_SECOND, micros % MICROS_PER_SECOND);
        let (separator, zone): (u8, &[u8]) = match format {
            TimestampFormat::Rfc3339 => (b'T', b"Z"),
            TimestampFormat::Space => (b' ', b""),
        };
        // By hand, since this runs for every event: `format!` takes longer than all the rest.
        for (number, digits, before) in [
            (i64::from(date.year()), 4, None),
            (i64::from(date.month()), 2, Some(b'-')),
            (i64::from(date.day()), 2, Some(b'-')),
            (seconds / 3600, 2, Some(separator)),
            (seconds / 60 % 60, 2, Some(b':')),
            (seconds % 60, 2, Some(b':')),
            (fraction, 6, Some(b'.')),
        ] {
            out.extend(before);
            push_digits(out, number, digits);
        }
        out.extend_from_slice(zone);
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(TimestampFormat::Rfc3339))
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Appends a number with leading noughts.
fn push_digits(out: &mut Vec<u8>, number: i64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).expect("a digit is below ten"));
    }
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    if year == 0 {
        return None;
    }
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

/// What is left of a text.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn one_of(&mut self, allowed: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        allowed.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    /// A number of `least` to `most` digits; what follows them is left.
    fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self.0.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some(digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    /// `H:M`, `H:M:S` or `H:M:S.ffffff`, in microseconds.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits(1, 2)?;
        self.one_of(b":")?;
        let minute = self.digits(1, 2)?;
        let mut second = 0;
        let mut fraction = 0;
        if self.one_of(b":").is_some() {
            second = self.digits(1, 2)?;
            if self.one_of(b".,").is_some() {
                fraction = self.fraction()?;
            }
        }
        let valid = hour < 24 && minute < 60 && second < 60;
        valid.then_some(((hour * 60 + minute) * 60 + second) * MICROS_PER_SECOND + fraction)
    }

    /// Digits, of which six count.
    fn fraction(&mut self) -> Option<i64> {
        let before = self.0.len();
        let digits = self.digits(1, 6)?;
        let missing = 6 - (before - self.0.len());
        let rest = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = &self.0[rest..];
        Some(digits * 10_i64.pow(u32::try_from(missing).ok()?))
    }

    /// `Z`, `+HH`, `+HHMM` or `+HH:MM` after any white space, in minutes; nothing is UTC.
    fn offset(&mut self) -> Option<i64> {
        while self.one_of(b" \t\n\r\x0b\x0c").is_some() {}
        let sign = match self.one_of(b"Z+-") {
            None | Some(b'Z') => return Some(0),
            Some(b'-') => -1,
            Some(_) => 1,
        };
        let hours = self.digits(2, 2)?;
        let colon = self.one_of(b":").is_some();
        let minutes = match self.digits(2, 2) {
            Some(minutes) => minutes,
            None if colon => return None,
            None => 0,
        };
        let total = hours * 60 + minutes;
        (total < 24 * 60).then_some(sign * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let found = Timestamp::parse(text).map(|timestamp| timestamp.to_string());
        assert_eq!(found.as_deref(), expected, "{text:?}");
    }

    #[test]
    fn reads_what_django_reads() {
        for (text, expected) in [
            ("2021-01-01T09:15:27.243860Z", "2021-01-01T09:15:27.243860Z"),
            ("2021-01-01 09:15:27.243860", "2021-01-01T09:15:27.243860Z"),
            ("2021-01-01 09:15:27,24386", "2021-01-01T09:15:27.243860Z"),
            ("2021-1-1 9:15", "2021-01-01T09:15:00.000000Z"),
            ("2021-01-01T09:05:07", "2021-01-01T09:05:07.000000Z"),
            ("2021-01-01 9:5:7", "2021-01-01T09:05:07.000000Z"),
            ("2021-01-01", "2021-01-01T00:00:00.000000Z"),
            ("2021-1-1", "2021-01-01T00:00:00.000000Z"),
            ("2021-01-01T00:00:00+02:00", "2020-12-31T22:00:00.000000Z"),
            ("2021-01-01T00:00:00-0530", "2021-01-01T05:30:00.000000Z"),
            ("2021-01-01T00:00:00+05", "2020-12-31T19:00:00.000000Z"),
            ("2021-01-01T00:00:00 +05", "2020-12-31T19:00:00.000000Z"),
            ("2021-01-01T00:00Z", "2021-01-01T00:00:00.000000Z"),
            ("2021-01-01T00:00:00.1234567", "2021-01-01T00:00:00.123456Z"),
            ("2021-01-01T00:00:00.99999999999999999999999999Z", "2021-01-01T00:00:00.999999Z"),
            ("2020-02-29", "2020-02-29T00:00:00.000000Z"),
            ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
            ("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z"),
        ] {
            check(text, Some(expected));
        }
    }

    #[test]
    fn refuses_what_is_no_date_or_no_time() {
        for text in [
            "",
            "now",
            "2021",
            "2021-01",
            "21-01-01",
            "2021-02-29",
            "2021-02-30",
            "2021-13-01",
            "2021-00-10",
            "2021-01-00",
            "2021-01-32",
            "0000-01-01",
            "10000-01-01",
            "2021-01-01T24:00",
            "2021-01-01T23:60",
            "2021-01-01T23:59:60",
            "2021-01-01T09",
            "2021-01-01T",
            "2021-01-01 ",
            " 2021-01-01",
            "2021-01-01t09:15",
            "2021-01-01T09:15z",
            "2021-01-01T09:15:",
            "2021-01-01T09:15:27.",
            "2021-01-01T09:15+",
            "2021-01-01T09:15+5",
            "2021-01-01T09:15+05:",
            "2021-01-01T09:15+05:3",
            "2021-01-01T09:15+24:00",
            "2021-01-01T09:15ZZ",
            "2021/01/01",
            "20210101",
            "1609492527",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "٢٠٢١-01-01",
            "2021-01-01T09:15:27.٣",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn the_django_format_has_a_space_and_no_zone() {
        let timestamp = Timestamp::parse("2021-01-01T09:15:27.24386Z").unwrap();
        assert_eq!(timestamp.format(TimestampFormat::Space), "2021-01-01 09:15:27.243860");
    }

    #[test]
    fn the_bounds_are_the_years_1_and_9999() {
        assert_eq!(Timestamp::MIN.to_string(), "0001-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(Timestamp::from_micros(Timestamp::MAX.as_micros() + 1), None);
    }
}
