//! What was stored, in an order that late commits cannot change: that of transactions.
//!
//! A transaction that began earlier may commit later. So a reader stops before the oldest one that is still
//! running ([`horizon`]); whatever is stored later has a greater number. The server's own snapshots would say
//! the same, but of everybody's transactions: one that loads something else for an hour would hold the feed up.

use std::collections::{HashMap, HashSet};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row, Transaction};

use super::list::{self, NAMES, events};
use super::rejected;
use super::tally;
use super::values::{Value, Values};
use crate::store::blocks::Mark;
use crate::store::feed::{BYTES, KEPT, Keys, Of};
use crate::store::{News, Place, Position, Stored};

/// Keys of one entry: so many that it stays in its row.
const KEYS: usize = 80;

/// Entries that are read at once, and items in the first look at what they are of: each may be large.
const ENTRIES: usize = 64;
const FIRST_SLICE: usize = 16;

/// Adds what a transaction stored.
pub(super) async fn add(transaction: &Transaction<'_>, of: Of, keys: &[Mark]) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let entries = keys.chunks(KEYS).map(|keys| Keys::of(keys.iter().copied()));
    let (keys, applications): (Vec<_>, Vec<_>) = entries.map(|entry| (entry.keys, entry.applications)).unzip();
    let sql = "INSERT INTO feed (rejected, keys, applications) SELECT $1, keys, applications \
               FROM unnest($2, $3) WITH ORDINALITY AS entry (keys, applications, place) ORDER BY place";
    let of = of == Of::Rejected;
    let (keys, applications) = ((&keys as _, Type::BYTEA_ARRAY), (&applications as _, Type::BYTEA_ARRAY));
    transaction.execute_typed(sql, &[(&of, Type::BOOL), keys, applications]).await.map(drop)
}

/// The transaction before which everything that will ever be in the feed can be read: by whoever takes a
/// snapshot after this one.
///
/// Who stores something takes one of our locks before the server gives it a number, and keeps both until others
/// see what it stored. `pg_locks` shows all of them in one state. It has the lower halves of their numbers, and some may
/// be ahead of what a snapshot ends with: the last one that is over.
pub(super) async fn horizon(transaction: &Transaction<'_>) -> Result<Horizon, Error> {
    let sql = "WITH locks AS MATERIALIZED (SELECT * FROM pg_locks WHERE locktype IN ('advisory', 'transactionid')), \
                   next AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS number) \
               SELECT least(next.number, min(next.number - behind) FILTER (WHERE behind < 2147483648)) \
               FROM next LEFT JOIN (locks AS storing JOIN locks AS running ON running.locktype = 'transactionid' \
                       AND running.granted AND running.mode = 'ExclusiveLock' \
                       AND running.virtualtransaction = storing.virtualtransaction \
                       AND storing.locktype = 'advisory' AND storing.classid::bigint IN ($1, $2) \
                       AND storing.objid::bigint = hashtext(current_schema())::bigint & 4294967295 \
                       AND storing.database = (SELECT oid FROM pg_database WHERE datname = current_database())) ON true, \
               LATERAL (SELECT (next.number - running.transactionid::text::bigint) & 4294967295 AS behind) AS distance \
               GROUP BY next.number";
    let [tally, rejected] = [tally::LOCK, rejected::LOCK].map(i64::from);
    let row = transaction.query_typed_one(sql, &[(&tally, Type::INT8), (&rejected, Type::INT8)]).await?;
    Ok(Horizon(row.try_get::<_, i64>(0)?.to_string()))
}

/// The number of a transaction.
pub(super) struct Horizon(String);

/// The place behind everything before that horizon.
pub(super) async fn newest(transaction: &Transaction<'_>, horizon: &Horizon) -> Result<Place, Error> {
    let sql = "SELECT transaction::text::bigint, entry, rejected, keys, applications FROM feed WHERE transaction < $1::text::xid8 \
               ORDER BY transaction DESC, entry DESC LIMIT 1";
    let rows = transaction.query_typed(sql, &[(&horizon.0, Type::TEXT)]).await?;
    Ok(rows.first().map(Entry::read).transpose()?.map(|entry| entry.end()).unwrap_or_default())
}

