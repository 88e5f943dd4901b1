//! From a JSON Schema to the graph of its marks.
//!
//! Two walks: one finds every mark that is written down, wherever that is, the other goes from the schema of `data`
//! to those that hold for values. A mark that only the first one finds would be passed over in silence: it is an error.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::super::file;
use super::{Mark, Marks, Node};

/// The keyword.
const KEY: &str = "x-eye-privacy";

/// Keywords whose values are schemas under names of the author's.
const NAMED: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Keywords whose values are data, whatever stands in them.
const DATA: [&str; 4] = ["const", "enum", "default", "examples"];

type Schema = Map<String, Value>;

pub(super) fn read(schema: &Value) -> Result<Option<Marks>, String> {
    let mut written = Written::default();
    written.walk(schema, "");
    if written.marks.is_empty() {
        return Ok(None);
    }
    if let Some(at) = written.ids.iter().find(|at| !at.is_empty()) {
        return Err(format!("a schema with `{KEY}` may have no other schema with an `$id` in it, as at `{at}`"));
    }
    let mut reader =
        Reader { schema, written: &written, nodes: Vec::new(), known: BTreeMap::new(), todo: VecDeque::new() };
    reader.node(String::new());
    while let Some((node, at)) = reader.todo.pop_front() {
        reader.fill(node, &at)?;
    }
    if let Some(at) = written.marks.keys().find(|at| !reader.known.contains_key(*at)) {
        return Err(format!(
            "`{KEY}` at `{at}` would have no effect: it can stand where a schema holds for a value of its own, not under \
             `not`, `contains`, `propertyNames` or `unevaluated…`, nor where nothing refers to it"
        ));
    }
    let Reader { mut nodes, known, .. } = reader;
    close(&mut nodes);
    lead(&mut nodes);
    let marks = Marks { nodes };
    for (at, node) in &known {
        let drops = |item: &usize| marks.mark(&marks.place([*item])) == Some(Mark::Drop);
        if marks.nodes[*node].prefix.iter().any(drops) {
            return Err(format!(
                "`{KEY}` can drop nothing in `{}`: what stands behind it would take its place; use \"mask\"",
                below(at, "prefixItems")
            ));
        }
    }
    match marks.mark(&marks.root()) {
        Some(_) => Err(format!("`{KEY}` can mark fields of `data`, and not `data` itself")),
        None => Ok(Some(marks)),
    }
}

/// What is written down, by JSON pointer.
#[derive(Default)]
struct Written {
    marks: BTreeMap<String, Value>,
    anchors: BTreeMap<String, String>,
    ids: BTreeSet<String>,
}

impl Written {
    /// Looks through a schema, and through what may be one: keywords that nobody knows too.
    fn walk(&mut self, value: &Value, at: &str) {
        match value {
            Value::Object(schema) => self.schema(schema, at),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(item, &format!("{at}/{index}"));
                }
            }
            _ => (),
        }
    }

    fn schema(&mut self, schema: &Schema, at: &str) {
        for (key, value) in schema {
            match (key.as_str(), value) {
                (KEY, mark) => drop(self.marks.insert(at.to_owned(), mark.clone())),
                ("$anchor" | "$dynamicAnchor", Value::String(name)) => {
                    self.anchors.insert(name.clone(), at.to_owned());
                }
                ("$id", _) => drop(self.ids.insert(at.to_owned())),
                (key, _) if DATA.contains(&key) => (),
                (key, Value::Object(named)) if NAMED.contains(&key) => {
                    for (name, value) in named {
                        self.walk(value, &below(&below(at, key), name));
                    }
                }
                (key, value) => self.walk(value, &below(at, key)),
            }
        }
    }
}

/// Goes from schema to schema.
struct Reader<'a> {
    schema: &'a Value,
    written: &'a Written,
    nodes: Vec<Node>,
    /// The number of each schema, by its pointer.
    known: BTreeMap<String, usize>,
    /// Those that have a number and nothing else.
    todo: VecDeque<(usize, String)>,
}

