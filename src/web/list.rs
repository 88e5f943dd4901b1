//! Lists: from parameters to a [`Query`], and from a [`Page`] to an answer with its links.
//!
//! DRF's `PageNumberPagination` and a cursor beside it. A cursor holds position, filters and
//! order, so that following it cannot change what is listed.

mod cursor;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz;
mod known;

use axum::http::StatusCode;

use super::App;
use super::answer::{Answer, PageLinks};
use super::error::Error;
use super::gate::Caller;
use super::params::Params;
use super::site::Site;
use crate::event::{Catalog, Errors, Timestamp, text};
use crate::store::{Filter, Order, Page, Position, Query, Start};
use cursor::Cursor;
use known::List;
pub(super) use known::{EVENTS, REJECTED, REPLAY, SESSION, SESSIONS};

/// The formats that `format` names.
pub(super) const FORMATS: [&str; 3] = ["json", "api", "html"];

/// A request for one page.
#[derive(Debug, Clone)]
pub(super) struct ListRequest {
    /// What to ask the store for.
    pub(super) query: Query,
    params: Params,
    list: &'static List,
}

impl ListRequest {
    /// Reads the parameters of a request for `list`, and leaves no more of it than its caller sees.
    pub(super) fn of(list: &'static List, app: &App, caller: &Caller, query: Option<&str>) -> Result<Self, Error> {
        let mut request = Self::parse(list, query, &app.catalog, app.settings.page_size)?;
        caller.narrow(&mut request.query.filter)?;
        Ok(request)
    }

    /// Reads the parameters of a request for `list`.
    fn parse(list: &'static List, query: Option<&str>, catalog: &Catalog, page_size: u32) -> Result<Self, Error> {
        Self::new(list, Params::parse(query, list.known)?, catalog, page_size)
    }

    /// The same of parameters that are read already.
    pub(super) fn new(list: &'static List, params: Params, catalog: &Catalog, page_size: u32) -> Result<Self, Error> {
        let mut errors = Errors::default();
        check_format(&params, &mut errors);
        let filter = filter(&params, catalog, &mut errors);
        let order = order(&params, &mut errors);
        let size = size(&params, page_size, &mut errors);
        let cursor = params.get("cursor").and_then(|token| Cursor::read(token, list.name, &mut errors));
        if let Some(cursor) = &cursor {
            cursor.check(&params, &filter, order, &mut errors);
        }
        if !errors.is_empty() {
            return Err(Error::Invalid(errors));
        }
        let query = match cursor {
            Some(cursor) => {
                Query { filter: cursor.filter, order: cursor.order, start: Start::After(cursor.position), size }
            }
            None => Query { filter, order: order.unwrap_or(list.order), start: start(&params)?, size },
        };
        Ok(Self { query, params, list })
    }

    /// The same, for the events of one session.
    pub(super) fn of_session(mut self, session_id: &str) -> Result<Self, Error> {
        let filter = &mut self.query.filter;
        if filter.session_id.as_ref().is_some_and(|other| other != session_id) {
            let mut errors = Errors::default();
            errors.add(["cursor"], "This is a cursor of another session.");
            return Err(Error::Invalid(errors));
        }
        filter.session_id = Some(session_id.to_owned());
        Ok(self)
    }

    /// The answer that a page makes.
    pub(super) fn answer<T>(
        &self,
        page: Option<Page<T>>,
        site: &Site,
        write_row: impl Fn(&T, &mut Vec<u8>),
    ) -> Result<Answer, Error>
    where
        for<'a> Position: From<&'a T>,
    {
        self.answer_with(b"{", &page.ok_or(Error::InvalidPage)?, site, write_row)
    }

