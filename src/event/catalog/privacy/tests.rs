//! What marks do to texts, and which of them are refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn hasher() -> Hasher {
    Hasher::new(&PrivacyKey::new([7; 32]))
}

fn marks(schema: &str) -> Marks {
    Marks::read(&serde_json::from_str(schema).unwrap()).unwrap().unwrap()
}

/// Applies the marks of a schema; `§VALUE§` in what is expected stands for the hash of that JSON value.
fn check(schema: &str, data: &str, expected: &str) {
    let (marks, hasher) = (marks(schema), hasher());
    let mut expected = expected.split('§').enumerate();
    let expected: String = expected
        .by_ref()
        .map(|(number, part)| match number % 2 {
            0 => part.to_owned(),
            _ => format!("\"{}\"", hasher.hash(part).unwrap()),
        })
        .collect();
    let found = marks.apply(data, Some(&hasher)).unwrap().into_owned();
    assert_eq!(found, expected, "{schema}: {data}");
    assert_eq!(marks.apply(&found, Some(&hasher)).unwrap(), found, "applied twice it is another: {data}");
}

/// A schema of `data` with one property of that schema.
fn property(schema: &str) -> String {
    format!(r#"{{"properties": {{"a": {schema}}}}}"#)
}

const DROP: &str = r#"{"x-eye-privacy": "drop"}"#;
const HASH: &str = r#"{"x-eye-privacy": "hash"}"#;
const MASK: &str = r#"{"x-eye-privacy": "mask"}"#;

#[test]
fn a_dropped_member_goes_with_its_comma() {
    for (data, expected) in [
        (r#"{"a":1}"#, "{}"),
        (r#"{"a":1,"b":2}"#, r#"{"b":2}"#),
        (r#"{"b":2,"a":1}"#, r#"{"b":2}"#),
        (r#"{"b":2,"a":1,"c":3}"#, r#"{"b":2,"c":3}"#),
        ("{ \"a\" : 1 , \"b\" : 2 }", "{ \"b\" : 2 }"),
        ("{ \"b\" : 2 , \"a\" : 1 }", "{ \"b\" : 2 }"),
        ("{\n  \"a\": [1, {\"a\": 2}],\n  \"b\": 2\n}", "{\n  \"b\": 2\n}"),
        ("{ \"a\" : 1 }", "{ }"),
        (r#"{"\u0061":1,"A":2,"a ":3}"#, r#"{"A":2,"a ":3}"#),
        (r#"{"b":{"a":1},"c":"\"a\":1,","a,":5}"#, r#"{"b":{"a":1},"c":"\"a\":1,","a,":5}"#),
        ("{}", "{}"),
    ] {
        check(&property(DROP), data, expected);
    }
    let both = r#"{"properties": {"a": {"x-eye-privacy": "drop"}, "b": {"x-eye-privacy": "drop"}, "é": {"x-eye-privacy": "mask"}}}"#;
    for (data, expected) in [
        (r#"{"a":1,"b":2}"#, "{}"),
        (r#"{"a":1,"b":2,"é":"ü","c":3}"#, r#"{"é":"***","c":3}"#),
        (r#"{"c":3 ,"a":1,"b":2}"#, r#"{"c":3}"#),
        (r#"{"a":1,"c":3,"b":2,"é":[1]}"#, r#"{"c":3,"é":"***"}"#),
    ] {
        check(both, data, expected);
    }
}

#[test]
fn a_value_is_masked_or_hashed_whatever_it_is() {
    for value in ["1", "\"x\"", "null", "true", "[1, {}]", r#"{"a": "b"}"#, r#""\u00e9\"""#, "1.10"] {
        check(&property(MASK), &format!(r#"{{"b":1.10, "a" : {value} }}"#), r#"{"b":1.10, "a" : "***" }"#);
        check(&property(HASH), &format!(r#"{{"a":{value},"b":1e1}}"#), &format!(r#"{{"a":§{value}§,"b":1e1}}"#));
    }
}

#[test]
fn marks_are_found_at_any_depth() {
    let user = r#"{"properties": {"a": {"properties": {"b": {"x-eye-privacy": "mask"}, "c": true}}}}"#;
    check(user, r#"{"a":{"b":1,"c":2},"b":3}"#, r#"{"a":{"b":"***","c":2},"b":3}"#);
    // Where the shape is another one there is nothing to be found.
    check(user, r#"{"a":["b",{"b":1}],"b":3}"#, r#"{"a":["b",{"b":1}],"b":3}"#);
    let list = property(r#"{"items": {"x-eye-privacy": "drop"}, "prefixItems": [true, {"x-eye-privacy": "mask"}]}"#);
    check(&list, r#"{"a":[1,2,3,4]}"#, r#"{"a":[1,"***"]}"#);
    check(&list, r#"{"a":[ 1 ]}"#, r#"{"a":[ 1 ]}"#);
    check(&property(r#"{"items": {"x-eye-privacy": "drop"}}"#), r#"{"a":[ 1 , [2] ],"b":[3]}"#, r#"{"a":[ ],"b":[3]}"#);
    check(
        &property(r#"{"items": {"properties": {"id": {"x-eye-privacy": "hash"}}}}"#),
        r#"{"a":[{"id":5},{"id":"5"},{"x":{"id":5}}]}"#,
        r#"{"a":[{"id":§5§},{"id":§"5"§},{"x":{"id":5}}]}"#,
    );
}

#[test]
fn names_decide_as_they_do_in_json_schema() {
    let schema = r#"{
        "properties": {"a": true, "x1": {"x-eye-privacy": "hash"}},
        "patternProperties": {"^x": {"x-eye-privacy": "mask"}, "\\d$": {"x-eye-privacy": "drop"}},
        "additionalProperties": {"x-eye-privacy": "hash"}
    }"#;
    check(schema, r#"{"a":1,"xy":2,"y1":3,"x1":4,"z":5}"#, r#"{"a":1,"xy":"***","z":§5§}"#);
    // In each schema for itself.
    let schema = r#"{"allOf": [{"properties": {"a": true}}, {"additionalProperties": {"x-eye-privacy": "mask"}}]}"#;
    check(schema, r#"{"a":1,"b":2}"#, r#"{"a":"***","b":"***"}"#);
}

#[test]
fn a_mark_of_any_alternative_counts_and_the_one_that_leaves_less() {
    let schema = property(r#"{"anyOf": [{"type": "string"}, {"type": "integer", "x-eye-privacy": "mask"}]}"#);
    check(&schema, r#"{"a":"b"}"#, r#"{"a":"***"}"#);
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let schema = property(&format!(r#"{{"{keyword}": [{MASK}, {HASH}], "x-eye-privacy": "hash"}}"#));
        check(&schema, r#"{"a":1}"#, r#"{"a":"***"}"#);
        let schema = format!(r#"{{"{keyword}": [{}, {}]}}"#, property(MASK), property(DROP));
        check(&schema, r#"{"a":1,"b":1}"#, r#"{"b":1}"#);
    }
    for keyword in ["if", "then", "else"] {
        check(&format!(r#"{{"{keyword}": {}}}"#, property(MASK)), r#"{"a":1}"#, r#"{"a":"***"}"#);
    }
    check(&format!(r#"{{"dependentSchemas": {{"b": {}}}}}"#, property(MASK)), r#"{"a":1}"#, r#"{"a":"***"}"#);
}

#[test]
fn references_are_followed_round_and_round() {
    let tree = r##"{
        "properties": {"name": {"$ref": "#/$defs/a~1b%20c"}, "children": {"items": {"$ref": "#"}}, "next": {"$dynamicRef": "#node"}},
        "$defs": {"a/b c": {"x-eye-privacy": "mask"}, "n": {"$dynamicAnchor": "node", "properties": {"id": {"$ref": "#secret"}}},
                  "s": {"$anchor": "secret", "allOf": [{"$ref": "#/$defs/s"}, {"x-eye-privacy": "hash"}]}}
    }"##;
    check(
        tree,
        r#"{"name":1,"children":[{"name":2,"children":[{"name":3,"x":4}]}],"next":{"id":5,"name":6}}"#,
        r#"{"name":"***","children":[{"name":"***","children":[{"name":"***","x":4}]}],"next":{"id":§5§,"name":6}}"#,
    );
    let deep = format!("{}1{}", "{\"children\":[".repeat(31), "]}".repeat(31));
    check(tree, &deep, &deep);
}

#[test]
fn what_can_not_be_applied_is_refused_with_its_place() {
    let refused = |schema: &str, expected: &str| {
        let problem = Marks::read(&serde_json::from_str(schema).unwrap()).unwrap_err();
        assert!(problem.contains(expected), "{problem} for {schema}");
    };
    for word in ["\"remove\"", "\"Drop\"", "true", "null", "[\"drop\"]", "{}"] {
        refused(&property(&format!(r#"{{"x-eye-privacy": {word}}}"#)), "at `/properties/a` must be \"drop\"");
    }
    refused(DROP, "not `data` itself");
    refused(r##"{"$ref": "#/$defs/a", "$defs": {"a": {"x-eye-privacy": "mask"}}}"##, "not `data` itself");
    refused(&format!(r#"{{"allOf": [{MASK}]}}"#), "not `data` itself");
    for (schema, at) in [
        (format!(r#"{{"not": {MASK}}}"#), "/properties/a/not"),
        (format!(r#"{{"contains": {MASK}}}"#), "/properties/a/contains"),
        (format!(r#"{{"propertyNames": {MASK}}}"#), "/properties/a/propertyNames"),
        (format!(r#"{{"unevaluatedProperties": {MASK}}}"#), "/properties/a/unevaluatedProperties"),
        (format!(r#"{{"unevaluatedItems": {{"items": {MASK}}}}}"#), "/properties/a/unevaluatedItems/items"),
        (format!(r#"{{"contentSchema": {MASK}}}"#), "/properties/a/contentSchema"),
        (format!(r#"{{"propertys": {{"b/c~": {MASK}}}}}"#), "/properties/a/propertys/b~1c~0"),
        (format!(r#"{{"items": [{MASK}]}}"#), "/properties/a/items/0"),
        (format!(r#"{{"$defs": {{"x": {MASK}}}}}"#), "/properties/a/$defs/x"),
    ] {
        refused(&property(&schema), &format!("at `{at}` would have no effect"));
    }
    // It would be another element's place when it is judged again.
    for items in [DROP, r##"{"$ref": "#/$defs/d"}"##, r##"{"anyOf": [{"$ref": "#/$defs/d"}, true]}"##] {
        let schema =
            format!(r#"{{"properties": {{"a": {{"prefixItems": [true, {items}]}}}}, "$defs": {{"d": {DROP}}}}}"#);
        let schema = if items == DROP { property(&format!(r#"{{"prefixItems": [{DROP}]}}"#)) } else { schema };
        refused(&schema, "drop nothing in `/properties/a/prefixItems`");
    }
    refused(
        &format!(r#"{{"properties": {{"a": {MASK}, "b": {{"$ref": "https://example.com/x"}}}}}}"#),
        "through `$ref` at `/properties/b`",
    );
    refused(
        &format!(r#"{{"properties": {{"a": {MASK}, "b": {{"$id": "https://example.com/x"}}}}}}"#),
        "`$id` in it, as at `/properties/b`",
    );
}

#[test]
fn what_is_data_or_a_name_is_no_mark() {
    for schema in [
        r#"{"properties": {"x-eye-privacy": {"type": "string"}, "properties": {"properties": {"x-eye-privacy": true}}}}"#,
        r#"{"const": {"x-eye-privacy": "drop"}, "enum": [{"x-eye-privacy": 1}], "default": {"x-eye-privacy": 1}}"#,
        r#"{"$defs": {"x-eye-privacy": {}}, "examples": [{"x-eye-privacy": "mask"}]}"#,
        // Without marks nothing else is asked of a schema.
        r#"{"properties": {"b": {"$id": "https://example.com/x"}}}"#,
    ] {
        assert!(Marks::read(&serde_json::from_str(schema).unwrap()).unwrap().is_none(), "{schema}");
    }
    check(
        r#"{"properties": {"x-eye-privacy": {"x-eye-privacy": "mask"}}}"#,
        r#"{"x-eye-privacy":1}"#,
        r#"{"x-eye-privacy":"***"}"#,
    );
}

#[test]
fn hashes_are_bounded_and_without_a_key_they_are_masks() {
    let marks = marks(&property(r#"{"items": {"x-eye-privacy": "hash"}}"#));
    let data = |items: usize| json!({ "a": vec![1; items] }).to_string();
    assert!(marks.apply(&data(1000), Some(&hasher())).is_ok());
    assert_eq!(marks.apply(&data(1001), Some(&hasher())), Err(TooMany));
    assert_eq!(marks.apply(&data(2), None).unwrap(), r#"{"a":["***","***"]}"#);
}

/// Any JSON, with names that are marked in some places.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("a number", |number| number.is_finite()).prop_map(Value::from),
        "[a-d\"\\\\é,:{}\\[\\]]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-fé]", inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What the marks of `MODEL` make of a value, said in another way.
fn expected(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("a");
            for (name, value) in fields {
                match name.as_str() {
                    "b" => *value = "***".into(),
                    "c" => *value = hasher().hash(&value.to_string()).unwrap_or_default().into(),
                    _ => expected(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(expected),
        _ => (),
    }
}

const MODEL: &str = r##"{
    "$ref": "#/$defs/v",
    "$defs": {"v": {
        "properties": {"a": {"x-eye-privacy": "drop"}, "b": {"x-eye-privacy": "mask"}, "c": {"x-eye-privacy": "hash"}},
        "additionalProperties": {"$ref": "#/$defs/v"}, "items": {"$ref": "#/$defs/v"}
    }}
}"##;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_marked_is_changed_and_all_else_is_as_before(value in prop::collection::btree_map("[a-fé]", value(), 0..5), pretty: bool) {
        let mut value = Value::Object(value.into_iter().collect());
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let hasher = hasher();
        let found = marks(MODEL).apply(&text, Some(&hasher)).unwrap().into_owned();
        expected(&mut value);
        prop_assert_eq!(&serde_json::from_str::<Value>(&found).unwrap(), &value, "{}", text);
        if !pretty {
            // Members are sorted in both, so that the text itself has to be the same.
            prop_assert_eq!(found, value.to_string());
        }
    }

    #[test]
    fn what_has_no_mark_is_the_same_text(value in prop::collection::btree_map("[d-fé]", value(), 0..5), pretty: bool) {
        let value = Value::Object(value.into_iter().map(|(name, value)| (name, without(value))).collect());
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let marks = marks(MODEL);
        let found = marks.apply(&text, Some(&hasher())).unwrap();
        prop_assert!(matches!(found, std::borrow::Cow::Borrowed(_)), "{}", found);
        prop_assert_eq!(&*found, &text);
    }
}

/// A value without the names that are marked.
fn without(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| !"abc".contains(name.as_str()))
            .map(|(name, value)| (name, without(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without).collect(),
        other => other,
    }
}
