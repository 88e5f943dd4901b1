//! The file of one event type: JSON with the type's names and the JSON Schema of its `data`.

use std::io;
use std::path::{Path, PathBuf};

use jsonschema::{Draft, PatternOptions, Validator};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::new_event::is_python_space;
use super::host::is_host;
use super::privacy::Marks;

/// Bytes a compiled pattern may take. Patterns run on an engine whose time is linear in the text;
/// this bounds the factor.
const MAX_PATTERN: usize = 1 << 20;

/// A file that was read and whose schema is sound.
#[derive(Debug)]
pub(super) struct TypeFile {
    pub(super) category: String,
    pub(super) name: String,
    pub(super) aliases: Vec<String>,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) example: Box<RawValue>,
    /// The JSON Schema of `data`, as it was written.
    pub(super) data: Value,
    pub(super) schema: Validator,
    /// Which of its fields are never kept as they were sent.
    pub(super) marks: Option<Marks>,
}

/// The file to the letter. A key that is misspelt must not be passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    #[serde(rename = "$schema")]
    draft: Option<String>,
    category: String,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    title: String,
    description: Option<String>,
    example: Box<RawValue>,
    data: Value,
}

impl TypeFile {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        super::super::check_json(text, 1).map_err(|error| error.to_string())?;
        let keys: Keys = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if keys.draft.is_some_and(|draft| !draft.trim_end_matches('#').ends_with("/draft/2020-12/schema")) {
            return Err("`$schema` must be https://json-schema.org/draft/2020-12/schema".to_owned());
        }
        for (key, text) in [("category", &keys.category), ("name", &keys.name)]
            .into_iter()
            .chain(keys.aliases.iter().map(|alias| ("aliases", alias)))
        {
            // As an event's fields are read: a name that none can have is no name.
            let text = text.trim_matches(is_python_space);
            if text.is_empty() || text.chars().count() > 100 {
                return Err(format!("`{key}` must have 1 to 100 characters"));
            }
        }
        let schema = compile(&keys.data)?;
        let marks = Marks::read(&keys.data)?;
        let example: Value = serde_json::from_str(keys.example.get()).map_err(|error| error.to_string())?;
        if !example.is_object() {
            return Err("`example` must be an object".to_owned());
        }
        if let Some(error) = schema.iter_errors(&example).next() {
            return Err(format!("`example` does not fit `data`: {error} at `{}`", error.instance_path()));
        }
        let Keys { category, name, aliases, title, description, example, data, .. } = keys;
        Ok(Self { category, name, aliases, title, description, example, data, schema, marks })
    }
}

/// The `*.json` files of a folder, by name.
pub(super) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A schema that events are held against, or a part of one.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    if !schema.is_object() {
        return Err("`data` must be a JSON Schema object".to_owned());
    }
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN))
        .with_format("host", is_host)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .build(schema)
        .map_err(|error| format!("the schema in `data` is not valid: {error} at `{}`", error.instance_path()))
}
