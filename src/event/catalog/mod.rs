//! The kinds of events there are, each with the schema of its `data`.
//!
//! Three are built in (the files of `catalog/`, embedded); a folder may add to them or replace
//! them. Everything is compiled once, at start, and a file that cannot be used stops the start.

mod file;
mod host;
mod messages;
mod privacy;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonschema::Validator;

use super::kept::Complaints;
use super::new_event::is_python_space;
use super::{Errors, EventKind};
use file::TypeFile;
pub use privacy::PrivacyKey;
pub(super) use privacy::TooMany;
use privacy::{Hasher, Marks};

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
    /// What hashes are made with.
    hasher: Option<Hasher>,
    is_marked: bool,
}

/// One kind of event.
#[derive(Debug)]
pub struct EventType {
    /// Its category and name.
    pub kind: Arc<EventKind>,
    /// What people call it.
    pub title: String,
    /// What it stands for.
    pub description: Option<String>,
    /// Valid `data`, as JSON.
    pub example: String,
    /// The JSON Schema of `data`.
    pub data: serde_json::Value,
    schema: Validator,
    marks: Option<Marks>,
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
        let files = BUILT_IN.map(|(path, text)| (PathBuf::from(path), TypeFile::parse(text).expect(path)));
        Self::new(files.into(), Vec::new()).expect("the built-in types are sound")
    }

    /// The built-in types and those of a folder's `*.json` files, which may replace them.
    pub fn load(folder: &Path) -> Result<Self, CatalogError> {
        let at = |path: &Path, problem: String| CatalogError { path: path.to_owned(), problem };
        let built_in = BUILT_IN.map(|(path, text)| (PathBuf::from(path), TypeFile::parse(text).expect(path)));
        let mut files = Vec::new();
        for path in file::list(folder).map_err(|error| at(folder, error.to_string()))? {
            let text = std::fs::read_to_string(&path).map_err(|error| at(&path, error.to_string()))?;
            let file = TypeFile::parse(&text).map_err(|problem| at(&path, problem))?;
            files.push((path, file));
        }
        Self::new(built_in.into(), files)
    }

    /// The same catalog with the key that fields marked `hash` are hashed under.
    #[must_use]
    pub fn with_key(mut self, key: &PrivacyKey) -> Self {
        self.hasher = Some(Hasher::new(key));
        self
    }

    /// Whether a field is marked `hash` and there is no key to do it with. Until there is, such fields are masked.
    pub fn needs_key(&self) -> bool {
        let hashes = |event_type: &EventType| event_type.marks.as_ref().is_some_and(Marks::need_a_key);
        self.hasher.is_none() && self.types().any(hashes)
    }

    /// Whether there is a type with a field that is never kept as it was sent.
    pub fn is_marked(&self) -> bool {
        self.is_marked
    }

    /// The built-in types and that of one file, with the file's category, name and example.
    #[cfg(any(fuzzing, test))]
    pub(super) fn with_one(text: &str) -> Result<(Self, String, String, String), String> {
        let file = TypeFile::parse(text)?;
        let (category, name, example) = (file.category.clone(), file.name.clone(), file.example.get().to_owned());
        let built_in = BUILT_IN.map(|(path, text)| (PathBuf::from(path), TypeFile::parse(text).expect(path)));
        let catalog = Self::new(built_in.into(), vec![(PathBuf::from("fuzzed.json"), file)]);
        Ok((catalog.map_err(|error| error.to_string())?, category, name, example))
    }

    /// All aliases first, then the types: what a file means must not depend on its name.
    fn new(built_in: Vec<(PathBuf, TypeFile)>, files: Vec<(PathBuf, TypeFile)>) -> Result<Self, CatalogError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |problem: String| CatalogError { path, problem }
        };
        let mut catalog = Self { types: BTreeMap::new(), aliases: BTreeMap::new(), hasher: None, is_marked: false };
        for (path, file) in built_in.iter().chain(&files) {
            catalog.add_aliases(file).map_err(at(path))?;
        }
        for (path, file) in built_in {
            catalog.add(file).map_err(at(&path))?;
        }
        let mut seen: BTreeMap<Arc<EventKind>, PathBuf> = BTreeMap::new();
        for (path, file) in files {
            let kind = catalog.add(file).map_err(at(&path))?;
            if let Some(other) = seen.insert(kind, path.clone()) {
                return Err(at(&path)(format!("`{}` describes the same category and name", other.display())));
            }
        }
        let is_marked = catalog.types().any(|event_type| event_type.marks.is_some());
        Ok(Self { is_marked, ..catalog })
    }

    /// The type of that category and name, in any of their spellings.
    pub fn get(&self, category: &str, name: &str) -> Option<&EventType> {
        let name = normalize(name);
        let name = self.aliases.get(&*name).map_or(&*name, String::as_str);
        self.types.get(&*normalize(category))?.get(name)
    }

    /// A name with underscores, and with the spelling that answers use.
    pub fn name(&self, name: &str) -> String {
        let name = normalize(name);
        self.aliases.get(&*name).cloned().unwrap_or_else(|| name.into_owned())
    }

    /// All spellings of a type's name that are read as it: with underscores, with spaces, and the aliases.
    pub fn spellings(&self, name: &str) -> Vec<String> {
        let aliases =
            self.aliases.iter().filter(|(_, stands_for)| *stands_for == name).map(|(alias, _)| alias.as_str());
        let mut spellings: Vec<_> =
            std::iter::once(name).chain(aliases).flat_map(|name| [name.to_owned(), name.replace('_', " ")]).collect();
        let mut seen = std::collections::BTreeSet::new();
        spellings.retain(|spelling| seen.insert(spelling.clone()));
        spellings
    }

    /// A category with underscores.
    pub fn category(&self, category: &str) -> String {
        normalize(category).into_owned()
    }

    /// All types, by category and name.
    pub fn types(&self) -> impl Iterator<Item = &EventType> {
        self.types.values().flat_map(BTreeMap::values)
    }

    fn add_aliases(&mut self, file: &TypeFile) -> Result<(), String> {
        let name = normalize(&file.name).into_owned();
        for alias in file.aliases.iter().map(|alias| normalize(alias).into_owned()).filter(|alias| *alias != name) {
            let other = self.aliases.insert(alias.clone(), name.clone());
            if let Some(other) = other.filter(|other| *other != name) {
                return Err(format!("the alias `{alias}` already stands for the name `{other}`"));
            }
        }
        Ok(())
    }

    fn add(&mut self, file: TypeFile) -> Result<Arc<EventKind>, String> {
        let (category, declared) = (normalize(&file.category).into_owned(), normalize(&file.name));
        let name = self.name(&declared);
        // Replacing a type under an alias of its name is fine; a new type would silently go by another name.
        if name != declared && !self.types.get(&category).is_some_and(|names| names.contains_key(&name)) {
            return Err(format!("the name `{declared}` is an alias: it stands for `{name}` in every category"));
        }
        let kind = Arc::new(EventKind { category, name });
        let event_type = EventType {
            kind: kind.clone(),
            title: file.title,
            description: file.description,
            example: file.example.get().to_owned(),
            data: file.data,
            schema: file.schema,
            marks: file.marks,
        };
        self.types.entry(kind.category.clone()).or_default().insert(kind.name.clone(), event_type);
        Ok(kind)
    }
}

