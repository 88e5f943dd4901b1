//! What is removed, step by step: each is a transaction of its own, so that nobody waits for long.

use std::collections::HashSet;

use tokio_postgres::{Client, Transaction};
use uuid::Uuid;

use super::months::Month;
use super::remove::{Erasure, STEP, Whose};
use super::{Database, PostgresStore, emptied, expired_month, feed, read_counted, rejected, remove};
use crate::event::Expiry;
use crate::store::blocks::Mark;
use crate::store::feed::Of;
use crate::store::{ErasedRows, StoreError};

/// How often it is tried to be alone, for a second each time.
const TRIES: usize = 30;

/// Keys that are remembered until they are taken out of the feed and the tally.
const KEYS: usize = 100_000;

impl PostgresStore {
    /// Removes some of what has expired.
    pub(super) async fn remove_some(&self, expiry: &Expiry, most: usize) -> Result<u64, StoreError> {
        let Database { inserter, .. } = &*self.database;
        let dropped = self.drop_months(expiry).await?;
        if dropped > 0 {
            return Ok(dropped);
        }
        let expired = self.find_expired(expiry, most).await?;
        let mut removed = 0;
        if !expired.is_empty() {
            removed = self.database.write(async |client| remove::some(client, inserter, &expired).await).await?;
        }
        if expired.len() < most {
            let most = most - expired.len();
            let remove = async |client: &mut Client| remove::some_expired_rejected(client, expiry, most).await;
            removed += self.database.write(remove).await?;
        }
        let sweep = async |client: &mut Client| match removed == 0 || emptied::are_many(client).await? {
            true => emptied::sweep(client).await,
            false => Ok(()),
        };
        self.database.write(sweep).await?;
        Ok(removed)
    }

    async fn drop_months(&self, expiry: &Expiry) -> Result<u64, StoreError> {
        if let Some(month) = self.find_month(expiry).await? {
            self.database.write(async |client| expired_month::detach(client, expiry, month).await).await?;
        }
        self.database.write(async |client| expired_month::drop_detached(client).await).await
    }

    async fn find_month(&self, expiry: &Expiry) -> Result<Option<Month>, StoreError> {
        read_counted!(self, transaction => expired_month::find(transaction, expiry))
    }

    async fn find_expired(&self, expiry: &Expiry, most: usize) -> Result<Vec<Mark>, StoreError> {
        read_counted!(self, transaction => remove::find_expired(transaction, expiry, most))
    }

    /// Erases a session.
    pub(super) async fn erase(&self, session_id: &str, application: Option<&str>) -> Result<ErasedRows, StoreError> {
        let Database { options, .. } = &*self.database;
        let erasure = Erasure { id: options.clock.new_id(), at: options.clock.now() };
        let begin = async |client: &mut Client| {
            let transaction = client.transaction().await?;
            erasure.add(&transaction, 0, 0).await?;
            transaction.commit().await?;
            remove::whose(client, session_id, application).await
        };
        let events = match self.database.write(begin).await? {
            Some(whose) => self.erase_events(erasure, whose).await?,
            None => 0,
        };
        let rejected = self.erase_rejected(erasure, session_id, application).await?;
        Ok(ErasedRows { id: erasure.id, events, rejected })
    }

    async fn erase_events(&self, erasure: Erasure, whose: Whose) -> Result<u64, StoreError> {
        let Database { inserter, .. } = &*self.database;
        let (mut events, mut keys) = (0, Vec::new());
        loop {
            let some = async |client: &mut Client| remove::some_of_session(client, inserter, erasure, whose).await;
            let some = self.database.write(some).await?;
            let is_last = some.len() < STEP;
            events += some.len() as u64;
            keys.extend(some);
            if is_last || keys.len() >= KEYS {
                self.forget(whose, &keys).await?;
                keys.clear();
            }
            if is_last {
                self.alone(Alone::RemoveSession(whose)).await?;
                return Ok(events);
            }
        }
    }

    /// Takes the keys of events that are gone out of the feed, and out of where blocks begin.
    async fn forget(&self, whose: Whose, keys: &[Mark]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let gone: HashSet<Mark> = keys.iter().copied().collect();
        self.database.write(async |client| feed::forget(client, Of::Events, &gone).await).await?;
        self.alone(Alone::ForgetStarts(whose, keys)).await
    }

    async fn erase_rejected(
        &self,
        erasure: Erasure,
        session_id: &str,
        application: Option<&str>,
    ) -> Result<Vec<Uuid>, StoreError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let look = async move |transaction: &Transaction<'_>| {
                rejected::of_session(transaction, session_id, application, after).await
            };
            let (some, last) = self.database.read(look).await?;
            found.extend(some);
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        for some in found.chunks(STEP) {
            self.database.write(async |client| remove::some_rejected(client, erasure, some).await).await?;
        }
        Ok(found.into_iter().map(|row| row.id).collect())
    }

    /// Does what has to be done while nobody inserts, which may have to be tried again.
    async fn alone(&self, what: Alone<'_>) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let work = async move |client: &mut Client| match what {
                Alone::ForgetStarts(whose, keys) => remove::forget_starts(client, whose.session, keys).await,
                Alone::RemoveSession(whose) => emptied::remove(client, &[whose.session]).await,
            };
            if self.database.write(work).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("somebody has inserted for too long".to_owned()))
    }
}

/// What has to be done while nobody inserts.
#[derive(Debug, Clone, Copy)]
enum Alone<'a> {
    /// These events are where no block begins any more.
    ForgetStarts(Whose, &'a [Mark]),
    /// The session goes, if it is empty.
    RemoveSession(Whose),
}
