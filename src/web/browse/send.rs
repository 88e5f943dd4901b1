//! The forms that send events: JSON as it is, or the fields of one type of the catalog, filled with an example
//! that is valid. After a POST they hold what was typed, with the errors beside the fields.

use super::super::App;
use super::super::form::{CONTENT_FIELD, CONTENT_TYPE_FIELD, Pairs};
use super::super::pretty::pretty;
use super::asked::Asked;
use super::errors::Complaints;
use crate::event::{EventType, TimestampFormat};

/// The content types that the raw form offers.
const RAW_TYPES: [&str; 2] = ["application/json", "application/x-ndjson"];

/// The forms.
pub(super) struct SendForms {
    pub(super) action: String,
    pub(super) raw: RawForm,
    pub(super) types: Vec<TypeForm>,
}

/// The form for JSON text.
pub(super) struct RawForm {
    /// Whether it is the one in use.
    pub(super) open: bool,
    /// Content types, and whether each is chosen.
    pub(super) content_types: Vec<(String, bool)>,
    pub(super) content: String,
}

/// The form for one type of event.
pub(super) struct TypeForm {
    pub(super) open: bool,
    /// A number among the forms, for what has to be told apart on a page.
    pub(super) number: usize,
    pub(super) title: String,
    pub(super) category: String,
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
}

/// One field of it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) errors: Vec<String>,
    pub(super) required: bool,
    pub(super) is_long: bool,
}

impl SendForms {
    /// The forms after a request. Messages about fields that are shown are taken out of the complaints.
    pub(super) fn new(app: &App, asked: &Asked, complaints: &mut Complaints) -> Self {
        let typed = asked.form();
        let raw = RawForm::new(app, &typed);
        // Without a form of its own a type's errors are said above.
        let shown = app.catalog.types().position(|event_type| !raw.open && is_of(event_type, &typed));
        let form = |(number, event_type): (usize, &EventType)| match shown == Some(number) {
            true => TypeForm::typed(number, event_type, &typed, complaints),
            false => TypeForm::example(number, event_type, app, shown.is_none() && number == 0),
        };
        let types = app.catalog.types().enumerate().map(form).collect();
        Self { action: asked.site.path("/events"), raw, types }
    }
}

impl RawForm {
    fn new(app: &App, typed: &Pairs) -> Self {
        let content = value(typed, CONTENT_FIELD);
        let chosen = value(typed, CONTENT_TYPE_FIELD).unwrap_or(RAW_TYPES[0]);
        let known = RAW_TYPES.iter().map(|name| ((*name).to_owned(), *name == chosen));
        let other = (!RAW_TYPES.contains(&chosen)).then(|| (chosen.to_owned(), true));
        Self {
            open: content.is_some(),
            content_types: known.chain(other).collect(),
            content: content.map_or_else(|| example(app), str::to_owned),
        }
    }
}

impl TypeForm {
    fn example(number: usize, event_type: &EventType, app: &App, open: bool) -> Self {
        let now = app.clock.now().format(TimestampFormat::Rfc3339);
        let value = |name: &str| match name {
            "session_id" => "a-session".to_owned(),
            "timestamp" => now.clone(),
            "data" => pretty(&event_type.example),
            _ => String::new(),
        };
        Self::new(number, event_type, open, |name| (value(name), Vec::new()))
    }

    fn typed(number: usize, event_type: &EventType, typed: &Pairs, complaints: &mut Complaints) -> Self {
        let field = |name: &str| (value(typed, name).unwrap_or_default().to_owned(), complaints.take(name));
        Self::new(number, event_type, true, field)
    }

    fn new(
        number: usize,
        event_type: &EventType,
        open: bool,
        mut fill: impl FnMut(&str) -> (String, Vec<String>),
    ) -> Self {
        let mut field = |name: &'static str, label: &'static str| {
            let (value, errors) = fill(name);
            Field { name, label, value, errors, required: name != "id", is_long: name == "data" }
        };
        let fields = vec![
            field("session_id", "Session"),
            field("timestamp", "Timestamp (UTC)"),
            field("id", "Id, a UUID (optional)"),
            field("data", "Data (JSON)"),
        ];
        let (category, name) = (event_type.kind.category.clone(), event_type.kind.name.clone());
        Self { open, number, title: event_type.title.clone(), category, name, fields }
    }
}

/// Whether a form was typed for that type.
fn is_of(event_type: &EventType, typed: &Pairs) -> bool {
    let kind = &event_type.kind;
    value(typed, "category") == Some(&kind.category) && value(typed, "name") == Some(&kind.name)
}

fn value<'a>(typed: &'a Pairs, name: &str) -> Option<&'a str> {
    typed.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A whole event that is valid.
fn example(app: &App) -> String {
    let Some(event_type) = app.catalog.types().next() else { return "{}".to_owned() };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    pretty(&format!(
        r#"{{"session_id":"a-session","category":{},"name":{},"timestamp":"{}","data":{}}}"#,
        quoted(&event_type.kind.category),
        quoted(&event_type.kind.name),
        app.clock.now().format(TimestampFormat::Rfc3339),
        event_type.example
    ))
}