impl EventType {
    /// Adds everything that is wrong with `data`, under `data`.
    pub(super) fn check(&self, data: &str, errors: &mut Errors) {
        let Some(value) = self.invalid(data, errors) else { return };
        for error in self.schema.iter_errors(&value) {
            messages::add(errors, &error, privacy::seen(self.marks.as_ref(), &error));
        }
    }

    /// The same of what was kept of an event. What the marks made of a value need not be what the schema asks for:
    /// it is passed over, unless that value was found wrong before.
    pub(super) fn check_kept(&self, data: &str, catalog: &Catalog, before: &Complaints, errors: &mut Errors) {
        let Some(marks) = &self.marks else { return self.check(data, errors) };
        let Some(value) = self.invalid(data, errors) else { return };
        for error in self.schema.iter_errors(&value) {
            let is_ours = privacy::is_of_marks(marks, catalog.hasher.as_ref(), &error);
            if !is_ours || before.are_about(&messages::full_path(&error)) {
                messages::add(errors, &error, privacy::seen(Some(marks), &error));
            }
        }
    }

    /// `data` as it may be kept.
    pub(super) fn marked<'a>(&self, data: &'a str, catalog: &Catalog) -> Result<Cow<'a, str>, TooMany> {
        match &self.marks {
            None => Ok(data.into()),
            Some(marks) => marks.apply(data, catalog.hasher.as_ref()),
        }
    }

    /// Whether `data` is so wrong that a marked value may stand where no mark is.
    pub(super) fn leaves_doubt(&self, data: &str) -> bool {
        let Ok(value) = serde_json::from_str(data) else { return true };
        self.schema.iter_errors(&value).any(|error| privacy::leaves_doubt(self.marks.as_ref(), &error))
    }

    /// The value of `data`, if something is wrong with it.
    fn invalid(&self, data: &str, errors: &mut Errors) -> Option<serde_json::Value> {
        let Ok(value) = serde_json::from_str(data) else {
            // The scanner allows nothing that serde_json refuses, but a verdict must be given.
            errors.add(["data"], super::text::NOT_JSON);
            return None;
        };
        // Most are valid, which is quicker to see than to look for what is wrong.
        (!self.schema.is_valid(&value)).then_some(value)
    }
}

/// A category or name with underscores for spaces, and no white space around it: of the kinds that an event's
/// fields may have around them.
pub(super) fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(is_python_space);
    match text.contains(' ') {
        true => text.replace(' ', "_").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests;
