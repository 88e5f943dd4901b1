//! What is kept of a refused event where the catalog has marks of privacy, and what that means when it is judged again.
//!
//! An event whose type is known is kept with the marks applied, if what is wrong with it leaves no doubt where its
//! marked values are: an unknown key, a marked field that is missing or a list where a text should be may hold one.
//! Of such an event, and of everything that is no event of a known type, its reason and its size are all that is kept.

use serde_json::Value;
use uuid::Uuid;

use super::errors::MAX_NAME;
use super::new_event::char_field;
use super::raw::{Field, Fields};
use super::rejected::MAX_REFUSED_BODY;
use super::{Catalog, EventKind, EventType, JsonType, RawEvent, Reason, Rejected, RejectedKind, Timestamp, shorten};

impl Rejected {
    /// A refused event, with as much of it as a catalog with marks allows. The errors are those its sender gets.
    pub fn discreet(
        (id, received_at): (Uuid, Timestamp),
        reason: Reason,
        errors: &str,
        raw: &RawEvent<'_>,
        catalog: &Catalog,
    ) -> Self {
        let size = raw.text.len() as u64;
        let Some((event_type, fields)) = matched(raw, catalog) else {
            return Self::withheld((id, received_at), reason, size);
        };
        match body(raw, fields, event_type, catalog) {
            Some(body) => {
                let kept = Self::refused(id, reason, errors.to_owned(), received_at, &body);
                Self { size, ..kept.describing(raw, catalog) }
            }
            None => {
                let EventKind { category, name } = &*event_type.kind;
                let (category, name) = (Some(category.clone()), Some(name.clone()));
                Self { category, name, ..Self::withheld((id, received_at), reason, size) }
            }
        }
    }

    /// A refused body of which nothing is kept but its reason and its size.
    pub fn withheld((id, received_at): (Uuid, Timestamp), reason: Reason, size: u64) -> Self {
        Self {
            id,
            kind: RejectedKind::Refused,
            reason: reason.as_str().to_owned(),
            errors: "{}".to_owned(),
            received_at,
            body: Vec::new(),
            truncated: size > 0,
            session_id: None,
            category: None,
            name: None,
            size,
            application: None,
        }
    }
}

/// The type that an event names, if it can be read that far and its `data` is an object.
fn matched<'c, 'a>(raw: &'a RawEvent<'a>, catalog: &'c Catalog) -> Option<(&'c EventType, &'a Fields<'a>)> {
    let fields = raw.fields.as_ref().ok()?;
    let category = char_field(fields.category.as_ref()?, 100).ok()?;
    let name = char_field(fields.name.as_ref()?, 100).ok()?;
    Some((catalog.get(&category, &name)?, fields))
}

/// The event's text with the marks applied.
fn body(raw: &RawEvent<'_>, fields: &Fields<'_>, event_type: &EventType, catalog: &Catalog) -> Option<Vec<u8>> {
    let Some(Field::Json(data)) = fields.data else { return None };
    // A session's name is any text; these two are not, and what else stands there is in the wrong place.
    let is_time = |text: &str| Timestamp::parse(text).is_some();
    let is_id = |text: &str| Uuid::try_parse(text).is_ok();
    let in_place = holds(fields.session_id.as_ref(), |_| true)
        && holds(fields.timestamp.as_ref(), is_time)
        && holds(fields.id.as_ref(), is_id);
    if JsonType::of(data) != JsonType::Dict || !fields.unknown.is_empty() || !in_place {
        return None;
    }
    // A form's `data` was decoded: it is no part of the body.
    let start = data.as_ptr().addr().checked_sub(raw.text.as_ptr().addr())?;
    let (before, rest) = raw.text.split_at_checked(start)?;
    let (_, after) = rest.split_at_checked(data.len())?;
    if event_type.leaves_doubt(data) {
        return None;
    }
    let data = event_type.marked(data, catalog).ok()?;
    let body = [before, data.as_bytes(), after].concat();
    // What is cut cannot be read again, and nobody looks for what is in it.
    (body.len() <= MAX_REFUSED_BODY).then_some(body)
}

/// Whether a field is such a text, or `null`, or is not there.
fn holds(field: Option<&Field<'_>>, is_such: impl Fn(&str) -> bool) -> bool {
    match field {
        None | Some(Field::Json("null")) => true,
        Some(Field::Text(text)) => is_such(text),
        // A number counts as its text.
        Some(Field::Json(text)) => matches!(JsonType::of(text), JsonType::Int | JsonType::Float) && is_such(text),
        Some(Field::NotJson) => false,
    }
}

/// What was said of an event when it was refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Complaints(Value);

impl Complaints {
    /// Those that a row has; a row whose errors cannot be read complains of everything.
    pub(super) fn read(errors: &str) -> Self {
        Self(serde_json::from_str(errors).unwrap_or_default())
    }