/// What was stored behind a place: about so many items.
pub(super) async fn after(
    transaction: &Transaction<'_>,
    horizon: &Horizon,
    place: Place,
    most: usize,
) -> Result<News, Error> {
    let sql = "SELECT transaction::text::bigint, entry, rejected, keys, applications FROM feed \
               WHERE (transaction, entry) >= ($1::text::xid8, $2) \
               AND transaction < $3::text::xid8 ORDER BY transaction, entry LIMIT $4";
    let (number, entry) = (place.transaction.to_string(), place.entry.cast_signed());
    let entries = (ENTRIES + 1).cast_signed() as i64;
    let before: Value<'_> = (&horizon.0, Type::TEXT);
    let values = [(&number as _, Type::TEXT), (&entry as _, Type::INT8), before, (&entries as _, Type::INT8)];
    let rows = transaction.query_typed(sql, &values).await?;
    let entries = rows.iter().map(Entry::read).collect::<Result<Vec<_>, _>>()?;
    // The entry that the place is in is read again, as long as there is one.
    let is_known = match place == Place::default() {
        true => entries.is_empty() || is_untrimmed(transaction).await?,
        false => entries.first().is_some_and(|entry| entry.is_at(place)),
    };
    let mut news = News { end: place, missed: !is_known, ..News::default() };
    let mut keys: Vec<Key> = entries.iter().flat_map(Entry::keys).skip_while(|key| key.place <= place).collect();
    news.more = keys.len() > most || entries.len() > ENTRIES;
    keys.truncate(most);
    let (mut bytes, mut slice) = (0, FIRST_SLICE);
    let mut keys = keys.into_iter().peekable();
    while keys.peek().is_some() && bytes < BYTES {
        let some: Vec<Key> = keys.by_ref().take(slice).collect();
        news.end = some.last().map_or(news.end, |last| last.place);
        let read = read(transaction, some).await?;
        bytes += read.iter().map(|(_, stored)| stored.size()).sum::<usize>();
        news.items.extend(read);
        slice *= 2;
    }
    news.more |= keys.peek().is_some();
    if news.missed && news.items.is_empty() {
        news.end = newest(transaction, horizon).await?;
    }
    Ok(news)
}

/// Whether the very first entry is still there.
async fn is_untrimmed(transaction: &Transaction<'_>) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM feed WHERE entry = 1)";
    transaction.query_typed_one(sql, &[]).await?.try_get(0)
}

/// Removes what is not kept any more, and what another server has numbered.
pub(super) async fn trim(client: &Client) -> Result<(), Error> {
    let sql = "DELETE FROM feed WHERE transaction >= pg_snapshot_xmax(pg_current_snapshot()) OR (transaction, entry) <= \
               (SELECT transaction, entry FROM (SELECT transaction, entry, \
                    sum(octet_length(keys) / 24) OVER (ORDER BY transaction DESC, entry DESC) AS items FROM feed) AS kept \
                WHERE items > $1 ORDER BY transaction DESC, entry DESC LIMIT 1)";
    client.execute_typed(sql, &[(&KEPT.cast_signed(), Type::INT8)]).await.map(drop)
}

