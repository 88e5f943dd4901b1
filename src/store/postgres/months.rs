//! Which months have a partition, so that an old month can be dropped whole.
//!
//! A month is made ahead of the clock, by the server's clock and never by an event's, so that a
//! flood of odd timestamps cannot make partitions without end. All before the first month is one
//! partition; what fits nowhere is in the default one. A month of which the default one holds
//! anything is not made: its events would have to be moved. Since old events are not in the default
//! one, it is next to empty, and the look through it that PostgreSQL takes is short.

use std::fmt;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, GenericClient, Transaction};

use super::schema;
use super::values::Timestamptz;
use crate::event::Timestamp;
use crate::store::blocks::{Mark, Stretch};

/// Months that the first start makes behind the clock, months made ahead of it, and the longest
/// absence whose months are still made.
const BEHIND: u32 = 3;
const AHEAD: u32 = 2;
const ABSENCE: u32 = 12;

/// The partition of all that is before the first month.
const EARLIER: &str = "event_earlier";

/// A month of the calendar, in months since the year 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(u32);

/// Makes the months that are due, and says how many that were.
pub(super) async fn make(client: &mut Client, now: Timestamp) -> Result<usize, Error> {
    let now = Month::of(now);
    if existing(client).await?.due(now).is_empty() {
        return Ok(0);
    }
    let transaction = schema::lock(client).await?;
    // A month waits for the default partition, which a long query may hold; everyone would queue
    // up behind that wait.
    transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await?;
    let existing = existing(&transaction).await?;
    // Made once: if somebody dropped it, what is that old goes to the default partition.
    if !existing.earlier && existing.months.is_empty() {
        let first = now.back(BEHIND);
        create(&transaction, EARLIER, &format!("FROM (MINVALUE) TO ('{}')", first.start())).await?;
    }
    let mut made = 0;
    for month in existing.due(now) {
        if !held_by_default(&transaction, month).await? {
            let bounds = format!("FROM ('{}') TO ('{}')", month.start(), month.next().start());
            create(&transaction, &month.to_string(), &bounds).await?;
            made += 1;
        }
    }
    transaction.commit().await?;
    Ok(made)
}

/// The months there are, oldest first.
pub(super) async fn all(client: &impl GenericClient) -> Result<Vec<Month>, Error> {
    let mut months = existing(client).await?.months;
    months.sort_unstable();
    Ok(months)
}

/// The partitions there are.
struct Partitions {
    months: Vec<Month>,
    /// Whether there is the one before all months, which the first start makes.
    earlier: bool,
}

impl Partitions {
    /// The months that should be there and are not.
    fn due(&self, now: Month) -> Vec<Month> {
        let first = match self.months.iter().filter(|month| **month <= now).max() {
            // Months before this one were dropped by somebody, or never made.
            Some(newest) => newest.next().max(now.back(ABSENCE)),
            None if self.earlier => now,
            None => now.back(BEHIND),
        };
        let due = (first.0..=now.0 + AHEAD).map(Month);
        due.filter(|month| !self.months.contains(month) && month.is_ours()).collect()
    }
}

async fn existing(client: &impl GenericClient) -> Result<Partitions, Error> {
    let sql = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
               WHERE inhparent = 'event'::regclass";
    let rows = client.query_typed(sql, &[]).await?;
    let names: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let months = names.iter().filter_map(|name| Month::parse(name)).collect();
    Ok(Partitions { months, earlier: names.iter().any(|name| name == EARLIER) })
}

async fn held_by_default(transaction: &Transaction<'_>, month: Month) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM event_default WHERE timestamp >= $1 AND timestamp < $2)";
    let Stretch { from, to } = month.stretch();
    let [from, to] = [from, to].map(Timestamptz::from);
    transaction.query_typed_one(sql, &[(&from, Type::TIMESTAMPTZ), (&to, Type::TIMESTAMPTZ)]).await?.try_get(0)
}

/// A table that becomes a partition: that locks less than one that is made as a partition. Its events,
/// of which there are none, are counted.
async fn create(transaction: &Transaction<'_>, name: &str, bounds: &str) -> Result<(), Error> {
    let sql = format!(
        "CREATE TABLE {name} (LIKE event INCLUDING ALL); ALTER TABLE event ATTACH PARTITION {name} FOR VALUES {bounds}; \
         INSERT INTO tallied_partition (relation, filenode, name) \
         SELECT oid, pg_relation_filenode(oid), relname FROM pg_class \
         WHERE oid = '{name}'::regclass"
    );
    transaction.batch_execute(&sql).await
}

impl Month {
    fn of(time: Timestamp) -> Self {
        let text = time.to_string();
        let number = |at: std::ops::Range<usize>| text[at].parse::<u32>().expect("a timestamp begins with its date");
        Self(number(0..4) * 12 + number(5..7) - 1)
    }

    /// The month of a partition's name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (year, month) = name.strip_prefix("event_")?.split_once('_')?;
        let (year, month) = (year.parse::<u32>().ok()?, month.parse::<u32>().ok()?);
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then(|| Self(year * 12 + month - 1))
    }

    fn next(self) -> Self {
        Self(self.0 + 1)
    }

    fn back(self, months: u32) -> Self {
        Self(self.0.saturating_sub(months).max(12))
    }

    /// Whether it ends within the years that events can be of.
    fn is_ours(self) -> bool {
        self.next().0 / 12 <= 9999
    }

    pub(super) fn stretch(self) -> Stretch {
        let start = |month: Self| Mark::from(Timestamp::parse(&month.start()).unwrap_or(Timestamp::MAX));
        Stretch { from: start(self), to: start(self.next()) }
    }

    /// Its first moment.
    fn start(self) -> String {
        format!("{:04}-{:02}-01 00:00:00+00", self.0 / 12, self.0 % 12 + 1)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event_{:04}_{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(existing: &[&str], now: &str) -> Vec<String> {
        let months = existing.iter().filter_map(|name| Month::parse(name)).collect();
        let partitions = Partitions { months, earlier: !existing.is_empty() };
        let due = partitions.due(Month::of(Timestamp::parse(now).unwrap()));
        due.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn months_are_made_ahead_of_the_clock_and_no_others() {
        let first =
            ["event_2025_10", "event_2025_11", "event_2025_12", "event_2026_01", "event_2026_02", "event_2026_03"];
        assert_eq!(due(&[], "2026-01-31"), first);
        let check = |existing: &[&str], now: &str, expected: &[&str]| assert_eq!(due(existing, now), expected, "{now}");
        check(&first, "2026-01-31", &[]);
        check(&first, "2026-02-01", &["event_2026_04"]);
        // Dropped by an operator, and not made again.
        check(&first[3..], "2026-01-31", &[]);
        check(&[EARLIER], "2026-01-31", &["event_2026_01", "event_2026_02", "event_2026_03"]);
        check(&first, "2026-05-01", &["event_2026_04", "event_2026_05", "event_2026_06", "event_2026_07"]);
        // A clock that was wrong for a while.
        check(&["event_2090_01"], "2026-05-01", &["event_2026_05", "event_2026_06", "event_2026_07"]);
        // An absence of years makes one year's months.
        assert_eq!(due(&["event_2026_01"], "2046-01-01").len(), 15);
        assert_eq!(Month::parse("event_2026_13"), None);
    }

    #[test]
    fn years_have_their_ends() {
        assert_eq!(due(&[], "9999-12-31").last().unwrap(), "event_9999_11");
        assert_eq!(due(&[], "0001-01-01")[0], "event_0001_01");
    }
}
