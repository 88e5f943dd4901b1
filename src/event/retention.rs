//! How long events are kept: `90d`, or another time for some categories (`90d,form_interaction=30d`).
//!
//! It goes by when an event happened, as lists and partitions do.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::Timestamp;
use super::catalog::normalize;

/// Microseconds of an hour.
const HOUR: i64 = 60 * 60 * 1_000_000;

/// How long events are kept; for ever where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// Microseconds, of categories that are not named.
    others: Option<i64>,
    by_category: BTreeMap<String, Option<i64>>,
}

/// Until when events have expired.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Events of categories that are not named have expired that happened before then; none where that is `None`.
    pub others: Option<Timestamp>,
    /// The same of some categories.
    pub by_category: BTreeMap<String, Option<Timestamp>>,
}

impl Retention {
    /// Whether everything is kept for ever.
    pub fn is_for_ever(&self) -> bool {
        self.others.is_none() && self.by_category.values().all(Option::is_none)
    }

    /// What has expired by now.
    pub fn expiry(&self, now: Timestamp) -> Expiry {
        let before = |kept: Option<i64>| Timestamp::from_micros(now.as_micros().saturating_sub(kept?));
        let by_category = self.by_category.iter().map(|(category, kept)| (category.clone(), before(*kept))).collect();
        Expiry { others: before(self.others), by_category }
    }
}

impl Expiry {
    /// Until when events of a category have expired, if they do.
    pub fn of(&self, category: &str) -> Option<Timestamp> {
        self.by_category.get(category).copied().unwrap_or(self.others)
    }

    /// What expires of these, by the time until which it has, by their categories.
    pub fn by_end<'a, T>(&self, all: impl Iterator<Item = (T, &'a str)>) -> BTreeMap<Timestamp, Vec<T>> {
        let mut by_end = BTreeMap::<_, Vec<T>>::new();
        for (one, category) in all {
            if let Some(end) = self.of(category) {
                by_end.entry(end).or_default().push(one);
            }
        }
        by_end
    }
}

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut retention = Self::default();
        let mut has_others = false;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let is_new = match part.split_once('=') {
                Some((category, kept)) => {
                    let category = normalize(category.trim()).into_owned();
                    retention.by_category.insert(category, time(kept.trim())?).is_none()
                }
                None => {
                    retention.others = time(part)?;
                    !std::mem::replace(&mut has_others, true)
                }
            };
            if !is_new {
                return Err(format!("`{part}` says again what was said before"));
            }
        }
        Ok(retention)
    }
}

fn time(text: &str) -> Result<Option<i64>, String> {
    let wrong = || "it must be times such as 90d, or 90d,form_interaction=12h,page_interaction=forever".to_owned();
    if text == "forever" {
        return Ok(None);
    }
    let (number, hours) = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => (days, 24),
        (None, Some(hours)) => (hours, 1),
        (None, None) => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    match i64::from(number).checked_mul(hours * HOUR) {
        Some(micros) if micros > 0 => Ok(Some(micros)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_goes_by_its_own_time_or_by_that_of_all() {
        let retention: Retention = "90d, page interaction=12h,form_interaction=forever".parse().unwrap();
        let now = Timestamp::parse("2026-06-01T12:00:00Z").unwrap();
        let expiry = retention.expiry(now);
        let of = |category| expiry.of(category).map(|time| time.to_string());
        assert_eq!(of("other").as_deref(), Some("2026-03-03T12:00:00.000000Z"));
        assert_eq!(of("page_interaction").as_deref(), Some("2026-06-01T00:00:00.000000Z"));
        assert_eq!(of("form_interaction"), None);
        assert!(!retention.is_for_ever());
    }

    #[test]
    fn nothing_said_is_for_ever() {
        for for_ever in ["", " , ", "forever", "a=forever"] {
            assert!(for_ever.parse::<Retention>().unwrap().is_for_ever(), "{for_ever}");
        }
        assert_eq!(Retention::default().expiry(Timestamp::MAX).of("a"), None);
        // Longer than there are years.
        assert_eq!("100000000d".parse::<Retention>().unwrap().expiry(Timestamp::MIN).of("a"), None);
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        for wrong in ["90", "d", "-1d", "0d", "1.5d", "90d,30d", "a=1d,a=2d", "a=", "=", "90 days", "4294967295d"] {
            assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
        }
    }
}
