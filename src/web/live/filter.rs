//! Which of what is stored a stream shows.

use crate::event::{Application, Catalog, Errors};
use crate::store::{Filter, Place, Stored};
use crate::web::error::Error;
use crate::web::gate::Caller;
use crate::web::list;
use crate::web::params::Params;

/// What `/live` may be asked for.
pub(in crate::web) const KNOWN: [&str; 9] =
    ["session_id", "category", "name", "application", "start_time", "end_time", "only", "last_event_id", "format"];

/// What a stream shows, and from where on.
#[derive(Debug, Clone)]
pub(super) struct LiveRequest {
    pub(super) filter: Filter,
    pub(super) only: Option<Only>,
    /// Behind that place; nothing for from now on.
    pub(super) after: Option<Place>,
}

/// The half of it that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Only {
    Events,
    Rejected,
}

impl Only {
    const ALL: [Self; 2] = [Self::Events, Self::Rejected];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Rejected => "rejected",
        }
    }
}

impl LiveRequest {
    /// Reads the parameters, and the header by which a browser goes on after a break; and leaves no more of it than its
    /// caller sees.
    pub(super) fn parse(
        catalog: &Catalog,
        caller: &Caller,
        query: Option<&str>,
        last_event_id: Option<&str>,
    ) -> Result<Self, Error> {
        let params = Params::parse(query, &KNOWN)?;
        let mut errors = Errors::default();
        list::check_format(&params, &mut errors);
        let mut filter = list::filter(&params, catalog, &mut errors);
        let only = params.get("only").map(|word| Only::ALL.into_iter().find(|only| only.as_str() == word));
        if only == Some(None) {
            errors.add(["only"], "Expected one of: events, rejected.");
        }
        // The header is newer: a browser sends it when it connects again to the same URL.
        let after = last_event_id.or(params.get("last_event_id")).map(str::parse);
        if after == Some(Err(())) {
            errors.add(["last_event_id"], "Not the id of an event of this stream.");
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        caller.narrow(&mut filter)?;
        Ok(Self { filter, only: only.flatten(), after: after.and_then(Result::ok) })
    }

    /// Whether that is shown.
    pub(super) fn shows(&self, stored: &Stored) -> bool {
        let Filter { session_id, category, name, application, start_time, end_time, .. } = &self.filter;
        let time = |time| start_time.is_none_or(|start| start <= time) && end_time.is_none_or(|end| time <= end);
        let is = |wanted: &Option<String>, found: Option<&String>| wanted.is_none() || wanted.as_ref() == found;
        let is_from = |found: Option<&Application>| is(application, found.map(|application| &application.name));
        match stored {
            Stored::Event(event) => {
                self.only != Some(Only::Rejected)
                    && is(session_id, Some(&event.session_id))
                    && is(category, Some(&event.kind.category))
                    && is(name, Some(&event.kind.name))
                    && is_from(event.application.as_deref())
                    && time(event.timestamp)
            }
            Stored::Rejected(rejected) => {
                self.only != Some(Only::Events)
                    && is(session_id, rejected.session_id.as_ref())
                    && is(category, rejected.category.as_ref())
                    && is(name, rejected.name.as_ref())
                    && is_from(rejected.application.as_deref())
                    && time(rejected.received_at)
            }
        }
    }
}
