//! The events that a filter leaves, and how many they are: blocks are summed up, and of those that a time
//! lies in, rows are counted.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::list::COLUMNS;
use super::sessions;
use super::tally::{self, ANY};
use super::upper;
use crate::event::{Application, EventKind};
use crate::store::Filter;
use crate::store::blocks::{ALL, MANY, Mark, Stretch};

/// What numbers of the database stand for.
pub(super) struct Known {
    /// All kinds that were ever stored: a kind of event of one application, or of none.
    pub(super) kinds: HashMap<i64, (Arc<EventKind>, Option<Arc<Application>>)>,
    /// All applications.
    pub(super) applications: HashMap<u32, Arc<Application>>,
}

/// The events that a filter leaves: a list, the stretch of it between two times, and kinds.
pub(super) struct List<'a> {
    pub(super) connection: &'a Connection,
    pub(super) known: &'a Known,
    pub(super) session: Option<i64>,
    /// The list whose blocks count it; a session of few events has none.
    pub(super) blocks: Option<i64>,
    pub(super) stretch: Stretch,
    /// The kinds that are wanted; all where that is `None`.
    pub(super) kinds: Option<Vec<i64>>,
    /// What is read of events, as [`super::list::event`] wants it.
    pub(super) columns: &'static str,
}

impl<'a> List<'a> {
    /// `None` if nothing can match.
    pub(super) fn new(connection: &'a Connection, filter: &Filter, known: &'a Known) -> rusqlite::Result<Option<Self>> {
        let wants =
            |(_, (kind, application)): &(&i64, &(Arc<_>, Option<Arc<_>>))| filter.wants(kind, application.as_deref());
        let mut wanted: Vec<i64> = known.kinds.iter().filter(wants).map(|(&kind, _)| kind).collect();
        wanted.sort_unstable();
        if wanted.is_empty() {
            return Ok(None);
        }
        let kinds = (wanted.len() < known.kinds.len()).then_some(wanted);
        let stretch = Stretch::of(filter);
        let columns = COLUMNS;
        let all = Self { connection, known, session: None, blocks: Some(ALL), stretch, kinds, columns };
        let Some(session_id) = &filter.session_id else { return Ok(Some(all)) };
        let Some(session) = sessions::number(connection, session_id)? else { return Ok(None) };
        all.in_session(session).map(Some)
    }

    /// All events of a session that are of the same kinds.
    pub(super) fn of_session(&self, session: i64) -> rusqlite::Result<Self> {
        Self { stretch: Stretch::WHOLE, kinds: self.kinds.clone(), ..*self }.in_session(session)
    }

    fn in_session(self, session: i64) -> rusqlite::Result<Self> {
        let is_of_many = tally::total(self.connection, session, &[ANY])? >= u64::from(MANY);
        Ok(Self { session: Some(session), blocks: is_of_many.then_some(session), ..self })
    }

    pub(super) fn counted_kinds(&self) -> &[i64] {
        self.kinds.as_deref().unwrap_or(&[ANY])
    }

    pub(super) fn count(&self) -> rusqlite::Result<u64> {
        let Stretch { from, to } = self.stretch;
        let Some(list) = self.blocks else { return self.count_rows(self.stretch) };
        if self.stretch == Stretch::WHOLE {
            return tally::total(self.connection, list, self.counted_kinds());
        }
        if self.stretch.is_empty() {
            return Ok(0);
        }
        // Whole blocks are summed up; of those that the ends lie in, rows are counted.
        let first_end = match from {
            Mark::FIRST => Mark::FIRST,
            _ => tally::start_after(self.connection, list, from)?,
        };
        let last_start = match to {
            Mark::LAST => Mark::LAST,
            _ => tally::start_before(self.connection, list, to)?.unwrap_or(Mark::FIRST),
        };
        if first_end > last_start {
            return self.count_rows(self.stretch);
        }
        let before = self.count_rows(Stretch { from, to: first_end })?;
        let between = match list {
            ALL => upper::sum(self.connection, self.counted_kinds(), Stretch { from: first_end, to: last_start })?,
            _ => tally::sum(self.connection, list, self.counted_kinds(), first_end, last_start)?,
        };
        Ok(before + between + self.count_rows(Stretch { from: last_start, to })?)
    }

    pub(super) fn count_rows(&self, stretch: Stretch) -> rusqlite::Result<u64> {
        if stretch.is_empty() {
            return Ok(0);
        }
        let (clauses, values) = self.rows(stretch);
        let sql = format!("SELECT count(*) {clauses}");
        self.connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
    }

    /// The rows of a stretch, in SQL.
    pub(super) fn rows(&self, stretch: Stretch) -> (String, Vec<Value>) {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        let mut index = "";
        if let Some(session) = self.session {
            index = "INDEXED BY event_session ";
            conditions.push("session = ?");
            values.push(Value::Integer(session));
        }
        let ends = [
            ("(timestamp, id) >= (?, ?)", stretch.from, Mark::FIRST),
            ("(timestamp, id) < (?, ?)", stretch.to, Mark::LAST),
        ];
        for (condition, mark, open) in ends {
            if mark != open {
                conditions.push(condition);
                values.extend([Value::Integer(mark.time), Value::Blob(mark.key().as_bytes().to_vec())]);
            }
        }
        let kinds = self.kinds_in_sql("");
        conditions.extend(Some(kinds.as_str()).filter(|kinds| !kinds.is_empty()));
        let clauses = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        (format!("FROM event {index}{clauses}"), values)
    }

    /// That a row is of the wanted kinds, in SQL, with what stands before the column; nothing if all are wanted.
    pub(super) fn kinds_in_sql(&self, before: &str) -> String {
        let Some(kinds) = &self.kinds else { return String::new() };
        let numbers: Vec<_> = kinds.iter().map(i64::to_string).collect();
        format!("{before}kind IN ({})", numbers.join(", "))
    }
}

/// All kinds that were ever stored, and all applications; there are few of both.
pub(super) fn known(connection: &Connection) -> rusqlite::Result<Known> {
    let mut applications = HashMap::new();
    let mut select = connection.prepare_cached("SELECT number, name FROM application")?;
    for application in select.query_map([], |row| Ok(Application { number: row.get(0)?, name: row.get(1)? }))? {
        let application = application?;
        applications.insert(application.number.get(), Arc::new(application));
    }
    let kind = |row: &Row<'_>| {
        let kind = EventKind { category: row.get(1)?, name: row.get(2)? };
        Ok((row.get(0)?, (Arc::new(kind), applications.get(&row.get(3)?).cloned())))
    };
    let mut select = connection.prepare_cached("SELECT number, category, name, application FROM kind")?;
    let kinds = select.query_map([], kind)?.collect::<rusqlite::Result<_>>()?;
    Ok(Known { kinds, applications })
}
