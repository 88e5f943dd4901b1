//! From a raw event to a valid one, or to everything that is wrong with it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::catalog::normalize;
use super::errors::text;
use super::raw::{Field, Fields, RawEvent};
use super::{Application, Catalog, Errors, Event, EventType, JsonType, Timestamp};

/// An event that is valid and not yet stored. [`NewEvent::parse`] alone makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent(Event);

/// What an event is held against.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The kinds of events there are.
    pub catalog: &'a Catalog,
    /// The server's clock.
    pub now: Timestamp,
    /// How far ahead of it an event may be.
    pub tolerance: Duration,
    /// The id of an event that brings none.
    pub new_id: Uuid,
    /// Who sends it.
    pub application: Option<&'a Arc<Application>>,
    /// The client's address, if it is to be kept.
    pub address: Option<IpAddr>,
}

impl NewEvent {
    /// The valid event, or all of its errors at once.
    pub fn parse(raw: &RawEvent<'_>, rules: &Rules<'_>) -> Result<Self, Errors> {
        match &raw.fields {
            Ok(fields) => Self::from_fields(fields, rules),
            Err(JsonType::Null) => Err(Errors::whole("No data provided")),
            Err(other) => {
                let name = other.name();
                Err(Errors::whole(format!("Invalid data. Expected a dictionary, but got {name}.")))
            }
        }
    }

    /// The event itself.
    pub fn event(&self) -> &Event {
        &self.0
    }

    /// The same, taken out.
    pub fn into_event(self) -> Event {
        self.0
    }

    fn from_fields(fields: &Fields<'_>, rules: &Rules<'_>) -> Result<Self, Errors> {
        let mut errors = Errors::default();
        let session_id = text_field(&mut errors, "session_id", fields.session_id.as_ref(), 255);
        let category = text_field(&mut errors, "category", fields.category.as_ref(), 100);
        let name = text_field(&mut errors, "name", fields.name.as_ref(), 100);
        let event_type = match (&category, &name) {
            (Some(category), Some(name)) => known_type(&mut errors, category, name, rules.catalog),
            _ => None,
        };
        let data = data_field(&mut errors, fields.data.as_ref(), event_type);
        let timestamp = timestamp_field(&mut errors, fields.timestamp.as_ref(), rules);
        let id = id_field(&mut errors, fields.id.as_ref(), rules.new_id);
        for key in &fields.unknown {
            errors.add([key], text::UNKNOWN_FIELD);
        }
        match (session_id, event_type, data, timestamp, id) {
            (Some(session_id), Some(event_type), Some(data), Some(timestamp), Some(id)) if errors.is_empty() => {
                Ok(Self(Event {
                    id,
                    timestamp,
                    received_at: rules.now,
                    session_id: session_id.into_owned(),
                    kind: event_type.kind.clone(),
                    data: data.to_owned(),
                    application: rules.application.cloned(),
                    address: rules.address,
                }))
            }
            _ => Err(errors),
        }
    }
}

/// The text of a field as DRF's `CharField` reads it: numbers count, outer white space does not.
pub(super) fn char_field<'a>(field: &'a Field<'_>, most: usize) -> Result<Cow<'a, str>, Cow<'static, str>> {
    let value = match field {
        Field::Text(value) => value.as_ref(),
        Field::Json(value) => match JsonType::of(value) {
            JsonType::Int | JsonType::Float => value,
            JsonType::Null => return Err(text::NULL.into()),
            _ => return Err(text::NOT_A_STRING.into()),
        },
        Field::NotJson => return Err(text::NOT_A_STRING.into()),
    };
    let value = value.trim_matches(is_python_space);
    if value.is_empty() {
        return Err(text::BLANK.into());
    }
    if value.len() > most && value.chars().count() > most {
        return Err(format!("Ensure this field has no more than {most} characters.").into());
    }
    Ok(Cow::Borrowed(value))
}

/// White space as Python's `str.strip` knows it: Unicode's, and four separators.
pub(super) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

fn text_field<'a>(errors: &mut Errors, name: &str, field: Option<&'a Field<'_>>, most: usize) -> Option<Cow<'a, str>> {
    match required(errors, name, field).map(|field| char_field(field, most))? {
        Ok(value) => Some(value),
        Err(message) => {
            errors.add([name], message);
            None
        }
    }
}

fn known_type<'c>(errors: &mut Errors, category: &str, name: &str, catalog: &'c Catalog) -> Option<&'c EventType> {
    let known = catalog.get(category, name);
    if known.is_none() {
        let (category, name) = (normalize(category), normalize(name));
        errors.add::<&str>([], format!("unknown event type: {category} - {name}"));
    }
    known
}

fn data_field<'a>(
    errors: &mut Errors,
    field: Option<&'a Field<'_>>,
    event_type: Option<&EventType>,
) -> Option<&'a str> {
    let message: Cow<'static, str> = match required(errors, "data", field)? {
        Field::Json(value) => match JsonType::of(value) {
            JsonType::Dict => {
                if let Some(event_type) = event_type {
                    event_type.check(value, errors);
                }
                return Some(value);
            }
            JsonType::Null => text::NULL.into(),
            other => not_a_dict(other),
        },
        Field::Text(_) => not_a_dict(JsonType::Str),
        Field::NotJson => text::NOT_JSON.into(),
    };
    errors.add(["data"], message);
    None
}

pub(super) fn not_a_dict(found: JsonType) -> Cow<'static, str> {
    format!("Expected a dictionary of items but got type \"{}\".", found.name()).into()
}

fn timestamp_field(errors: &mut Errors, field: Option<&Field<'_>>, rules: &Rules<'_>) -> Option<Timestamp> {
    let found = match required(errors, "timestamp", field)? {
        Field::Text(value) => Timestamp::parse(value).ok_or(text::BAD_DATETIME),
        Field::Json("null") => Err(text::NULL),
        _ => Err(text::BAD_DATETIME),
    };
    let tolerance = i64::try_from(rules.tolerance.as_micros()).unwrap_or(i64::MAX);
    let latest = rules.now.as_micros().saturating_add(tolerance);
    match found {
        Ok(timestamp) if timestamp.as_micros() > latest => {
            errors.add(["timestamp"], "timestamp must be in the past");
            None
        }
        Ok(timestamp) => Some(timestamp),
        Err(message) => {
            errors.add(["timestamp"], message);
            None
        }
    }
}

fn id_field(errors: &mut Errors, field: Option<&Field<'_>>, new_id: Uuid) -> Option<Uuid> {
    let message = match field {
        None => return Some(new_id),
        Some(Field::Text(value)) => match Uuid::try_parse(value) {
            Ok(id) => return Some(id),
            Err(_) => text::NOT_A_UUID,
        },
        Some(Field::Json("null")) => text::NULL,
        Some(_) => text::NOT_A_UUID,
    };
    errors.add(["id"], message);
    None
}

fn required<'a, 'b>(errors: &mut Errors, name: &str, field: Option<&'a Field<'b>>) -> Option<&'a Field<'b>> {
    if field.is_none() {
        errors.add([name], text::REQUIRED);
    }
    field
}