impl Reader<'_> {
    /// The number of the schema there.
    fn node(&mut self, at: String) -> usize {
        if let Some(&node) = self.known.get(&at) {
            return node;
        }
        let node = self.nodes.len();
        self.nodes.push(Node { same: vec![node], ..Node::default() });
        self.known.insert(at.clone(), node);
        self.todo.push_back((node, at));
        node
    }

    fn fill(&mut self, node: usize, at: &str) -> Result<(), String> {
        let schema = self.schema;
        // `true` and `false` have no marks.
        let Some(Value::Object(schema)) = schema.pointer(at) else { return Ok(()) };
        for (key, value) in schema {
            let here = below(at, key);
            match (key.as_str(), value) {
                (KEY, mark) => self.nodes[node].mark = Some(word(mark, at)?),
                ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                    for index in 0..schemas.len() {
                        let other = self.node(format!("{here}/{index}"));
                        self.nodes[node].same.push(other);
                    }
                }
                ("if" | "then" | "else", _) => {
                    let other = self.node(here);
                    self.nodes[node].same.push(other);
                }
                ("dependentSchemas", Value::Object(schemas)) => {
                    for name in schemas.keys() {
                        let other = self.node(below(&here, name));
                        self.nodes[node].same.push(other);
                    }
                }
                ("$ref" | "$dynamicRef", Value::String(target)) => {
                    let target = self.target(target).ok_or_else(|| {
                        format!("`{KEY}` cannot be followed through `{key}` at `{at}`: it may name a place in the same schema alone")
                    })?;
                    let other = self.node(target);
                    self.nodes[node].same.push(other);
                }
                ("properties", Value::Object(schemas)) => {
                    for name in schemas.keys() {
                        let other = self.node(below(&here, name));
                        self.nodes[node].properties.insert(name.clone(), other);
                    }
                }
                ("patternProperties", Value::Object(schemas)) => {
                    for pattern in schemas.keys() {
                        let other = self.node(below(&here, pattern));
                        // The engine that checks events, so that a name fits here where it fits there.
                        let pattern = file::compile(&serde_json::json!({ "pattern": pattern }))?;
                        self.nodes[node].patterns.push((pattern, other));
                    }
                }
                ("additionalProperties", _) => self.nodes[node].additional = Some(self.node(here)),
                ("prefixItems", Value::Array(schemas)) => {
                    for index in 0..schemas.len() {
                        let other = self.node(format!("{here}/{index}"));
                        self.nodes[node].prefix.push(other);
                    }
                }
                ("items", Value::Object(_) | Value::Bool(_)) => self.nodes[node].items = Some(self.node(here)),
                _ => (),
            }
        }
        Ok(())
    }

    /// The pointer that a reference stands for.
    fn target(&self, reference: &str) -> Option<String> {
        let fragment = percent_encoding::percent_decode_str(reference.strip_prefix('#')?).decode_utf8().ok()?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return self.schema.pointer(&fragment).map(|_| fragment.into_owned());
        }
        self.written.anchors.get(&*fragment).cloned()
    }
}

fn word(mark: &Value, at: &str) -> Result<Mark, String> {
    match mark.as_str() {
        Some("drop") => Ok(Mark::Drop),
        Some("hash") => Ok(Mark::Hash),
        Some("mask") => Ok(Mark::Mask),
        _ => Err(format!("`{KEY}` at `{at}` must be \"drop\", \"hash\" or \"mask\"")),
    }
}

/// The pointer of a member.
fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Makes of each node's neighbours all that can be reached through them.
fn close(nodes: &mut [Node]) {
    let direct: Vec<_> = nodes.iter().map(|node| node.same.clone()).collect();
    for (number, node) in nodes.iter_mut().enumerate() {
        let (mut all, mut todo) = (BTreeSet::from([number]), vec![number]);
        while let Some(next) = todo.pop() {
            todo.extend(direct[next].iter().filter(|&&other| all.insert(other)));
        }
        node.same = all.into_iter().collect();
    }
}

/// Notes from where a mark can be reached: from the marks back, until nothing new is found.
fn lead(nodes: &mut [Node]) {
    loop {
        let leads = |node: &Node| {
            let below = node.properties.values().chain(node.patterns.iter().map(|(_, node)| node));
            let below = below.chain(&node.additional).chain(&node.prefix).chain(&node.items);
            node.mark.is_some() || node.same.iter().chain(below).any(|&other| nodes[other].leads_to_marks)
        };
        let found: Vec<_> = nodes.iter().map(leads).collect();
        let mut is_new = false;
        for (node, leads) in nodes.iter_mut().zip(found) {
            is_new |= leads != node.leads_to_marks;
            node.leads_to_marks = leads;
        }
        if !is_new {
            return;
        }
    }
}