    /// Whether one may have been about the value that a path leads to.
    pub(super) fn are_about<S: AsRef<str>>(&self, path: &[S]) -> bool {
        let Value::Object(fields) = &self.0 else { return true };
        let whole = fields.get("non_field_errors").and_then(Value::as_array).into_iter().flatten();
        // There were more than are named.
        let mut left_out = whole.filter_map(Value::as_str).filter(|message| message.starts_with('…'));
        let steps = path.iter().try_fold(&self.0, |value, name| value.get(&*shorten(name.as_ref(), MAX_NAME)));
        left_out.next().is_some() || steps.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NewEvent, PrivacyKey, Rules, read_line};
    use super::*;

    const TYPE: &str = r#"{
        "category": "shop", "name": "order", "title": "An order", "example": {"email": "a@example.com", "card": 1},
        "data": {
            "required": ["email"], "additionalProperties": false, "minProperties": 1,
            "properties": {
                "email": {"format": "email", "x-eye-privacy": "hash"},
                "card": {"type": "integer", "x-eye-privacy": "drop"},
                "level": {"enum": ["low", "high"], "x-eye-privacy": "mask"},
                "user": {"type": "object", "properties": {"name": {"type": "string", "x-eye-privacy": "mask"}, "age": {"type": "integer"}}},
                "path": {"type": "string", "maxLength": 5},
                "whole": {"required": ["a"], "properties": {"a": {"maxLength": 1}}, "additionalProperties": false, "x-eye-privacy": "mask"}
            }
        }
    }"#;

    fn catalog(text: &str) -> Catalog {
        Catalog::with_one(text).unwrap().0.with_key(&PrivacyKey::new([7; 32]))
    }

    fn rules(catalog: &Catalog) -> Rules<'_> {
        let now = Timestamp::parse("2026-01-01").unwrap();
        Rules {
            catalog,
            now,
            tolerance: std::time::Duration::ZERO,
            new_id: Uuid::nil(),
            application: None,
            address: None,
        }
    }

    /// An order with that data, of tomorrow: it is not valid, whatever its data are.
    fn order(data: &str) -> String {
        format!(
            r#"{{ "session_id":"s", "category" : "shop","name":"order","data" : {data} , "timestamp":"2026-01-02"}}"#
        )
    }

    fn refused(text: &str) -> Rejected {
        let catalog = catalog(TYPE);
        let raw = read_line(text).unwrap();
        let errors = NewEvent::parse(&raw, &rules(&catalog)).unwrap_err().to_json();
        Rejected::discreet((Uuid::nil(), Timestamp::MIN), Reason::Invalid, &errors, &raw, &catalog)
    }

    /// What an order with that data is kept as, with `HASH` for the hash of its address.
    fn check(data: &str, kept: &str, errors: &str) {
        let row = refused(&order(data));
        let mut body = String::from_utf8(row.body.clone()).unwrap();
        if let Some(at) = body.find("eye-hash:") {
            body.replace_range(at..at + 57, "HASH");
        }
        assert_eq!(body, order(kept), "{data}");
        let expected = format!(r#"{{{errors}"timestamp":["timestamp must be in the past"]}}"#);
        assert_eq!(row.errors, expected, "{data}");
        assert_eq!((row.size, row.truncated), (order(data).len() as u64, false));
        assert_eq!(row.session_id.as_deref(), Some("s"));
    }

    #[test]
    fn a_body_is_kept_with_its_marks_applied_and_without_a_word_of_what_is_marked() {
        check(r#"{"email":"a@b.example"}"#, r#"{"email":"HASH"}"#, "");
        check(r#"{"card" : 1, "email":"a@b.example", "path":"/"}"#, r#"{ "email":"HASH", "path":"/"}"#, "");
        check(
            r#"{"email":"no address","card":"4000"}"#,
            r#"{"email":"HASH"}"#,
            r#""data":{"card":["A valid integer is required."],"email":["Enter a valid email address."]},"#,
        );
        check(
            r#"{"email":"a@b.example","level":"secret","path":"/too long"}"#,
            r#"{"email":"HASH","level":"***","path":"/too long"}"#,
            r#""data":{"level":["Not a valid choice."],"path":["Ensure this field has no more than 5 characters."]},"#,
        );
        check(
            r#"{"email":["a@b.example"],"user":{"name":{"first":"x"},"age":"y"}}"#,
            r#"{"email":"HASH","user":{"name":"***","age":"y"}}"#,
            r#""data":{"user":{"age":["A valid integer is required."],"name":["Not a valid string."]}},"#,
        );
        // What is in a marked value has no name either.
        check(
            r#"{"email":"a@b.example","whole":{"secret":1,"a":"secret"}}"#,
            r#"{"email":"HASH","whole":"***"}"#,
            r#""data":{"whole":["Not a valid value."]},"#,
        );
    }

    #[test]
    fn of_what_may_hold_a_marked_value_elsewhere_nothing_is_kept_but_its_size() {
        let long = format!(r#"{{"email":"a@b.example","path":"{}"}}"#, "x".repeat(70_000));
        let good = r#"{"email":"a@b.example"}"#;
        let named = [
            order("{}"),
            order(r#"{"emial":"a@b.example"}"#),
            order(r#"{"email":"a@b.example","a@b.example":1}"#),
            order(r#"{"email":"a@b.example","user":"me"}"#),
            order(r#"{"email":"a@b.example","user":["me"]}"#),
            order(r#"{"email":"a@b.example","path":{"email":"a@b.example"}}"#),
            order(&long),
            order(good).replace("\"timestamp\"", "\"email\":\"a@b.example\",\"timestamp\""),
            order(good).replace("\"s\"", "{\"email\":\"a@b.example\"}"),
            order(good).replace("\"2026-01-02\"", "[\"a@b.example\"]"),
            order(good).replace("2026-01-02", "a@b.example"),
            order(good).replace("{ \"s", "{ \"id\":\"a@b.example\",\"s"),
            order(good).replace("\"2026-01-02\"", "4000"),
        ];
        let nameless = [
            order(good).replace("\"shop\"", "\"shoe\""),
            order(good).replace("\"order\"", "{\"email\":\"a@b.example\"}"),
            "\"a@b.example\"".to_owned(),
            "[1]".to_owned(),
        ];
        let data_elsewhere = [order("\"a@b.example\""), order("[\"a@b.example\"]"), order("null")];
        for (texts, is_named) in [(&named[..], true), (&nameless, false), (&data_elsewhere, true)] {
            for text in texts {
                let row = refused(text);
                assert_eq!((row.errors.as_str(), row.body.len(), row.truncated), ("{}", 0, true), "{text:.300}");
                assert_eq!((row.session_id, row.size), (None, text.len() as u64), "{text:.300}");
                let expected = is_named.then_some(("shop", "order"));
                assert_eq!(row.category.as_deref().zip(row.name.as_deref()), expected, "{text:.300}");
            }
        }
    }

    #[test]
    fn what_was_kept_can_be_judged_again_though_marks_have_changed_it() {
        // By then the path may be longer, and tomorrow has come.
        let later = catalog(
            &TYPE.replace("\"maxLength\": 5", "\"maxLength\": 50").replace("[\"email\"]", "[\"email\", \"card\"]"),
        );
        let again = |row: &Rejected| {
            let raw = read_line(std::str::from_utf8(&row.body).unwrap()).unwrap();
            let now = Timestamp::parse("2026-02-01").unwrap();
            NewEvent::parse_kept(&raw, &Rules { now, ..rules(&later) }, &row.errors)
        };
        let row = refused(&order(r#"{"email":"a@b.example","card":1,"level":"low","path":"/too long"}"#));
        let event = again(&row).unwrap().into_event();
        assert!(String::from_utf8(row.body).unwrap().contains(&event.data), "what is kept is stored");
        // What was wrong stays wrong.
        let wrong = refused(&order(r#"{"email":"no address","level":"secret","path":"/"}"#));
        let errors = again(&wrong).unwrap_err().to_json();
        assert_eq!(errors, r#"{"data":{"email":["Enter a valid email address."],"level":["Not a valid choice."]}}"#);
        // Who has no key cannot write what is taken for a hash, and a mask is only ours in what we kept.
        let forged =
            order(r#"{"email":"eye-hash:000000000000000000000000000000000000000000000000","card":1,"level":"***"}"#);
        let raw = read_line(&forged).unwrap();
        let errors = NewEvent::parse(&raw, &rules(&later)).unwrap_err().to_json();
        assert!(errors.contains("email address") && errors.contains("choice"), "{errors}");
    }

    #[test]
    fn complaints_are_about_what_they_name_and_what_they_leave_out() {
        let check = |errors: &str, expected: bool| {
            assert_eq!(Complaints::read(errors).are_about(&["data", "user", "0"]), expected, "{errors}");
        };
        check(r#"{"data":{"user":{"0":["Not a valid string."]}}}"#, true);
        check(r#"{"data":{"user":{"0":{"name":["Not a valid string."]}}}}"#, true);
        check(r#"{"data":{"user":{"1":["Not a valid string."]}}}"#, false);
        check(r#"{"data":{"user":["This field is required."]}}"#, false);
        check(r#"{"timestamp":["timestamp must be in the past"]}"#, false);
        check(r#"{"non_field_errors":["… and 5 more errors."]}"#, true);
        check(r#"{"non_field_errors":["unknown event type: a - b"]}"#, false);
        check("{}", false);
        check("[]", true);
        check("no JSON", true);
    }
}
