//! From a whole body to a verdict for each event in it.

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

use super::super::App;
use super::super::error::Error;
use super::super::form::{self, Pairs};
use crate::event::{
    Application, Body, Errors, JsonError, NewEvent, RawEvent, Reason, Rejected, RejectedKind, Rules, Timestamp,
    read_body, read_lines, utf8,
};

/// Events in one batch.
pub(in crate::web) const MOST: usize = 10_000;

/// A valid event, or what is kept of it, with its errors as the client will see them.
pub(super) type Verdict = Result<NewEvent, Box<Rejected>>;

/// Verdicts on what a body held.
#[derive(Debug)]
pub(super) enum Judged {
    One(Box<Verdict>),
    Many(Vec<Verdict>),
}

/// Holds events against the catalog, all of a body by the same clock.
#[derive(Debug)]
pub(in crate::web) struct Judge {
    app: App,
    now: Timestamp,
    sender: Sender,
}

/// Who sends a body, as far as its events are to say so.
#[derive(Debug, Default)]
pub(in crate::web) struct Sender {
    pub(in crate::web) application: Option<Arc<Application>>,
    pub(in crate::web) address: Option<IpAddr>,
}

impl Judge {
    pub(in crate::web) fn new(app: App) -> Self {
        let now = app.clock.now();
        Self { app, now, sender: Sender::default() }
    }

    /// The event that a rejected one is by now. Where its sender gave it no id, it gets the row's, so that it is the
    /// same event however often this is done.
    pub(in crate::web) fn again(&self, row: &Rejected) -> Result<NewEvent, Errors> {
        if row.truncated {
            return Err(Errors::whole("Only the beginning of this body was kept: it cannot be taken in any more."));
        }
        // What was acknowledged was not too large, whatever its row has beside it.
        if row.kind == RejectedKind::Refused {
            self.check_size(&row.body).map_err(|error| Errors::whole(error.to_string()))?;
        }
        // Whoever asks for this, it is its sender's; the client's address is not kept with a row.
        let sender = Sender { application: row.application.clone(), address: None };
        let parse = |raw: &RawEvent<'_>| NewEvent::parse(raw, &self.rules(row.id, &sender));
        match utf8(&row.body).and_then(|text| read_body(text, MOST)) {
            Ok(Body::One(raw)) => parse(&raw),
            Ok(Body::Many(_)) => Err(Errors::whole("This is a batch, not one event: send it again.")),
            Err(error) => {
                // Forms are kept as they came.
                let pairs = form::urlencoded(&row.body).unwrap_or_default();
                match form::event(&pairs, &row.body) {
                    Ok(raw) if pairs.iter().any(|(name, _)| name == "session_id") => parse(&raw),
                    _ => Err(Errors::whole(parse_error(&error))),
                }
            }
        }
    }

    /// A JSON body: an event, or an array of them.
    pub(super) fn json(&self, body: &[u8]) -> Result<Judged, Error> {
        let body = utf8(body).and_then(|text| read_body(text, MOST)).map_err(|error| unreadable(&error))?;
        match body {
            Body::One(raw) => self.one(&raw),
            Body::Many(events) => self.many(events.iter().map(Ok)),
        }
    }

    /// An NDJSON body: an event on each line that is not blank.
    pub(super) fn lines(&self, body: &[u8]) -> Result<Judged, Error> {
        let events = read_lines(body, MOST);
        self.many(events.iter().map(Result::as_ref))
    }

    /// A form: one event.
    pub(super) fn form(&self, body: &[u8], read: impl FnOnce(&[u8]) -> Result<Pairs, String>) -> Result<Judged, Error> {
        // Before it is taken apart: a megabyte of `a&a&a` is half a million fields.
        self.check_size(body)?;
        let pairs = read(body).map_err(Error::Unreadable)?;
        let raw = form::event(&pairs, body).map_err(Error::Unreadable)?;
        self.one(&raw)
    }

    fn one(&self, raw: &RawEvent<'_>) -> Result<Judged, Error> {
        self.check_size(raw.text)?;
        Ok(Judged::One(Box::new(self.verdict(raw))))
    }

    fn many<'a>(
        &self,
        events: impl ExactSizeIterator<Item = Result<&'a RawEvent<'a>, &'a (JsonError, &'a [u8])>>,
    ) -> Result<Judged, Error> {
        if events.len() == 0 {
            return Err(Error::Invalid(Errors::whole("This list may not be empty.")));
        }
        if events.len() > MOST {
            return Err(Error::TooLarge(format!("The batch has more than {MOST} events.")));
        }
        let events: Vec<_> = events.collect();
        for raw in events.iter().filter_map(|event| event.ok()) {
            self.check_size(raw.text)?;
        }
        let verdicts = events.into_iter().map(|event| match event {
            Ok(raw) => self.verdict(raw),
            Err((error, line)) => {
                let errors = Errors::whole(parse_error(error)).to_json();
                let rejected = self.app.refused(Reason::ParseError, errors, line);
                Err(Box::new(Rejected { application: self.sender.application.clone(), ..rejected }))
            }
        });
        Ok(Judged::Many(verdicts.collect()))
    }

    fn verdict(&self, raw: &RawEvent<'_>) -> Verdict {
        NewEvent::parse(raw, &self.rules(self.app.clock.new_id(), &self.sender)).map_err(|errors| {
            let reason = match raw.fields.is_ok() && errors.only_whole() {
                true => Reason::UnknownEventType,
                false => Reason::Invalid,
            };
            let rejected = self.app.refused(reason, errors.to_json(), raw.text).describing(raw, &self.app.catalog);
            Box::new(Rejected { application: self.sender.application.clone(), ..rejected })
        })
    }

    fn rules<'a>(&'a self, new_id: Uuid, sender: &'a Sender) -> Rules<'a> {
        let (catalog, tolerance) = (&self.app.catalog, self.app.settings.clock_tolerance);
        let (application, address) = (sender.application.as_ref(), sender.address);
        Rules { catalog, now: self.now, tolerance, new_id, application, address }
    }

    fn check_size(&self, event: &[u8]) -> Result<(), Error> {
        let most = self.app.settings.max_event;
        match event.len() > most {
            true => Err(Error::TooLarge(format!("An event is larger than {most} bytes (EYE_MAX_EVENT)."))),
            false => Ok(()),
        }
    }
}

fn unreadable(error: &JsonError) -> Error {
    Error::Unreadable(parse_error(error))
}

fn parse_error(error: &JsonError) -> String {
    format!("JSON parse error - {error}")
}
