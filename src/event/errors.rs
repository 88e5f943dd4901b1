//! What is wrong with an event, field by field, in the shape Django REST framework gives it.
//!
//! It collects and prints; which messages there are is decided by those who find them.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// Messages that one event may collect. The rest is counted, so that a hostile event of a
/// megabyte cannot make an answer of many.
const MAX_MESSAGES: usize = 100;

/// Characters of a field's name that are shown. A name of ours is never longer.
pub(super) const MAX_NAME: usize = 100;

/// The key under which messages about the whole stand.
const WHOLE: &str = "non_field_errors";

/// DRF's messages that more than one place gives.
pub mod text {
    /// A field that has to be there is not.
    pub const REQUIRED: &str = "This field is required.";
    /// A field is `null`.
    pub const NULL: &str = "This field may not be null.";
    /// A field is empty.
    pub const BLANK: &str = "This field may not be blank.";
    /// A field is neither a text nor a number.
    pub const NOT_A_STRING: &str = "Not a valid string.";
    /// A key that nobody asked for.
    pub const UNKNOWN_FIELD: &str = "Unknown field.";
    /// An id that is no UUID.
    pub const NOT_A_UUID: &str = "Must be a valid UUID.";
    /// A form's `data` that is no JSON.
    pub const NOT_JSON: &str = "Value must be valid JSON.";
    /// A timestamp that cannot be read.
    pub const BAD_DATETIME: &str = "Datetime has wrong format. Use one of these formats instead: \
                                    YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
}

/// The errors of one event: a message list for each field, nested as the event is nested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    root: Node,
    left_out: usize,
    count: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    messages: Vec<Cow<'static, str>>,
    fields: Vec<(String, Node)>,
}

impl Errors {
    /// Errors that consist of one message about the whole event.
    pub fn whole(message: impl Into<Cow<'static, str>>) -> Self {
        let mut errors = Self::default();
        errors.add::<&str>([], message);
        errors
    }

    /// Adds a message under the field at `path`, once; an empty path is the whole event.
    pub fn add<S: AsRef<str>>(&mut self, path: impl IntoIterator<Item = S>, message: impl Into<Cow<'static, str>>) {
        if self.count == MAX_MESSAGES {
            self.left_out += 1;
            return;
        }
        let mut node = &mut self.root;
        for name in path {
            node = node.field(&shorten(name.as_ref(), MAX_NAME));
        }
        let message = message.into();
        if !node.messages.contains(&message) {
            self.count += 1;
            node.messages.push(message);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether every message is about the whole event.
    pub fn only_whole(&self) -> bool {
        self.root.fields.is_empty() && !self.root.messages.is_empty()
    }

    /// The errors as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts under texts are JSON")
    }
}

/// The beginning of a text, with a mark where it was cut.
pub(super) fn shorten(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

impl Serialize for Errors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.left_out == 0 {
            return self.root.as_map(serializer);
        }
        let mut root = self.root.clone();
        root.messages.push(format!("… and {} more errors.", self.left_out).into());
        root.as_map(serializer)
    }
}

impl Node {
    fn field(&mut self, name: &str) -> &mut Self {
        let at = self.fields.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.fields.push((name.to_owned(), Self::default()));
            self.fields.len() - 1
        });
        &mut self.fields[at].1
    }

    fn as_map<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A field may itself be called `non_field_errors`: one key, both lists.
        let named_whole = self.fields.iter().find(|(name, _)| name == WHOLE);
        let mut map = serializer.serialize_map(None)?;
        for (name, node) in self.fields.iter().filter(|(name, _)| name != WHOLE) {
            map.serialize_entry(name, node)?;
        }
        match named_whole {
            Some((_, node)) => {
                let both: Vec<_> = self.messages.iter().chain(&node.messages).collect();
                map.serialize_entry(WHOLE, &both)?;
            }
            None if !self.messages.is_empty() => map.serialize_entry(WHOLE, &self.messages)?,
            None => (),
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.fields.is_empty() { self.messages.serialize(serializer) } else { self.as_map(serializer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_nest_as_the_fields_do() {
        let mut errors = Errors::default();
        errors.add(["timestamp"], text::REQUIRED);
        errors.add(["data", "path"], text::REQUIRED);
        errors.add(["data", "items", "0"], text::NULL);
        errors.add(["data"], "too many");
        errors.add::<&str>([], "unknown event type: a - b");
        insta::assert_snapshot!(errors.to_json(), @r#"{"timestamp":["This field is required."],"data":{"path":["This field is required."],"items":{"0":["This field may not be null."]},"non_field_errors":["too many"]},"non_field_errors":["unknown event type: a - b"]}"#);
    }

    #[test]
    fn messages_beyond_the_bound_are_counted() {
        let mut errors = Errors::default();
        for number in 0..105 {
            errors.add([number.to_string()], text::UNKNOWN_FIELD);
        }
        assert!(errors.to_json().ends_with(r#""99":["Unknown field."],"non_field_errors":["… and 5 more errors."]}"#));
    }

    #[test]
    fn a_name_of_a_megabyte_is_cut() {
        let mut errors = Errors::default();
        errors.add(["é".repeat(1 << 19)], text::UNKNOWN_FIELD);
        assert_eq!(errors.to_json(), format!("{{\"{}…\":[\"Unknown field.\"]}}", "é".repeat(100)));
    }

    #[test]
    fn a_field_named_like_the_whole_shares_its_key() {
        let mut errors = Errors::whole("one");
        errors.add(["non_field_errors"], text::UNKNOWN_FIELD);
        assert_eq!(errors.to_json(), r#"{"non_field_errors":["one","Unknown field."]}"#);
    }
}
