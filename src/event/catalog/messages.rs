//! Schema errors in DRF's words, under the field they are about.

use std::borrow::Cow;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::paths::LocationSegment;
use jsonschema::{JsonType as SchemaType, ValidationError};
use serde_json::Value;

use super::super::new_event::not_a_dict;
use super::super::{Errors, JsonType, text};
use super::privacy::Seen;

/// What is said where more would say what was sent.
const INVALID: &str = "Not a valid value.";

/// Adds what one schema error says to an event's errors. What is marked is not quoted, nor named what is in it.
pub(super) fn add(errors: &mut Errors, error: &ValidationError<'_>, seen: Seen) {
    let mut path = path(error);
    if let Seen::Within(steps) = seen {
        path.truncate(steps + 1);
        return errors.add(path, INVALID);
    }
    match error.kind() {
        Kind::Required { .. }
        | Kind::AdditionalProperties { .. }
        | Kind::UnevaluatedProperties { .. }
        | Kind::PropertyNames { .. }
            if seen == Seen::Marked =>
        {
            errors.add(path, INVALID);
        }
        Kind::Enum { .. } | Kind::Constant { .. } if seen == Seen::Marked => errors.add(path, "Not a valid choice."),
        Kind::Required { .. } => errors.add(full_path(error), text::REQUIRED),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for name in unexpected {
                errors.add(path.iter().map(AsRef::as_ref).chain([name.as_str()]), text::UNKNOWN_FIELD);
            }
        }
        kind => errors.add(path, message(kind, error)),
    }
}

/// The names and numbers that lead to the value an error is about, from the event on.
fn path<'a>(error: &ValidationError<'_>) -> Vec<Cow<'a, str>> {
    let mut path: Vec<Cow<'_, str>> = vec!["data".into()];
    path.extend(error.instance_path().into_iter().map(|segment| match segment {
        LocationSegment::Property(name) => Cow::Owned(name.to_string()),
        LocationSegment::Index(index) => Cow::Owned(index.to_string()),
    }));
    path
}

/// The same, with the name of a property that is missing.
pub(super) fn full_path<'a>(error: &ValidationError<'_>) -> Vec<Cow<'a, str>> {
    let mut path = path(error);
    if let Kind::Required { property } = error.kind() {
        path.push(property.as_str().unwrap_or_default().to_owned().into());
    }
    path
}

fn message(kind: &Kind, error: &ValidationError<'_>) -> Cow<'static, str> {
    let instance = error.instance().as_ref();
    match kind {
        Kind::Type { .. } if instance.is_null() => text::NULL.into(),
        Kind::Type { kind: TypeKind::Single(expected) } => not_of_type(*expected, instance),
        // As in DRF, an empty text is blank and nothing else.
        Kind::MinLength { .. } | Kind::Pattern { .. } | Kind::Format { .. } if instance == "" => text::BLANK.into(),
        Kind::MinLength { limit } => format!("Ensure this field has at least {limit} characters.").into(),
        Kind::MaxLength { limit } => format!("Ensure this field has no more than {limit} characters.").into(),
        Kind::MinItems { limit } => format!("Ensure this field has at least {limit} elements.").into(),
        Kind::MaxItems { limit } => format!("Ensure this field has no more than {limit} elements.").into(),
        Kind::Minimum { limit } => format!("Ensure this value is greater than or equal to {limit}.").into(),
        Kind::Maximum { limit } => format!("Ensure this value is less than or equal to {limit}.").into(),
        Kind::ExclusiveMinimum { limit } => format!("Ensure this value is greater than {limit}.").into(),
        Kind::ExclusiveMaximum { limit } => format!("Ensure this value is less than {limit}.").into(),
        Kind::Enum { .. } | Kind::Constant { .. } => not_a_choice(instance),
        Kind::Pattern { .. } => "This value does not match the required pattern.".into(),
        Kind::Format { format } => not_of_format(format),
        // The library's own words, without the value: it may be a megabyte.
        _ => format!("{}.", capitalized(&error.masked_with("this value").to_string())).into(),
    }
}

fn not_of_type(expected: SchemaType, instance: &Value) -> Cow<'static, str> {
    let found = type_of(instance);
    match expected {
        SchemaType::String => text::NOT_A_STRING.into(),
        SchemaType::Integer => "A valid integer is required.".into(),
        SchemaType::Number => "A valid number is required.".into(),
        SchemaType::Boolean => "Must be a valid boolean.".into(),
        SchemaType::Array => format!("Expected a list of items but got type \"{}\".", found.name()).into(),
        SchemaType::Object => not_a_dict(found),
        SchemaType::Null => "Must be null.".into(),
    }
}

fn type_of(instance: &Value) -> JsonType {
    match instance {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Bool,
        Value::Number(number) if number.is_f64() => JsonType::Float,
        Value::Number(_) => JsonType::Int,
        Value::String(_) => JsonType::Str,
        Value::Array(_) => JsonType::List,
        Value::Object(_) => JsonType::Dict,
    }
}

fn not_a_choice(instance: &Value) -> Cow<'static, str> {
    match instance {
        Value::String(value) if value.chars().count() <= 100 => format!("\"{value}\" is not a valid choice.").into(),
        Value::Number(value) => format!("\"{value}\" is not a valid choice.").into(),
        _ => "Not a valid choice.".into(),
    }
}

fn not_of_format(format: &str) -> Cow<'static, str> {
    match format {
        "host" => "Enter a valid host name or IP address.".into(),
        "email" => "Enter a valid email address.".into(),
        "uri" => "Enter a valid URL.".into(),
        "uuid" => text::NOT_A_UUID.into(),
        other => format!("Not a valid {other}.").into(),
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
