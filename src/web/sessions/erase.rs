//! `DELETE /sessions/ID`: removes what is kept of a session, everywhere that we can reach, and says where something
//! of it may be left.
//!
//! What was taken in before is stored first, since an event that lies in a queue may be in somebody's hand; then it
//! is removed from the store, and files of ours are rewritten, so that nothing can be read in them that is not there.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::App;
use super::super::answer::Answer;
use super::super::cross_site;
use super::super::error::Error;
use super::super::list::check_format;
use super::super::params::Params;
use super::super::site::Site;
use crate::event::Errors;
use crate::store::{ErasedRows, Filter, Order, Page, Query, Start, mentions};

/// The parameters.
pub(in crate::web) const KNOWN: [&str; 2] = ["application", "format"];

/// How long one waits until what was taken in before is stored, and how often one looks.
const PATIENCE: Duration = Duration::from_secs(25);
const LOOK: Duration = Duration::from_millis(50);

/// Rows that are looked at at once: a row holds up to 64 KiB, or a whole event.
const SLICE: u32 = 100;

/// What is to be forgotten.
#[derive(Debug, Clone)]
struct Session {
    id: String,
    /// Only what this application sent.
    application: Option<String>,
}

/// What was removed.
#[derive(Debug, Serialize)]
struct Receipt {
    id: Uuid,
    session_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    /// What was sent after that is not part of it.
    erased_at: String,
    events: u64,
    rejected: usize,
    log_lines: u64,
    residues: Vec<String>,
}

