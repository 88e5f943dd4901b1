//! The applications that the store knows, by number and by name.

use rusqlite::{Connection, OptionalExtension, params};

use crate::event::Application;
use crate::store::applications::{another_name, another_number};

/// Sees that an application is known by this number and this name; if either is another one's, says so.
pub(super) fn know(connection: &Connection, application: &Application) -> rusqlite::Result<Result<(), String>> {
    let Application { number, name } = application;
    let mut by_number = connection.prepare_cached("SELECT name FROM application WHERE number = ?1")?;
    if let Some(known) = by_number.query_row([number], |row| row.get::<_, String>(0)).optional()? {
        return Ok(if known == *name { Ok(()) } else { Err(another_name(application, &known)) });
    }
    let mut by_name = connection.prepare_cached("SELECT number FROM application WHERE name = ?1")?;
    if let Some(known) = by_name.query_row([name], |row| row.get(0)).optional()? {
        return Ok(Err(another_number(application, known)));
    }
    let mut add = connection.prepare_cached("INSERT INTO application (number, name) VALUES (?1, ?2)")?;
    add.execute(params![number, name])?;
    Ok(Ok(()))
}
