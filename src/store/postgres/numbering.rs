//! The numbers of an insert's sessions, kinds and applications: remembered, looked up, or given.
//!
//! This is done before the insert, in transactions of its own. What is remembered of sessions is true of one generation of
//! them ([`super::emptied`]), which the insert sees to be that still.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::applications;
use super::insert::Inserter;
use super::tally::Counted;
use super::values::Value;
use crate::event::{Application, Event, EventKind};
use crate::store::Position;

/// An event with the numbers that stand for its session and its kind.
pub(super) struct Numbered<'a> {
    pub(super) event: &'a Event,
    pub(super) session: i64,
    pub(super) kind: i32,
}

impl Numbered<'_> {
    pub(super) fn counted(&self) -> Counted {
        Counted { mark: Position::from(self.event).into(), kind: self.kind, session: self.session }
    }
}

/// What has a number of its own: a kind of one application, or of none.
type Kind<'a> = (u32, &'a Arc<EventKind>);

fn kind_of(event: &Event) -> Kind<'_> {
    (event.application_number(), &event.kind)
}

impl Inserter {
    /// The generation of sessions that is remembered, or that there is.
    pub(super) async fn generation(&self, client: &Client) -> Result<i64, Error> {
        let known = self.numbers().generation();
        match known {
            Some(generation) => Ok(generation),
            None => {
                let row = client.query_typed_one("SELECT number FROM session_generation", &[]).await?;
                let generation = row.try_get(0)?;
                // Another insert may have begun to remember meanwhile.
                Ok(self.numbers().begin(generation))
            }
        }
    }

    /// Numbers sessions and kinds, in statements of their own.
    pub(super) async fn numbered<'a>(
        &self,
        client: &Client,
        events: &[&'a Event],
        generation: i64,
    ) -> Result<Vec<Numbered<'a>>, Error> {
        let kinds = self.kinds(client, events).await?;
        let sessions = self.sessions(client, events, generation).await?;
        let numbered = |(event, session): (&&'a Event, i64)| {
            let kind = kinds.iter().find(|(kind, _)| *kind == kind_of(event)).map(|(_, number)| *number);
            Numbered { event, session, kind: kind.expect("all kinds of these events were looked up") }
        };
        Ok(events.iter().zip(sessions).map(numbered).collect())
    }

    /// The numbers of the events' sessions, in their order; those seen for the first time are given one.
    async fn sessions(&self, client: &Client, events: &[&Event], generation: i64) -> Result<Vec<i64>, Error> {
        let known: Vec<Option<i64>> = {
            let mut numbers = self.numbers();
            events.iter().map(|event| numbers.session(&event.session_id)).collect()
        };
        let unknown = events.iter().zip(&known).filter(|(_, number)| number.is_none());
        let mut wanted: Vec<&str> = unknown.map(|(event, _)| event.session_id.as_str()).collect();
        // In order, so that two workers cannot wait for each other.
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = HashMap::new();
        // Most that are not remembered are new. The others, and those that another worker has just
        // given a number, are there to be looked up.
        let give = "INSERT INTO session (session_id) SELECT id FROM unnest($1) WITH ORDINALITY AS new (id, place) \
                    ORDER BY place ON CONFLICT DO NOTHING RETURNING session_id, number";
        let look = "SELECT session_id, number FROM session WHERE session_id = ANY($1)";
        for sql in [give, look].into_iter().cycle() {
            if wanted.is_empty() {
                break;
            }
            let rows = client.query_typed(sql, &[(&wanted, Type::TEXT_ARRAY)]).await?;
            for row in &rows {
                found.insert(row.try_get::<_, String>(0)?, row.try_get::<_, i64>(1)?);
            }
            wanted.retain(|id| !found.contains_key(*id));
        }
        let number = |(event, known): (&&Event, Option<i64>)| {
            known.unwrap_or_else(|| *found.get(&event.session_id).expect("the loop ends when none is wanting"))
        };
        let sessions = events.iter().zip(known).map(number).collect();
        self.numbers().remember_sessions(generation, found);
        Ok(sessions)
    }

    /// Sees that the events' applications are known. One that is known otherwise is the events' fault.
    pub(super) async fn know_applications(
        &self,
        client: &mut Client,
        events: &[&Event],
    ) -> Result<Result<(), String>, Error> {
        let mut unknown: Vec<&Arc<Application>> = Vec::new();
        {
            let numbers = self.numbers();
            for application in events.iter().filter_map(|event| event.application.as_ref()) {
                if !unknown.contains(&application) && !numbers.knows(application) {
                    unknown.push(application);
                }
            }
        }
        for application in unknown {
            if let Err(reason) = applications::know(client, application).await? {
                return Ok(Err(reason));
            }
            self.numbers().remember_application(application.clone());
        }
        Ok(Ok(()))
    }

    /// The numbers of the events' kinds, of which there are few.
    async fn kinds<'a>(&self, client: &Client, events: &[&'a Event]) -> Result<Vec<(Kind<'a>, i32)>, Error> {
        let mut kinds: Vec<Kind<'_>> = Vec::new();
        for event in events {
            if !kinds.contains(&kind_of(event)) {
                kinds.push(kind_of(event));
            }
        }
        kinds.sort_unstable();
        let mut found = Vec::with_capacity(kinds.len());
        for kind @ (application, names) in kinds {
            let known = self.numbers().kind(application, names).and_then(|number| i32::try_from(number).ok());
            let number = match known {
                Some(number) => number,
                None => self.new_kind(client, kind).await?,
            };
            found.push((kind, number));
        }
        Ok(found)
    }

    async fn new_kind(&self, client: &Client, (application, kind): Kind<'_>) -> Result<i32, Error> {
        let number = application.cast_signed();
        let names: [Value<'_>; 3] = [(&number, Type::INT4), (&kind.category, Type::TEXT), (&kind.name, Type::TEXT)];
        let give = "INSERT INTO kind (application, category, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        client.execute_typed(give, &names).await?;
        let look = "SELECT number FROM kind WHERE application = $1 AND category = $2 AND name = $3";
        let number: i32 = client.query_typed_one(look, &names).await?.try_get(0)?;
        self.numbers().remember_kind(application, kind.clone(), i64::from(number));
        Ok(number)
    }
}