    /// The same, behind what else the answer begins with.
    pub(super) fn answer_with<T>(
        &self,
        begin: &[u8],
        page: &Page<T>,
        site: &Site,
        write_row: impl Fn(&T, &mut Vec<u8>),
    ) -> Result<Answer, Error>
    where
        for<'a> Position: From<&'a T>,
    {
        let next_cursor = page.items.last().filter(|_| page.more).map(|last| self.cursor_after(last.into()));
        let links = self.links(page, next_cursor.as_deref(), site);
        let link = |rel: &str| links.links.iter().find(|(name, _)| *name == rel).map(|(_, url)| url);
        let head = serde_json::json!({
            "count": page.count,
            "next": link("next"),
            "previous": link("prev"),
            "next_cursor": next_cursor,
        });
        // The rows are written behind the head as they are: `data` must not be read and printed anew.
        let mut json = Vec::with_capacity(512 + page.items.len() * 320);
        json.extend_from_slice(begin);
        for key in ["count", "next", "previous", "next_cursor"] {
            if !json.ends_with(b"{") {
                json.push(b',');
            }
            json.extend_from_slice(format!("\"{key}\":{}", head[key]).as_bytes());
        }
        json.extend_from_slice(b",\"results\":[");
        for (index, row) in page.items.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            write_row(row, &mut json);
        }
        json.extend_from_slice(b"]}");
        Ok(Answer::new(StatusCode::OK, json).links(links))
    }

    /// The cursor that goes on behind a row.
    pub(super) fn cursor_after(&self, position: Position) -> String {
        Cursor { filter: self.query.filter.clone(), order: self.query.order, position }.token(self.list.name)
    }

    /// The same request, going on by a cursor.
    pub(super) fn url_of(&self, cursor: &str, site: &Site) -> String {
        site.here(&self.params.with("cursor", Some(cursor.to_owned())))
    }

    /// The neighbours of a page, by their relation. As in DRF, page 1 goes by no number.
    fn links<T>(&self, page: &Page<T>, next_cursor: Option<&str>, site: &Site) -> PageLinks {
        let Some(number) = page.number else {
            let links = next_cursor.map(|token| ("next", self.url_of(token, site))).into_iter().collect();
            return PageLinks { links, numbers: None };
        };
        let numbered = |number: u64| {
            let value = (number > 1).then(|| number.to_string());
            site.here(&self.params.with("page", value))
        };
        let last = page.count.div_ceil(u64::from(self.query.size)).max(1);
        let mut links = vec![("first", numbered(1))];
        if number > 1 {
            links.push(("prev", numbered(number - 1)));
        }
        if number < last {
            links.push(("next", numbered(number + 1)));
        }
        links.push(("last", numbered(last)));
        PageLinks { links, numbers: Some((number, last)) }
    }
}

/// Checks the parameters of a resource that has none but `format`.
pub(super) fn only_format(query: Option<&str>) -> Result<(), Error> {
    let params = Params::parse(query, &["format"])?;
    let mut errors = Errors::default();
    check_format(&params, &mut errors);
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Error::Invalid(errors)),
    }
}

pub(super) fn check_format(params: &Params, errors: &mut Errors) {
    if let Some(format) = params.get("format").filter(|format| !FORMATS.contains(format)) {
        errors.add(["format"], not_a_choice(format));
    }
}

pub(super) fn filter(params: &Params, catalog: &Catalog, errors: &mut Errors) -> Filter {
    let mut time = |name: &str| {
        let value = params.get(name)?;
        let time = Timestamp::parse(value);
        if time.is_none() {
            errors.add([name], text::BAD_DATETIME);
        }
        time
    };
    let (start_time, end_time) = (time("start_time"), time("end_time"));
    if start_time.zip(end_time).is_some_and(|(start, end)| start > end) {
        errors.add(["start_time"], "start_time must not be after end_time.");
    }
    Filter {
        session_id: params.get("session_id").map(str::to_owned),
        category: params.get("category").map(|category| catalog.category(category)),
        name: params.get("name").map(|name| catalog.name(name)),
        start_time,
        end_time,
        reason: params.get("reason").map(str::to_owned),
        application: params.get("application").map(str::to_owned),
    }
}

fn order(params: &Params, errors: &mut Errors) -> Option<Order> {
    match params.get("order")? {
        "asc" => Some(Order::Ascending),
        "desc" => Some(Order::Descending),
        other => {
            errors.add(["order"], not_a_choice(other));
            None
        }
    }
}

fn size(params: &Params, default: u32, errors: &mut Errors) -> u32 {
    let Some(text) = params.get("page_size") else { return default };
    let message = match text.parse::<i64>() {
        Ok(size @ 1..=1000) => return u32::try_from(size).expect("at most 1000"),
        Ok(..1) => "Ensure this value is greater than or equal to 1.",
        Ok(_) => "Ensure this value is less than or equal to 1000.",
        Err(_) => "A valid integer is required.",
    };
    errors.add(["page_size"], message);
    default
}

/// A page that is no number is a page that is not there, as in DRF.
fn start(params: &Params) -> Result<Start, Error> {
    match params.get("page") {
        None => Ok(Start::Page(1)),
        Some("last") => Ok(Start::LastPage),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().map(Start::Page).map_err(|_| Error::InvalidPage)
        }
        Some(_) => Err(Error::InvalidPage),
    }
}

fn not_a_choice(value: &str) -> String {
    let value: String = value.chars().take(100).collect();
    format!("\"{value}\" is not a valid choice.")
}