/// Makes keys unreadable, where they are; the others keep their places. Entry by entry: whoever trims removes some of
/// them, and must not wait for one that waits for it.
pub(super) async fn forget(client: &Client, of: Of, gone: &HashSet<Mark>) -> Result<(), Error> {
    let sql = "SELECT transaction::text::bigint, entry, rejected, keys, applications FROM feed \
               WHERE rejected = $1 AND (transaction, entry) > ($2::text::xid8, $3) ORDER BY transaction, entry LIMIT $4";
    let (of, entries, mut last) = (of == Of::Rejected, ENTRIES.cast_signed() as i64, (0, 0));
    loop {
        let (transaction, entry): (String, i64) = (u64::to_string(&last.0), u64::cast_signed(last.1));
        let from: [Value<'_>; 2] = [(&transaction, Type::TEXT), (&entry, Type::INT8)];
        let values = [&[(&of as _, Type::BOOL)], &from[..], &[(&entries as _, Type::INT8)]].concat();
        let rows = client.query_typed(sql, &values).await?;
        for row in &rows {
            let Entry { place, keys, .. } = Entry::read(row)?;
            last = (place.transaction, place.entry);
            let Some(Keys { keys, applications }) = keys.without(gone) else { continue };
            let update =
                "UPDATE feed SET keys = $3, applications = $4 WHERE transaction = $1::text::xid8 AND entry = $2";
            let (transaction, entry) = (place.transaction.to_string(), place.entry.cast_signed());
            let place: [Value<'_>; 2] = [(&transaction, Type::TEXT), (&entry, Type::INT8)];
            let left: [Value<'_>; 2] = [(&keys, Type::BYTEA), (&applications, Type::BYTEA)];
            client.execute_typed(update, &[place, left].concat()).await?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// One entry of the feed.
struct Entry {
    place: Place,
    rejected: bool,
    keys: Keys,
}

/// A key, with the place behind it.
struct Key {
    place: Place,
    rejected: bool,
    mark: Mark,
}

impl Entry {
    fn read(row: &Row) -> Result<Self, Error> {
        let [transaction, entry] = [row.try_get::<_, i64>(0)?, row.try_get(1)?].map(i64::unsigned_abs);
        let keys = Keys { keys: row.try_get(3)?, applications: row.try_get(4)? };
        Ok(Self { place: Place { transaction, entry, items: 0 }, rejected: row.try_get(2)?, keys })
    }

    fn is_at(&self, place: Place) -> bool {
        self.place == Place { items: 0, ..place }
    }

    /// The place behind all of it.
    fn end(&self) -> Place {
        Place { items: self.keys.len(), ..self.place }
    }

    fn keys(&self) -> impl Iterator<Item = Key> {
        let (place, rejected) = (self.place, self.rejected);
        self.keys.read().zip(1..).map(move |(mark, items)| Key { place: Place { items, ..place }, rejected, mark })
    }
}

/// What is there of these keys; some may have been removed.
async fn read(transaction: &Transaction<'_>, keys: Vec<Key>) -> Result<Vec<(Place, Stored)>, Error> {
    let marks = |of_rejected: bool| -> Vec<Mark> {
        keys.iter().filter(|key| key.rejected == of_rejected).map(|key| key.mark).collect()
    };
    let (of_events, of_rejected) = (marks(false), marks(true));
    let mut stored: HashMap<(bool, Mark), Stored> = HashMap::new();
    if !of_events.is_empty() {
        let mut values = Values::default();
        let wanted = values.marks(&of_events).join(", ");
        let sql = format!(
            "SELECT {} FROM unnest({wanted}) AS key (timestamp, id, application) JOIN event ON event.timestamp = key.timestamp \
             AND event.id = key.id AND event.application = key.application {NAMES}",
            list::COLUMNS
        );
        let found = events(&transaction.query_typed(&sql, &values.list()).await?)?;
        let keyed = |event| ((false, Mark::from(Position::from(&event))), Stored::Event(event));
        stored.extend(found.into_iter().map(keyed));
    }
    if !of_rejected.is_empty() {
        let mut values = Values::default();
        let wanted = values.marks(&of_rejected).join(", ");
        let sql = format!(
            "SELECT {} FROM rejected JOIN unnest({wanted}) AS key (received_at, id, nobody) USING (received_at, id)",
            rejected::columns()
        );
        for row in &transaction.query_typed(&sql, &values.list()).await? {
            let row = rejected::rejected(row)?;
            stored.insert((true, Mark::from(Position::from(&row))), Stored::Rejected(row));
        }
    }
    let found = |key: Key| Some((key.place, stored.remove(&(key.rejected, key.mark))?));
    Ok(keys.into_iter().filter_map(found).collect())
}
