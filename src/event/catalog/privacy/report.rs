//! What a schema's errors may say of marked values, and what an error means for what is kept of an event.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::LocationSegment;
use serde_json::Value;

use super::hash::Hasher;
use super::splice::MASKED;
use super::{Mark, Marks, Place};

/// What is marked at the place of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::event::catalog) enum Seen {
    /// Neither the value nor anything in it.
    Clear,
    /// Something in it.
    Above,
    /// The value itself.
    Marked,
    /// A value around it, which so many steps lead to.
    Within(usize),
}

/// What is marked where an error is.
pub(in crate::event::catalog) fn seen(marks: Option<&Marks>, error: &ValidationError<'_>) -> Seen {
    let Some(marks) = marks else { return Seen::Clear };
    match find(marks, error) {
        Found::Place(place) => match marks.mark(&place) {
            Some(_) => Seen::Marked,
            None if place.is_clear() => Seen::Clear,
            None => Seen::Above,
        },
        Found::Within(steps) => Seen::Within(steps),
    }
}

/// Whether an error leaves it open where in an event a marked value stands. What is marked and was found at its place
/// is not kept, however wrong it is; but it may be somewhere else under another name, or in another shape.
pub(in crate::event::catalog) fn leaves_doubt(marks: Option<&Marks>, error: &ValidationError<'_>) -> bool {
    match seen(marks, error) {
        Seen::Marked | Seen::Within(_) => false,
        Seen::Above => match (error.kind(), marks) {
            (Kind::Required { property }, Some(marks)) => !missing(marks, error, property).is_clear(),
            _ => true,
        },
        Seen::Clear => match error.kind() {
            Kind::Required { .. } => false,
            Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. } | Kind::PropertyNames { .. } => true,
            _ => error.instance().is_object() || error.instance().is_array(),
        },
    }
}

/// Whether an error is about what we made of a value, or about one that we took out.
pub(in crate::event::catalog) fn is_of_marks(
    marks: &Marks,
    hasher: Option<&Hasher>,
    error: &ValidationError<'_>,
) -> bool {
    let Found::Place(place) = find(marks, error) else { return false };
    if let Kind::Required { property } = error.kind() {
        return marks.mark(&missing(marks, error, property)) == Some(Mark::Drop);
    }
    let Value::String(text) = error.instance().as_ref() else { return false };
    match marks.mark(&place) {
        Some(Mark::Mask) => text == MASKED.trim_matches('"'),
        Some(Mark::Hash) => hasher.is_some_and(|hasher| hasher.is_ours(text.as_bytes())),
        _ => false,
    }
}

/// The place of a property that is not there.
fn missing(marks: &Marks, error: &ValidationError<'_>, property: &Value) -> Place {
    match find(marks, error) {
        Found::Place(place) => marks.member(&place, property.as_str().unwrap_or_default()),
        Found::Within(_) => Place::default(),
    }
}

enum Found {
    Place(Place),
    Within(usize),
}

/// The place that an error's path leads to, or how many of its steps lead to a mark.
fn find(marks: &Marks, error: &ValidationError<'_>) -> Found {
    let mut place = marks.root();
    for (steps, segment) in error.instance_path().into_iter().enumerate() {
        if marks.mark(&place).is_some() {
            return Found::Within(steps);
        }
        place = match segment {
            LocationSegment::Property(name) => marks.member(&place, &name),
            LocationSegment::Index(index) => marks.item(&place, index),
        };
    }
    Found::Place(place)
}
