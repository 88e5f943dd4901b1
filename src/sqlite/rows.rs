//! Rows that both databases have: a rejected event looks the same in the queue and in the store.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Row, Statement};
use uuid::Uuid;

use crate::event::{Application, Rejected, RejectedKind, Timestamp};

/// The columns of a rejected event, in the order in which [`rejected`] and [`bind_rejected`] use them. Behind them
/// stand the number and the name of its application, which the two databases keep in different ways.
pub(crate) const REJECTED_COLUMNS: &str =
    "id, kind, reason, errors, received_at, body, truncated, session_id, category, name";

/// Reads a rejected event whose first column is the `first` one of the row, its application too.
pub(crate) fn rejected(row: &Row<'_>, first: usize) -> rusqlite::Result<Rejected> {
    let (number, name): (Option<NonZeroU32>, Option<String>) = (row.get(first + 10)?, row.get(first + 11)?);
    let application = number.zip(name).map(|(number, name)| Arc::new(Application { number, name }));
    Ok(Rejected { application, ..rejected_of_nobody(row, first)? })
}

/// Reads the same without its application.
pub(crate) fn rejected_of_nobody(row: &Row<'_>, first: usize) -> rusqlite::Result<Rejected> {
    let kind: String = row.get(first + 1)?;
    Ok(Rejected {
        id: uuid(row, first)?,
        kind: RejectedKind::parse(&kind).ok_or_else(|| unreadable(first + 1, Type::Text, "a rejected kind"))?,
        reason: row.get(first + 2)?,
        errors: row.get(first + 3)?,
        received_at: timestamp(row, first + 4)?,
        body: row.get(first + 5)?,
        truncated: row.get(first + 6)?,
        session_id: row.get(first + 7)?,
        category: row.get(first + 8)?,
        name: row.get(first + 9)?,
        application: None,
    })
}

/// Binds a rejected event to ten parameters, from the `first` one on (parameters count from 1).
pub(crate) fn bind_rejected(insert: &mut Statement<'_>, first: usize, rejected: &Rejected) -> rusqlite::Result<()> {
    insert.raw_bind_parameter(first, rejected.id.as_bytes())?;
    insert.raw_bind_parameter(first + 1, rejected.kind.as_str())?;
    insert.raw_bind_parameter(first + 2, &rejected.reason)?;
    insert.raw_bind_parameter(first + 3, &rejected.errors)?;
    insert.raw_bind_parameter(first + 4, rejected.received_at.as_micros())?;
    insert.raw_bind_parameter(first + 5, &rejected.body)?;
    insert.raw_bind_parameter(first + 6, rejected.truncated)?;
    insert.raw_bind_parameter(first + 7, &rejected.session_id)?;
    insert.raw_bind_parameter(first + 8, &rejected.category)?;
    insert.raw_bind_parameter(first + 9, &rejected.name)
}

/// Reads a UUID.
pub(crate) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes: [u8; 16] = row.get(column)?;
    Ok(Uuid::from_bytes(bytes))
}

/// Reads a timestamp.
pub(crate) fn timestamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    Timestamp::from_micros(micros).ok_or_else(|| unreadable(column, Type::Integer, "a timestamp"))
}

/// Reads the JSON object of an event. Disks lose whole sectors to noughts, which are text to SQLite.
pub(crate) fn object(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let text: String = row.get(column)?;
    match text.starts_with('{') && text.ends_with('}') && !text.as_bytes().contains(&0) {
        true => Ok(text),
        false => Err(unreadable(column, Type::Text, "an object")),
    }
}

/// Reads the address of a client.
pub(crate) fn address(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<IpAddr>> {
    let Some(bytes) = row.get_ref(column)?.as_blob_or_null()? else { return Ok(None) };
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6).map(Some).ok_or_else(|| unreadable(column, Type::Blob, "an address"))
}

/// The bytes of an address.
pub(crate) fn address_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

fn unreadable(column: usize, found: Type, wanted: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, found, format!("not {wanted}").into())
}
