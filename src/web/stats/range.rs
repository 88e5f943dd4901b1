//! A stretch of time, cut into minutes, hours or days (UTC).

use crate::event::{Errors, Timestamp, text};
use crate::web::params::Params;

/// Intervals that the answer has at most, and at most if nobody says how long they are.
const MOST: i64 = 500;
const MOST_BY_DEFAULT: i64 = 200;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A stretch of whole intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) start: Timestamp,
    /// Not included.
    pub(super) end: Timestamp,
    pub(super) interval: Interval,
}

/// How long an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum Interval {
    Minute,
    Hour,
    Day,
}

impl Interval {
    const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    pub(in crate::web) fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn micros(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }
}

impl Range {
    /// The stretch that parameters ask for: `start_time`, `end_time`, `last`, `interval`.
    pub(super) fn of(params: &Params, now: Timestamp, errors: &mut Errors) -> Option<Self> {
        let mut time = |name: &str| {
            let time = params.get(name).map(Timestamp::parse);
            if time == Some(None) {
                errors.add([name], text::BAD_DATETIME);
            }
            time
        };
        let (start, end) = (time("start_time"), time("end_time"));
        let last = params.get("last").map(length);
        if last == Some(None) {
            errors.add(["last"], "Not a length of time, like 90m, 24h or 7d.");
        }
        if last.is_some() && start.is_some() {
            errors.add(["last"], "This and start_time exclude each other.");
        }
        let interval = interval(params, errors);
        if !errors.is_empty() {
            return None;
        }
        // What happens now is included.
        let end = end.flatten().map_or(now.as_micros() + 1, Timestamp::as_micros);
        let start = start.flatten().map_or(end - last.flatten().unwrap_or(DAY), Timestamp::as_micros);
        if start > end {
            errors.add(["start_time"], "start_time must not be after end_time.");
            return None;
        }
        let shortest =
            || Interval::ALL.into_iter().find(|interval| (end - start) / interval.micros() < MOST_BY_DEFAULT);
        let range = Self::whole(start, end, interval.or_else(shortest).unwrap_or(Interval::Day));
        if range.intervals() > MOST {
            let (count, interval) = (range.intervals(), range.interval.as_str());
            let problem = format!("These are {count} intervals of a {interval}, and may be {MOST} at most.");
            errors.add(["interval"], problem);
            return None;
        }
        Some(range)
    }

    /// Moved out to whole intervals: one at least, but before the beginning of time.
    fn whole(start: i64, end: i64, interval: Interval) -> Self {
        let micros = interval.micros();
        let start = start.div_euclid(micros) * micros;
        let end = (end.max(start + 1) + micros - 1).div_euclid(micros) * micros;
        // Time has a first and a last day.
        let within =
            |time: i64| Timestamp::from_micros(time.clamp(Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros()));
        let (start, end) = (within(start), within(end));
        Self { start: start.unwrap_or(Timestamp::MIN), end: end.unwrap_or(Timestamp::MAX), interval }
    }

    fn intervals(self) -> i64 {
        (self.end.as_micros() - self.start.as_micros() + self.interval.micros() - 1) / self.interval.micros()
    }

    /// Where the intervals begin, and where the last one ends.
    pub(super) fn edges(self) -> Vec<Timestamp> {
        let begin = |number| Timestamp::from_micros(self.start.as_micros() + number * self.interval.micros());
        (0..self.intervals()).filter_map(begin).chain([self.end]).collect()
    }

    /// The last microsecond of it.
    pub(super) fn last_time(self) -> Timestamp {
        before(self.end)
    }
}

/// The microsecond before.
pub(super) fn before(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() - 1).unwrap_or(Timestamp::MIN)
}

fn interval(params: &Params, errors: &mut Errors) -> Option<Interval> {
    let word = params.get("interval")?;
    let interval = Interval::ALL.into_iter().find(|interval| interval.as_str() == word);
    if interval.is_none() {
        errors.add(["interval"], "Expected one of: minute, hour, day.");
    }
    interval
}

/// A length of time, such as `90m`, `24h` or `7d`, of a thousand years at most.
fn length(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b'm' => MINUTE,
        b'h' => HOUR,
        b'd' => DAY,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let micros = number.parse::<i64>().ok().filter(|_| digits)?.checked_mul(unit)?;
    (1..=1000 * 366 * DAY).contains(&micros).then_some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::stats::KNOWN;

    fn check(query: &str, expected: Result<(&str, &str, &str, usize), &str>) {
        let now = Timestamp::parse("2026-06-01T12:34:56.5").unwrap();
        let mut errors = Errors::default();
        let params = Params::parse(Some(query), &KNOWN).unwrap();
        let found = Range::of(&params, now, &mut errors);
        let shown = found.map(|range| {
            let (start, end) = (range.start.to_string(), range.end.to_string());
            (start, end, range.interval.as_str(), range.edges().len() - 1)
        });
        match expected {
            Ok((start, end, interval, count)) => {
                assert_eq!(shown, Some((start.to_owned(), end.to_owned(), interval, count)), "{query}");
            }
            Err(message) => {
                assert_eq!(shown, None, "{query}");
                assert!(errors.to_json().contains(message), "{query}: {}", errors.to_json());
            }
        }
    }

    #[test]
    fn a_stretch_is_moved_out_to_whole_intervals() {
        let hours = Ok(("2026-05-31T12:00:00.000000Z", "2026-06-01T13:00:00.000000Z", "hour", 25));
        check("", hours);
        check("last=24h", hours);
        check("last=2m", Ok(("2026-06-01T12:32:00.000000Z", "2026-06-01T12:35:00.000000Z", "minute", 3)));
        check("last=7d", Ok(("2026-05-25T12:00:00.000000Z", "2026-06-01T13:00:00.000000Z", "hour", 169)));
        check("last=30d", Ok(("2026-05-02T00:00:00.000000Z", "2026-06-02T00:00:00.000000Z", "day", 31)));
        let exact = "start_time=2026-01-01&end_time=2026-01-01T01:00";
        check(exact, Ok(("2026-01-01T00:00:00.000000Z", "2026-01-01T01:00:00.000000Z", "minute", 60)));
        let instant = "start_time=2026-01-01&end_time=2026-01-01&interval=day";
        check(instant, Ok(("2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z", "day", 1)));
        let long_ago = "end_time=0001-01-01&last=1h";
        check(long_ago, Ok(("0001-01-01T00:00:00.000000Z", "0001-01-01T00:00:00.000000Z", "minute", 0)));
        let far = "start_time=9999-12-31T23:59&end_time=9999-12-31T23:59:59.9&interval=day";
        check(far, Ok(("9999-12-31T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z", "day", 1)));
    }

    #[test]
    fn what_cannot_be_cut_up_is_said() {
        check("interval=minute&last=1d", Err("1441 intervals of a minute, and may be 500 at most"));
        check("start_time=2020-01-01", Err("intervals of a day"));
        check("interval=week", Err("Expected one of: minute, hour, day."));
        check("start_time=tomorrow", Err("Datetime has wrong format"));
        check("start_time=2026-02-01&end_time=2026-01-01", Err("start_time must not be after end_time."));
        for last in ["", "5", "h", "-1h", "+1h", "1w", "0d", "99999999999999999d", "9999999d", "1é"] {
            if !last.is_empty() {
                check(&format!("last={}", last.replace('+', "%2B")), Err("Not a length of time"));
            }
        }
        check("last=1h&start_time=2026-01-01", Err("exclude each other"));
    }
}
