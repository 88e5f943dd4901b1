//! What an answer says is wrong, to be shown beside the fields that it is about.

use serde_json::Value;

/// Messages that are listed; all of them are in the answer itself.
const MOST: usize = 100;

/// Messages by field, each shown once: beside its field, or with the rest above the form.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    /// Names with dots between levels, and what is wrong there.
    messages: Vec<(String, String)>,
}

impl Complaints {
    /// Reads the answer to an invalid event, batch or query.
    pub(super) fn of(json: &str) -> Self {
        let mut complaints = Self::default();
        let answer: Value = serde_json::from_str(json).unwrap_or_default();
        match answer.get("results").and_then(Value::as_array) {
            Some(rows) => {
                for row in rows {
                    complaints.add(&format!("event {}", row["index"]), &row["errors"]);
                }
            }
            None => complaints.add("", &answer),
        }
        complaints
    }

    /// Takes the messages about one field, and about what is in it.
    pub(super) fn take(&mut self, name: &str) -> Vec<String> {
        let is_about =
            |path: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let (taken, rest) = std::mem::take(&mut self.messages).into_iter().partition(|(path, _)| is_about(path));
        self.messages = rest;
        let inner = |path: &str| path[name.len()..].trim_start_matches('.').to_owned();
        taken.into_iter().map(|(path, message): (String, String)| line(&inner(&path), &message)).collect()
    }

    /// All that was not taken.
    pub(super) fn rest(self) -> Vec<String> {
        self.messages.into_iter().map(|(path, message)| line(&path, &message)).collect()
    }

    fn add(&mut self, path: &str, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (path, name.as_str()) {
                        (_, "non_field_errors" | "detail") => self.add(path, value),
                        ("", name) => self.add(name, value),
                        (path, name) => self.add(&format!("{path}.{name}"), value),
                    }
                }
            }
            Value::Array(messages) => messages.iter().for_each(|message| self.add(path, message)),
            Value::String(message) if self.messages.len() < MOST => {
                self.messages.push((path.to_owned(), message.clone()));
            }
            _ => (),
        }
    }
}

fn line(path: &str, message: &str) -> String {
    match path {
        "" => message.to_owned(),
        path => format!("{path}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_shown_once() {
        let json = r#"{"data":{"path":["a","b"],"non_field_errors":["c"]},"database":["d"],"non_field_errors":["e"]}"#;
        let mut complaints = Complaints::of(json);
        assert_eq!(complaints.take("data"), ["c", "path: a", "path: b"]);
        assert_eq!(complaints.take("data"), [""; 0]);
        assert_eq!(complaints.rest(), ["database: d", "e"]);
        let batch = r#"{"accepted":0,"results":[{"index":3,"errors":{"name":["f"]}},{"index":4,"errors":{"non_field_errors":["g"]}}]}"#;
        assert_eq!(Complaints::of(batch).rest(), ["event 3.name: f", "event 4: g"]);
        assert_eq!(Complaints::of(r#"{"detail":"h"}"#).rest(), ["h"]);
    }
}
