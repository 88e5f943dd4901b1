//! Marks of privacy: fields of a schema whose values are never kept as they were sent.
//!
//! `"x-eye-privacy": "drop" | "hash" | "mask"` stands in the schema of a field. A schema with marks is read into a
//! graph once, at start ([`Marks::read`]); a value is then looked up in it beside the schemas that hold for it
//! ([`Place`]). Which of several `anyOf` a value satisfied is not asked: a mark in any of them counts, and of several
//! marks the one that leaves less.
//!
//! Text is changed by cutting alone ([`splice`]): what is not marked stays to the letter.

mod hash;
mod read;
mod report;
mod splice;

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::Value;

pub(in crate::event) use hash::Hasher;
pub use hash::PrivacyKey;
pub(super) use report::{Seen, is_of_marks, leaves_doubt, seen};
pub(in crate::event) use splice::TooMany;

/// What becomes of a value. A later one leaves less of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// A text made of it under the key: equal values stay equal.
    Hash,
    /// The text `***`.
    Mask,
    /// Nothing: it is taken out, with its name.
    Drop,
}

/// The marks of one schema, and the way to them.
#[derive(Debug)]
pub(in crate::event) struct Marks {
    /// The first one is the schema of `data` itself.
    nodes: Vec<Node>,
}

/// One schema, as far as it matters here.
#[derive(Debug, Default)]
struct Node {
    mark: Option<Mark>,
    /// Schemas that hold for the same value, through any number of steps; itself too.
    same: Vec<usize>,
    properties: BTreeMap<String, usize>,
    /// Each with a schema that says whether a name fits.
    patterns: Vec<(Validator, usize)>,
    additional: Option<usize>,
    prefix: Vec<usize>,
    items: Option<usize>,
    /// Whether a mark can be reached from here.
    leads_to_marks: bool,
}

/// The schemas that hold for one value: those of them that lead to marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place(Vec<usize>);

impl Marks {
    /// The marks of a schema; none if it has none. A mark that could not be applied is an error that says where.
    pub(super) fn read(schema: &Value) -> Result<Option<Self>, String> {
        read::read(schema)
    }

    /// Whether a value becomes a text made under a key.
    pub(super) fn need_a_key(&self) -> bool {
        self.nodes.iter().any(|node| node.mark == Some(Mark::Hash))
    }

    /// The place of `data` itself.
    fn root(&self) -> Place {
        self.place([0])
    }

    /// The place of a member of an object.
    fn member(&self, place: &Place, name: &str) -> Place {
        let mut found = Vec::new();
        for node in place.0.iter().map(|&node| &self.nodes[node]) {
            let property = node.properties.get(name).copied();
            let before = found.len();
            found.extend(property);
            if !node.patterns.is_empty() {
                let name = Value::from(name);
                let fits = |(pattern, _): &&(Validator, usize)| pattern.is_valid(&name);
                found.extend(node.patterns.iter().filter(fits).map(|(_, node)| *node));
            }
            if found.len() == before {
                found.extend(node.additional);
            }
        }
        self.place(found)
    }

    /// The place of an element of an array.
    fn item(&self, place: &Place, index: usize) -> Place {
        let nodes = place.0.iter().map(|&node| &self.nodes[node]);
        self.place(nodes.filter_map(|node| node.prefix.get(index).copied().or(node.items)))
    }

    fn place(&self, nodes: impl IntoIterator<Item = usize>) -> Place {
        let all = nodes.into_iter().flat_map(|node| &self.nodes[node].same).copied();
        let mut all: Vec<_> = all.filter(|&node| self.nodes[node].leads_to_marks).collect();
        all.sort_unstable();
        all.dedup();
        Place(all)
    }

    /// What becomes of the value there.
    fn mark(&self, place: &Place) -> Option<Mark> {
        place.0.iter().filter_map(|&node| self.nodes[node].mark).max()
    }
}

impl Place {
    /// Whether nothing there, nor in it, is marked.
    fn is_clear(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
