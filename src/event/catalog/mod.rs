//! The kinds of events there are, each with the schema of its `data`.
//!
//! Three are built in (the files of `catalog/`, embedded); a folder may add to them or replace
//! them. Everything is compiled once, at start, and a file that cannot be used stops the start.

mod file;
mod host;
mod messages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonschema::Validator;

use super::{Errors, EventKind};
use file::TypeFile;

/// The files of the built-in types.
const BUILT_IN: [(&str, &str); 3] = [
    ("catalog/page_view.json", include_str!("../../../catalog/page_view.json")),
    ("catalog/cta_click.json", include_str!("../../../catalog/cta_click.json")),
    ("catalog/form_submit.json", include_str!("../../../catalog/form_submit.json")),
];

/// The known kinds of events.
#[derive(Debug)]
pub struct Catalog {
    /// By category, then by name.
    types: BTreeMap<String, BTreeMap<String, EventType>>,
    /// Other spellings of names.
    aliases: BTreeMap<String, String>,
}

/// One kind of event.
#[derive(Debug)]
pub struct EventType {
    /// Its category and name.
    pub kind: Arc<EventKind>,
    /// What people call it.
    pub title: String,
    /// Valid `data`, as JSON.
    pub example: String,
    schema: Validator,
}

/// A file of event types that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the event type in `{}`: {problem}", path.display())]
pub struct CatalogError {
    /// The file, or the folder that should hold files.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl Catalog {
    /// The built-in types alone.
    pub fn built_in() -> Self {
        let mut catalog = Self { types: BTreeMap::new(), aliases: BTreeMap::new() };
        for (path, text) in BUILT_IN {
            let file = TypeFile::parse(text).expect(path);
            catalog.add(file).expect(path);
        }
        catalog
    }

    /// The built-in types and those of a folder's `*.json` files, which may replace them.
    pub fn load(folder: &Path) -> Result<Self, CatalogError> {
        let at = |path: &Path, problem: String| CatalogError { path: path.to_owned(), problem };
        let mut catalog = Self::built_in();
        let mut seen: BTreeMap<Arc<EventKind>, PathBuf> = BTreeMap::new();
        for path in file::list(folder).map_err(|error| at(folder, error.to_string()))? {
            let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error.to_string()))?;
            let kind =
                TypeFile::parse(&text).and_then(|file| catalog.add(file)).map_err(|problem| at(&path, problem))?;
            if let Some(other) = seen.insert(kind, path.clone()) {
                let problem = format!("`{}` describes the same category and name", other.display());
                return Err(at(&path, problem));
            }
        }
        Ok(catalog)
    }

    /// The type of that category and name, in any of their spellings.
    pub fn get(&self, category: &str, name: &str) -> Option<&EventType> {
        let exact = |category: &str, name: &str| self.types.get(category)?.get(name);
        exact(category, name).or_else(|| exact(&normalize(category), &self.name(name)))
    }

    /// A name with underscores, and with the spelling that answers use.
    pub fn name(&self, name: &str) -> String {
        let name = normalize(name);
        self.aliases.get(&name).cloned().unwrap_or(name)
    }

    /// A category with underscores.
    pub fn category(&self, category: &str) -> String {
        normalize(category)
    }

    /// All types, by category and name.
    pub fn types(&self) -> impl Iterator<Item = &EventType> {
        self.types.values().flat_map(BTreeMap::values)
    }

    fn add(&mut self, file: TypeFile) -> Result<Arc<EventKind>, String> {
        let name = self.name(&file.name);
        for alias in file.aliases.iter().map(|alias| normalize(alias)) {
            if let Some(other) = self.aliases.get(&alias).filter(|other| **other != name) {
                return Err(format!("the alias `{alias}` already stands for the name `{other}`"));
            }
            if alias != name && self.types.values().any(|names| names.contains_key(&alias)) {
                return Err(format!("the alias `{alias}` is the name of another type"));
            }
            if alias != name {
                self.aliases.insert(alias, name.clone());
            }
        }
        let kind = Arc::new(EventKind { category: normalize(&file.category), name });
        let event_type = EventType {
            kind: kind.clone(),
            title: file.title,
            example: file.example.get().to_owned(),
            schema: file.schema,
        };
        self.types.entry(kind.category.clone()).or_default().insert(kind.name.clone(), event_type);
        Ok(kind)
    }
}

impl EventType {
    /// Adds everything that is wrong with `data`, under `data`.
    pub(super) fn check(&self, data: &str, errors: &mut Errors) {
        let Ok(value) = serde_json::from_str(data) else {
            // The scanner allows nothing that serde_json refuses, but a verdict must be given.
            errors.add(["data"], super::text::NOT_JSON);
            return;
        };
        for error in self.schema.iter_errors(&value) {
            messages::add(errors, &error);
        }
    }
}

/// A category or name with underscores for spaces, and none around it.
pub(super) fn normalize(text: &str) -> String {
    text.trim().replace(' ', "_")
}

#[cfg(test)]
mod tests;
