//! Inserts: sorted, numbered, passed over where the row is there already, and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, ffi, params};

use super::applications;
use super::feed;
use super::sessions;
use super::tally::{self, Counted};
use super::upper;
use crate::event::{Application, Event, EventKind};
use crate::sqlite::rows;
use crate::store::blocks::{ALL, MANY, Mark};
use crate::store::feed::Of;
use crate::store::{Inserted, Position};

/// Sessions that are remembered, about 100 bytes each.
const SESSIONS: NonZeroUsize = NonZeroUsize::new(50_000).expect("not nought");

/// What one insert leaves for the next. Kinds are few.
#[derive(Debug)]
pub(super) struct Inserter {
    sessions: LruCache<String, Session>,
    /// By the number of the application, 0 for none.
    kinds: BTreeMap<u32, BTreeMap<Arc<EventKind>, i64>>,
    applications: BTreeMap<u32, Arc<Application>>,
    /// SQLite's number for what other connections have committed, as far as this is true of it.
    version: Option<i64>,
}

/// A session, as the database has it or will have it.
#[derive(Debug, Clone, Copy)]
struct Session {
    number: i64,
    /// Its events; once they are [`MANY`], at least so many. Fewer, where some were removed since: then it gets blocks
    /// sooner, which is no harm.
    events: u32,
}

/// What a transaction inserted and has to count.
#[derive(Debug, Default)]
struct News {
    /// All events, in the order of lists.
    events: Vec<Counted>,
    /// Those of sessions that were of many already.
    of_many: BTreeMap<i64, Vec<Counted>>,
    /// Sessions that have become of many.
    promoted: BTreeSet<i64>,
}

impl Default for Inserter {
    fn default() -> Self {
        let (kinds, applications) = Default::default();
        Self { sessions: LruCache::new(SESSIONS), kinds, applications, version: None }
    }
}

impl Inserter {
    /// Inserts all events in one transaction that is flushed.
    pub(super) fn insert(&mut self, connection: &mut Connection, events: &[Event]) -> rusqlite::Result<Inserted> {
        // What it remembers is to be committed: after an error or a panic it has to be read anew.
        let mut inserter = std::mem::take(self);
        let inserted = inserter.insert_all(connection, events)?;
        *self = inserter;
        Ok(inserted)
    }

    /// Forgets a session that is not there any more.
    pub(super) fn forget(&mut self, session_id: &str) {
        self.sessions.pop(session_id);
    }

    fn insert_all(&mut self, connection: &mut Connection, events: &[Event]) -> rusqlite::Result<Inserted> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.forget_what_others_changed(&transaction)?;
        let news = self.insert_rows(&transaction, events)?;
        tally::add(&transaction, ALL, &news.events)?;
        upper::add(&transaction, &news.events)?;
        for session in &news.promoted {
            tally::build(&transaction, *session)?;
        }
        for (session, events) in news.of_many.iter().filter(|(session, _)| !news.promoted.contains(session)) {
            tally::add(&transaction, *session, events)?;
        }
        feed::add(&transaction, Of::Events, news.events.iter().map(|event| event.mark))?;
        transaction.commit()?;
        Ok(Inserted { new: news.events.len() })
    }

    /// Another process may store into the same file, and count the same sessions.
    fn forget_what_others_changed(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let version = transaction.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), ..Self::default() };
        }
        Ok(())
    }

    fn insert_rows(&mut self, transaction: &Transaction<'_>, events: &[Event]) -> rusqlite::Result<News> {
        let mut sorted: Vec<&Event> = events.iter().collect();
        // Stable, so that of two with the same key the first one to arrive stands.
        sorted.sort_by_key(|event| Position::from(*event));
        let mut insert = transaction.prepare_cached(
            "INSERT INTO event (timestamp, id, session, kind, received_at, data, address) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (timestamp, id) DO NOTHING",
        )?;
        let mut news = News { events: Vec::with_capacity(events.len()), ..News::default() };
        for event in sorted {
            let application = self.application(transaction, event.application.as_ref())?;
            let kind = self.kind(transaction, application, &event.kind)?;
            let mark = Mark::from(Position::from(event));
            let session = self.session(transaction, &event.session_id)?;
            let inserted = insert.execute(params![
                event.timestamp.as_micros(),
                mark.key(),
                session.number,
                kind,
                event.received_at.as_micros(),
                event.data,
                event.address.map(rows::address_bytes),
            ])?;
            if inserted == 1 {
                news.add(session, Counted { mark, kind });
            }
        }
        Ok(news)
    }

    fn session(&mut self, transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<&mut Session> {
        if !self.sessions.contains(id) {
            let session = match sessions::number(transaction, id)? {
                Some(number) => Session { number, events: events_of(transaction, number)? },
                None => Session { number: sessions::add(transaction, id)?, events: 0 },
            };
            self.sessions.put(id.to_owned(), session);
        }
        Ok(self.sessions.get_mut(id).expect("it was put there"))
    }

    /// The number of an event's application. One that is not known yet is from now on; one that is known otherwise
    /// is the event's fault.
    fn application(
        &mut self,
        transaction: &Transaction<'_>,
        application: Option<&Arc<Application>>,
    ) -> rusqlite::Result<u32> {
        let Some(application) = application else { return Ok(0) };
        let number = application.number.get();
        if self.applications.get(&number) != Some(application) {
            applications::know(transaction, application)?.map_err(refused)?;
            self.applications.insert(number, application.clone());
        }
        Ok(number)
    }

    fn kind(
        &mut self,
        transaction: &Transaction<'_>,
        application: u32,
        kind: &Arc<EventKind>,
    ) -> rusqlite::Result<i64> {
        if let Some(&number) = self.kinds.get(&application).and_then(|kinds| kinds.get(kind)) {
            return Ok(number);
        }
        let names = params![application, kind.category, kind.name];
        let known = transaction
            .prepare_cached("SELECT number FROM kind WHERE application = ?1 AND category = ?2 AND name = ?3")?
            .query_row(names, |row| row.get(0))
            .optional()?;
        let number = match known {
            Some(number) => number,
            None => transaction
                .prepare_cached("INSERT INTO kind (application, category, name) VALUES (?1, ?2, ?3)")?
                .insert(names)?,
        };
        self.kinds.entry(application).or_default().insert(kind.clone(), number);
        Ok(number)
    }
}

impl News {
    fn add(&mut self, session: &mut Session, event: Counted) {
        self.events.push(event);
        session.events = session.events.saturating_add(1);
        if session.events == MANY {
            self.promoted.insert(session.number);
        }
        if session.events > MANY {
            self.of_many.entry(session.number).or_default().push(event);
        }
    }
}

/// An error that speaks against the event.
fn refused(reason: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CONSTRAINT), Some(reason))
}

/// The events of a session, counted up to [`MANY`].
fn events_of(connection: &Connection, session: i64) -> rusqlite::Result<u32> {
    if tally::total(connection, session, &[tally::ANY])? > 0 {
        return Ok(MANY);
    }
    let sql = "SELECT count(*) FROM (SELECT 1 FROM event INDEXED BY event_session WHERE session = ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.query_row(params![session, MANY], |row| row.get(0))
}

/// Counts everything that a database had before it had a tally.
pub(super) fn count_all(connection: &Connection) -> rusqlite::Result<()> {
    tally::build(connection, ALL)?;
    let sql = "SELECT session FROM event INDEXED BY event_session GROUP BY session HAVING count(*) >= ?1";
    let many: Vec<i64> =
        connection.prepare(sql)?.query_map([MANY], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    many.into_iter().try_for_each(|session| tally::build(connection, session))
}
