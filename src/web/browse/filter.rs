//! The form that filters a list. It keeps what was asked for, also what was wrong about it.

use askama::Template;

use super::super::pretty::escape;
use super::asked::Asked;
use super::errors::Complaints;
use crate::event::{Catalog, Timestamp};

/// The form.
#[derive(Template)]
#[template(path = "filter.html")]
pub(super) struct Filter {
    action: String,
    /// The `format` that was asked for, to be asked for again.
    format: Option<String>,
    fields: Vec<Field>,
    categories: Vec<String>,
    names: Vec<String>,
    /// Whether something is wrong, so that the form is open.
    open: bool,
}

/// One field.
struct Field {
    name: &'static str,
    label: &'static str,
    value: String,
    errors: Vec<String>,
    kind: Kind,
}

/// How a field is filled in.
enum Kind {
    Text,
    /// A text with suggestions.
    Suggested(&'static str),
    /// A time to the second, which browsers have a picker for.
    Time,
    /// Values and what people call them.
    Choice(Vec<(String, String)>),
    Number,
}

impl Filter {
    /// The form for these parameters. Messages about them are taken out of the complaints.
    pub(super) fn new(catalog: &Catalog, asked: &Asked, names: &[&'static str], complaints: &mut Complaints) -> Self {
        let mut fields = Vec::new();
        // What was sent to the list is wrong in its own fields, which may have the same names.
        let mut none = Complaints::default();
        let complaints = if asked.method == axum::http::Method::POST { &mut none } else { complaints };
        for &name in names {
            let value = asked.parameter(name).unwrap_or_default();
            let errors = complaints.take(name);
            let (value, kind) = kind(name, value);
            fields.push(Field { name, label: label(name), value, errors, kind });
        }
        let mut categories: Vec<_> = catalog.types().map(|event_type| event_type.kind.category.clone()).collect();
        categories.dedup();
        let mut names: Vec<_> = catalog.types().map(|event_type| event_type.kind.name.clone()).collect();
        names.sort();
        names.dedup();
        Self {
            action: asked.site.here_path(),
            format: asked.parameter("format").filter(|format| !format.is_empty()),
            open: fields.iter().any(|field| !field.errors.is_empty()),
            fields,
            categories,
            names,
        }
    }
}

fn label(name: &str) -> &'static str {
    match name {
        "session_id" => "Session",
        "category" => "Category",
        "name" => "Name",
        "application" => "Application",
        "start_time" => "From (UTC)",
        "end_time" => "To (UTC)",
        "order" => "Order",
        "page_size" => "Rows on a page",
        "interval" => "Interval",
        "group_by" => "Groups by",
        "last" => "Length, such as 24h",
        "reason" => "Reason",
        "only" => "Show",
        _ => "Value",
    }
}

fn kind(name: &str, value: String) -> (String, Kind) {
    match name {
        "category" => (value, Kind::Suggested("categories")),
        "name" => (value, Kind::Suggested("names")),
        "page_size" => (value, Kind::Number),
        "order" => choice(value, &[("", "Newest first (desc)"), ("asc", "Oldest first (asc)")]),
        "only" => choice(value, &[("", "Events and refusals"), ("events", "Events"), ("rejected", "Refusals")]),
        "interval" => choice(value, &[("", "Automatic"), ("minute", "Minute"), ("hour", "Hour"), ("day", "Day")]),
        "start_time" | "end_time" => match to_the_second(&value) {
            Some(value) => (value, Kind::Time),
            None => (value, Kind::Text),
        },
        _ => (value, Kind::Text),
    }
}

/// One of these, or what else was asked for.
fn choice(value: String, choices: &[(&str, &str)]) -> (String, Kind) {
    let owned = |(value, label): (&str, &str)| (value.to_owned(), label.to_owned());
    let mut owned: Vec<_> = choices.iter().copied().map(owned).collect();
    if choices.iter().all(|(known, _)| *known != value) {
        owned.push((value.clone(), escape(&value)));
    }
    (value, Kind::Choice(owned))
}

/// A time as a browser's picker holds it. The picker would lose the digits below a second, and empties itself
/// of what it cannot read; such a value stays a text.
fn to_the_second(value: &str) -> Option<String> {
    if value.is_empty() {
        return Some(String::new());
    }
    let time = Timestamp::parse(value)?;
    let text = time.to_string();
    text.strip_suffix(".000000Z").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picker_holds_whole_seconds_and_a_text_all_else() {
        let check = |value: &str, expected: Option<&str>| assert_eq!(to_the_second(value).as_deref(), expected);
        check("", Some(""));
        check("2026-06-01T12:00", Some("2026-06-01T12:00:00"));
        check("2026-06-01", Some("2026-06-01T00:00:00"));
        check("2026-06-01T12:00:05+02:00", Some("2026-06-01T10:00:05"));
        check("2026-06-01T12:00:05.123456Z", None);
        check("2026-06-01T12:00:05.000", Some("2026-06-01T12:00:05"));
        check("soon", None);
    }
}