/// Erases one session.
pub(in crate::web) async fn erase(
    State(app): State<App>,
    site: Site,
    headers: HeaderMap,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Answer, Error> {
    cross_site::same_site_only(&headers, &site)?;
    let Path(session_id) = path.map_err(|_| Error::NotFound)?;
    let params = Params::parse(query.as_deref(), &KNOWN)?;
    let mut errors = Errors::default();
    check_format(&params, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let application = params.get("application").map(str::to_owned);
    // A task of its own: a client that goes away must not leave it half done.
    let erasing = tokio::spawn(erase_all(app, Session { id: session_id, application }));
    match erasing.await {
        Ok(receipt) => {
            Ok(Answer::new(StatusCode::OK, serde_json::to_string(&receipt?).expect("texts and numbers are JSON")))
        }
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}

async fn erase_all(app: App, session: Session) -> Result<Receipt, Error> {
    empty_queue(&app).await?;
    // The log before the rows, by whose ids its lines are found: who erases again finds both.
    let before = refused(&app, &session).await?;
    let (mut log_lines, log_error) = match erase_logs(&app, &session, &before).await {
        Ok(lines) => (lines, None),
        Err(error) => (0, Some(error)),
    };
    let ErasedRows { id, events, rejected } =
        app.store.erase_session(session.id.clone(), session.application.clone()).await?;
    let erased_at = app.clock.now().format(app.settings.timestamp_format);
    let mut residues: Vec<String> =
        app.store.residues().into_iter().chain(app.queue.residues()).map(str::to_owned).collect();
    residues.push("Logs that were taken elsewhere: the terminal's, the system's, those of other hosts.".to_owned());
    // Once more, with those that were found by their bodies, or came in between.
    let log_error = match erase_logs(&app, &session, &rejected).await {
        Ok(lines) => {
            log_lines += lines;
            log_error
        }
        Err(error) => Some(error),
    };
    if let Some(error) = log_error {
        tracing::error!(error = %error, "the log could not be gone through");
        residues.push("The log files could not be gone through (the log says why): erase again.".to_owned());
    }
    let (store, queue) = tokio::join!(app.store.scrub(), app.queue.scrub());
    let (store, queue) = (store.map_err(|error| error.to_string()), queue.map_err(|error| error.to_string()));
    for (whose, scrubbed) in [("store", store), ("queue", queue)] {
        if let Err(error) = scrubbed {
            tracing::error!(error, whose, "a file could not be rewritten");
            residues.push(format!("The {whose}'s file could not be rewritten (the log says why): erase again."));
        }
    }
    let rejected = rejected.len();
    tracing::info!(erasure.id = %id, events, rejected, log_lines, "a session was erased");
    let Session { id: session_id, application } = session;
    Ok(Receipt { id, session_id, application, erased_at, events, rejected, log_lines, residues })
}

/// Waits until all is stored that was taken in so far.
async fn empty_queue(app: &App) -> Result<(), Error> {
    let newest = app.queue.newest().await?;
    let waiting = async {
        while !app.queue.is_past(newest).await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or(Err(Error::NotStoredYet))
}

/// The ids of what was refused of a session.
async fn refused(app: &App, session: &Session) -> Result<Vec<Uuid>, Error> {
    let (session_id, application) = (Some(session.id.clone()), session.application.clone());
    let filter = Filter { session_id, application, ..Filter::default() };
    let mut query = Query { filter, order: Order::Ascending, start: Start::Page(1), size: SLICE };
    let mut ids = Vec::new();
    while let Some(Page { items, more, .. }) = app.store.rejected(query.clone()).await? {
        ids.extend(items.iter().map(|row| row.id));
        match items.last().filter(|_| more) {
            Some(last) => query.start = Start::After(last.into()),
            None => break,
        }
    }
    Ok(ids)
}

async fn erase_logs(app: &App, session: &Session, rejected: &[Uuid]) -> std::io::Result<u64> {
    let (folder, session) = (app.logs.clone(), session.clone());
    let rejected: HashSet<Uuid> = rejected.iter().copied().collect();
    let erasing = tokio::task::spawn_blocking(move || folder.erase(|line| session.is_logged(line, &rejected)));
    erasing.await.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
}

/// A line of a log file about something that was refused.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "rejected.id")]
    id: Uuid,
    body: Option<String>,
    application: Option<String>,
}

impl Session {
    /// Whether a line of a log file is about it: about one of these rows, or with its id in the body, as the rows are
    /// found whose session nobody could read.
    fn is_logged(&self, line: &[u8], rejected: &HashSet<Uuid>) -> bool {
        let Ok(Line { id, body, application }) = serde_json::from_slice(line) else { return false };
        let is_from = || self.application.is_none() || self.application == application;
        rejected.contains(&id) || is_from() && body.is_some_and(|body| mentions(body.as_bytes(), &self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::pretty::escape;
    use super::*;

    #[test]
    fn a_session_is_found_as_a_log_file_shows_it() {
        let row = Uuid::from_u128(7);
        let check = |application: Option<&str>, session_id: &str, body: &str, found: bool| {
            let session = Session { id: session_id.to_owned(), application: application.map(str::to_owned) };
            let line =
                serde_json::json!({ "rejected.id": row, "body": escape(body), "application": "shop" }).to_string();
            assert_eq!(session.is_logged(line.as_bytes(), &HashSet::new()), found, "{session_id} in {line}");
            assert!(session.is_logged(line.as_bytes(), &HashSet::from([row])), "by the row");
        };
        check(None, "abc", "{\"session_id\":\"abc\"}", true);
        check(Some("shop"), "abc", "{\"session_id\": \"\\u0061bc\", \"x\"", true);
        check(Some("blog"), "abc", "{\"session_id\":\"abc\"}", false);
        check(None, "abc", "{\"session_id\":\"abcd\"}", false);
        check(None, "session_id", "{\"session_id\":\"abc\"}", false);
        check(None, "1", "{\"session_id\":1}", true);
        check(None, "1", "{\"n\":1}", false);
        check(None, "é\u{200b}", "{\"session_id\":\"é\u{200b}\"}", true);
        check(None, "a b", "session_id=a%20b&name=x", true);
        let session = Session { id: "abc".to_owned(), application: None };
        assert!(!session.is_logged(b"{\"message\":\"abc\"}\n", &HashSet::new()), "it is about something else");
    }
}
