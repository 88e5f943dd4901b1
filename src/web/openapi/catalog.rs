//! The event types of the catalog as schemas: what an event of each has to be.

use serde_json::{Map, Value, json};

use super::schema;
use crate::event::{Catalog, EventType};

/// The schemas of all types, by name: of an event, and of its `data`.
pub(super) fn schemas(catalog: &Catalog) -> Vec<(String, Value)> {
    let types = catalog.types().enumerate();
    let both = types.flat_map(|(number, event_type)| {
        let name = name(number, event_type);
        let data = format!("{name}_data");
        [(name, event(catalog, event_type, &data)), (data.clone(), at_its_place(&event_type.data, &data))]
    });
    both.collect()
}

/// One event of any type.
pub(super) fn any(catalog: &Catalog) -> Value {
    let types: Vec<_> =
        catalog.types().enumerate().map(|(number, event_type)| schema(&name(number, event_type))).collect();
    match types.is_empty() {
        true => json!({ "not": {} }),
        false => json!({ "oneOf": types }),
    }
}

/// A valid event.
pub(super) fn example(catalog: &Catalog) -> Value {
    let Some(event_type) = catalog.get("page_interaction", "page_view").or_else(|| catalog.types().next()) else {
        return json!({});
    };
    sent(event_type)
}

fn sent(event_type: &EventType) -> Value {
    let data: Value = serde_json::from_str(&event_type.example).unwrap_or_default();
    json!({
        "session_id": "e2085be5-9137-4e4e-80b5-f1ffddc25423",
        "category": event_type.kind.category,
        "name": event_type.kind.name,
        "timestamp": "2021-01-01T09:15:27.243860Z",
        "data": data,
    })
}

fn event(catalog: &Catalog, event_type: &EventType, data: &str) -> Value {
    let kind = &event_type.kind;
    let mut categories = vec![kind.category.clone(), kind.category.replace('_', " ")];
    categories.dedup();
    let description = event_type.description.as_ref().unwrap_or(&event_type.title);
    json!({
        "title": event_type.title,
        "description": description,
        "type": "object",
        "required": ["session_id", "category", "name", "data", "timestamp"],
        "additionalProperties": false,
        "properties": {
            "id": {
                "type": "string", "format": "uuid",
                "description": "Your key for the event: with its timestamp, it is stored once. Without it, it gets a UUIDv7.",
            },
            "session_id": {
                "description": "Any text; a number counts as its text.",
                // White space around it does not count, and U+0000 is nowhere.
                "anyOf": [
                    { "type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$" },
                    { "type": "number" },
                ],
            },
            "category": { "enum": categories },
            "name": { "enum": catalog.spellings(&kind.name) },
            "timestamp": {
                "type": "string", "format": "date-time",
                "description": "When it happened, and not in the future. A space for the `T`, no offset (UTC) and a date \
                                alone are read too.",
            },
            "data": schema(data),
        },
        "examples": [sent(event_type)],
    })
}

/// A name that components may have; the number tells apart what is the same without its other characters.
fn name(number: usize, event_type: &EventType) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let name: String = event_type.kind.name.chars().map(plain).collect();
    format!("NewEvent{}_{name}", number + 1)
}

/// A schema whose references to itself are right where it stands now.
fn at_its_place(value: &Value, name: &str) -> Value {
    match value {
        // Its references are its own.
        Value::Object(fields) if fields.contains_key("$id") => value.clone(),
        Value::Object(fields) => {
            let moved = fields.iter().map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("$ref", Value::String(target)) => match target.strip_prefix('#') {
                        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                            format!("#/components/schemas/{name}{rest}").into()
                        }
                        _ => value.clone(),
                    },
                    ("const" | "enum" | "default" | "examples", value) => value.clone(),
                    (_, value) => at_its_place(value, name),
                };
                (key.clone(), value)
            });
            Value::Object(moved.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| at_its_place(item, name)).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_move_with_their_schema() {
        let schema = json!({ "$defs": { "a": { "const": { "$ref": "#/x" } } }, "properties": { "b": { "$ref": "#/$defs/a" }, "$ref": { "$ref": "#" } } });
        assert_eq!(
            at_its_place(&schema, "N"),
            json!({
                "$defs": { "a": { "const": { "$ref": "#/x" } } },
                "properties": { "b": { "$ref": "#/components/schemas/N/$defs/a" }, "$ref": { "$ref": "#/components/schemas/N" } },
            })
        );
    }
}
