//! What is kept of a refused event where the catalog has marks of privacy, and what that means when it is judged again.
//!
//! An event whose type is known is kept with the marks applied, if what is wrong with it leaves no doubt where its
//! marked values are: an unknown key, a marked field that is missing or a list where a text should be may hold one.
//! Of such an event, and of everything that is no event of a known type, its reason and its size are all that is kept.

use serde_json::Value;
use uuid::Uuid;

use super::errors::MAX_NAME;
use super::new_event::char_field;
use super::raw::{Field, Fields};
use super::rejected::MAX_REFUSED_BODY;
use super::{Catalog, EventKind, EventType, JsonType, RawEvent, Reason, Rejected, RejectedKind, Timestamp, shorten};

impl Rejected {
    /// A refused event, with as much of it as a catalog with marks allows. The errors are those its sender gets.
    pub fn discreet(
        (id, received_at): (Uuid, Timestamp),
        reason: Reason,
        errors: &str,
        raw: &RawEvent<'_>,
        catalog: &Catalog,
    ) -> Self {
        let size = raw.text.len() as u64;
        let Some((event_type, fields)) = matched(raw, catalog) else {
            return Self::withheld((id, received_at), reason, size);
        };
        match body(raw, fields, event_type, catalog) {
            Some(body) => {
                let kept = Self::refused(id, reason, errors.to_owned(), received_at, &body);
                Self { size, ..kept.describing(raw, catalog) }
            }
            None => {
                let EventKind { category, name } = &*event_type.kind;
                let (category, name) = (Some(category.clone()), Some(name.clone()));
                Self { category, name, ..Self::withheld((id, received_at), reason, size) }
            }
        }
    }

    /// A refused body of which nothing is kept but its reason and its size.
    pub fn withheld((id, received_at): (Uuid, Timestamp), reason: Reason, size: u64) -> Self {
        Self {
            id,
            kind: RejectedKind::Refused,
            reason: reason.as_str().to_owned(),
            errors: "{}".to_owned(),
            received_at,
            body: Vec::new(),
            truncated: size > 0,
            session_id: None,
            category: None,
            name: None,
            size,
        }
    }
}

/// The type that an event names, if it can be read that far and its `data` is an object.
fn matched<'c, 'a>(raw: &'a RawEvent<'a>, catalog: &'c Catalog) -> Option<(&'c EventType, &'a Fields<'a>)> {
    let fields = raw.fields.as_ref().ok()?;
    let category = char_field(fields.category.as_ref()?, 100).ok()?;
    let name = char_field(fields.name.as_ref()?, 100).ok()?;
    Some((catalog.get(&category, &name)?, fields))
}

/// The event's text with the marks applied.
fn body(raw: &RawEvent<'_>, fields: &Fields<'_>, event_type: &EventType, catalog: &Catalog) -> Option<Vec<u8>> {
    let Some(Field::Json(data)) = fields.data else { return None };
    let is_plain = |field: &Option<Field<'_>>| match field {
        Some(Field::Json(text)) => !matches!(JsonType::of(text), JsonType::List | JsonType::Dict),
        _ => true,
    };
    let all_plain = [&fields.id, &fields.session_id, &fields.timestamp].into_iter().all(is_plain);
    if JsonType::of(data) != JsonType::Dict || !fields.unknown.is_empty() || !all_plain {
        return None;
    }
    // A form's `data` was decoded: it is no part of the body.
    let start = data.as_ptr().addr().checked_sub(raw.text.as_ptr().addr())?;
    let (before, rest) = raw.text.split_at_checked(start)?;
    let (_, after) = rest.split_at_checked(data.len())?;
    if event_type.leaves_doubt(data) {
        return None;
    }
    let data = event_type.marked(data, catalog).ok()?;
    let body = [before, data.as_bytes(), after].concat();
    // What is cut cannot be read again, and nobody looks for what is in it.
    (body.len() <= MAX_REFUSED_BODY).then_some(body)
}

/// What was said of an event when it was refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Complaints(Value);

impl Complaints {
    /// Those that a row has; a row whose errors cannot be read complains of everything.
    pub(super) fn read(errors: &str) -> Self {
        Self(serde_json::from_str(errors).unwrap_or_default())
    }

    /// Whether one may have been about the value that a path leads to.
    pub(super) fn are_about<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let Value::Object(fields) = &self.0 else { return true };
        let whole = fields.get("non_field_errors").and_then(Value::as_array).into_iter().flatten();
        // There were more than are named.
        let mut left_out = whole.filter_map(Value::as_str).filter(|message| message.starts_with('…'));
        let steps = path.iter().try_fold(&self.0, |value, name| value.get(&*shorten(name.as_ref(), MAX_NAME)));
        left_out.next().is_some() || steps.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_about_what_they_name_and_what_they_leave_out() {
        let check = |errors: &str, expected: bool| {
            assert_eq!(Complaints::read(errors).are_about(&["data", "user", "0"]), expected, "{errors}");
        };
        check(r#"{"data":{"user":{"0":["Not a valid string."]}}}"#, true);
        check(r#"{"data":{"user":{"0":{"name":["Not a valid string."]}}}}"#, true);
        check(r#"{"data":{"user":{"1":["Not a valid string."]}}}"#, false);
        check(r#"{"data":{"user":["This field is required."]}}"#, false);
        check(r#"{"timestamp":["timestamp must be in the past"]}"#, false);
        check(r#"{"non_field_errors":["… and 5 more errors."]}"#, true);
        check(r#"{"non_field_errors":["unknown event type: a - b"]}"#, false);
        check("{}", false);
        check("[]", true);
        check("no JSON", true);
    }
}
