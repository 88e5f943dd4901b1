//! The catalog's files, good and bad, and the messages its schemas give.

use std::fs;

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn file(category: &str, name: &str, data: &str, example: &str) -> String {
    format!(
        r#"{{"category": "{category}", "name": "{name}", "title": "A title", "example": {example}, "data": {data}}}"#
    )
}

fn problem(text: &str) -> String {
    let folder = folder(&[("bad.json", text)]);
    let error = Catalog::load(folder.path()).unwrap_err();
    assert_eq!(error.path, folder.path().join("bad.json"));
    assert!(error.to_string().contains("bad.json"));
    error.problem
}

#[test]
fn spaces_underscores_and_aliases_are_one_name() {
    let catalog = Catalog::built_in();
    for (category, name) in [
        ("page_interaction", "page_view"),
        ("page interaction", "page view"),
        ("page interaction", "pageview"),
        ("page_interaction", "pageview"),
    ] {
        assert_eq!(catalog.get(category, name).unwrap().kind.name, "page_view");
    }
    assert!(catalog.get("page_interaction", "submit").is_none());
    assert!(catalog.get("Page_Interaction", "page_view").is_none());
}

#[test]
fn a_folder_adds_and_replaces() {
    let folder = folder(&[
        ("video.json", &file("media", "video play", r#"{"required": ["title"]}"#, r#"{"title": "x"}"#)),
        ("view.json", &file("page_interaction", "pageview", "{}", "{}")),
        ("notes.txt", "not a type"),
    ]);
    let catalog = Catalog::load(folder.path()).unwrap();
    assert_eq!(catalog.get("media", "video_play").unwrap().title, "A title");
    assert_eq!(catalog.get("page_interaction", "page_view").unwrap().example, "{}");
    assert_eq!(catalog.types().count(), 4);
}

#[test]
fn a_bad_file_is_named_with_what_is_wrong() {
    let good = file("a", "b", "{}", "{}");
    for (text, expected) in [
        ("{", "expected a key in double quotes: line 1 column 2"),
        ("{}", "missing field `category`"),
        (&good.replace("title", "titel"), "unknown field `titel`"),
        (&good.replace("\"a\"", "\" \""), "`category` must have 1 to 100 characters"),
        (
            &good.replace("\"title\"", "\"aliases\": [\"pageview\"], \"title\""),
            "already stands for the name `page_view`",
        ),
        (
            &good.replace("{\"category", "{\"$schema\": \"http://json-schema.org/draft-07/schema#\", \"category"),
            "`$schema` must be",
        ),
        (&file("a", "b", "{}", "1"), "`example` must be an object"),
        (&file("a", "b", "true", "{}"), "`data` must be a JSON Schema object"),
        (&file("a", "b", r#"{"type": "objekt"}"#, "{}"), "the schema in `data` is not valid"),
        (
            &file("a", "b", r#"{"required": ["x"]}"#, "{}"),
            "`example` does not fit `data`: \"x\" is a required property",
        ),
        (&file("a", "b", r#"{"$ref": "https://example.com/schema"}"#, "{}"), "the schema in `data` is not valid"),
        (&file("a", "b", r#"{"properties": {"x": {"format": "hots"}}}"#, "{}"), "the schema in `data` is not valid"),
        (&file("a", "b", r#"{"properties": {"x": {"pattern": "(a)\\1"}}}"#, "{}"), "the schema in `data` is not valid"),
        (
            &file("a", "b", r#"{"properties": {"x": {"pattern": "(((a{100}){100}){100}){100}"}}}"#, "{}"),
            "the schema in `data` is not valid",
        ),
    ] {
        let found = problem(text);
        assert!(found.contains(expected), "{found} for {text}");
    }
}

#[test]
fn a_name_that_is_an_alias_is_an_error_whatever_the_files_are_called() {
    let aliased = file("a", "play", "{}", "{}").replace("\"title\"", "\"aliases\": [\"start\"], \"title\"");
    let named = file("b", "start", "{}", "{}");
    for names in [["1.json", "2.json"], ["2.json", "1.json"]] {
        let folder = folder(&[(names[0], &aliased), (names[1], &named)]);
        let error = Catalog::load(folder.path()).unwrap_err();
        assert!(error.problem.contains("the name `start` is an alias: it stands for `play`"), "{error}");
    }
    assert!(problem(&file("blog", "pageview", "{}", "{}")).contains("stands for `page_view`"));
}

#[test]
fn two_files_for_one_type_are_an_error() {
    let folder = folder(&[("a.json", &file("a", "b c", "{}", "{}")), ("b.json", &file("a", "b_c", "{}", "{}"))]);
    let error = Catalog::load(folder.path()).unwrap_err();
    assert!(error.problem.contains("a.json` describes the same category and name"), "{error}");
}

#[test]
fn schema_errors_come_in_drfs_words_under_their_field() {
    let schema = r#"{
        "type": "object", "required": ["need"], "additionalProperties": false, "minProperties": 3,
        "properties": {
            "need": true, "text": {"type": "string", "minLength": 2, "maxLength": 3}, "int": {"type": "integer"},
            "number": {"type": "number", "minimum": 1, "exclusiveMaximum": 2}, "flag": {"type": "boolean"},
            "list": {"type": "array", "maxItems": 1, "items": {"type": "string"}}, "object": {"type": "object"},
            "choice": {"enum": ["a", "b"]}, "pattern": {"pattern": "^x+$"}, "email": {"format": "email"},
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]}
        }
    }"#;
    let folder = folder(&[("a.json", &file("a", "b", schema, r#"{"need": 1, "text": "ab", "int": 1}"#))]);
    let catalog = Catalog::load(folder.path()).unwrap();
    let check = |data: &str, expected: &str| {
        let mut errors = Errors::default();
        catalog.get("a", "b").unwrap().check(data, &mut errors);
        assert_eq!(errors.to_json(), expected, "{data}");
    };
    let rest = r#""need": 1, "#;
    check(
        r#"{"text": "", "int": 1.5}"#,
        r#"{"data":{"int":["A valid integer is required."],"text":["This field may not be blank."],"need":["This field is required."],"non_field_errors":["This value has less than 3 properties."]}}"#,
    );
    for (field, expected) in [
        (r#""text": "a", "int": 1"#, r#""text":["Ensure this field has at least 2 characters."]"#),
        (r#""text": "abcd", "int": 1"#, r#""text":["Ensure this field has no more than 3 characters."]"#),
        (r#""text": 5, "int": 1"#, r#""text":["Not a valid string."]"#),
        (r#""text": null, "int": 1"#, r#""text":["This field may not be null."]"#),
        (r#""int": "1", "flag": true"#, r#""int":["A valid integer is required."]"#),
        (r#""number": "1", "int": 1"#, r#""number":["A valid number is required."]"#),
        (r#""number": 0, "int": 1"#, r#""number":["Ensure this value is greater than or equal to 1."]"#),
        (r#""number": 2, "int": 1"#, r#""number":["Ensure this value is less than 2."]"#),
        (r#""flag": 1, "int": 1"#, r#""flag":["Must be a valid boolean."]"#),
        (r#""list": {}, "int": 1"#, r#""list":["Expected a list of items but got type \"dict\"."]"#),
        (r#""list": ["a", "b"], "int": 1"#, r#""list":["Ensure this field has no more than 1 elements."]"#),
        (r#""list": [1], "int": 1"#, r#""list":{"0":["Not a valid string."]}"#),
        (r#""object": [], "int": 1"#, r#""object":["Expected a dictionary of items but got type \"list\"."]"#),
        (r#""choice": "c", "int": 1"#, r#""choice":["\"c\" is not a valid choice."]"#),
        (r#""choice": ["a"], "int": 1"#, r#""choice":["Not a valid choice."]"#),
        (r#""pattern": "y", "int": 1"#, r#""pattern":["This value does not match the required pattern."]"#),
        (r#""email": "y", "int": 1"#, r#""email":["Enter a valid email address."]"#),
        (
            r#""either": [], "int": 1"#,
            r#""either":["This value is not valid under any of the schemas listed in the 'anyOf' keyword."]"#,
        ),
        (r#""other": 1, "int": 1"#, r#""other":["Unknown field."]"#),
    ] {
        check(&format!("{{{rest}{field}}}"), &format!(r#"{{"data":{{{expected}}}}}"#));
    }
}

#[test]
fn a_pattern_that_backtracks_elsewhere_is_quick() {
    let schema = r#"{"properties": {"x": {"pattern": "^(a+)+$"}}}"#;
    let folder = folder(&[("a.json", &file("a", "b", schema, "{}"))]);
    let catalog = Catalog::load(folder.path()).unwrap();
    let mut errors = Errors::default();
    // On a backtracking engine this takes longer than the universe has been there.
    let data = format!(r#"{{"x": "{}!"}}"#, "a".repeat(100_000));
    catalog.get("a", "b").unwrap().check(&data, &mut errors);
    assert!(!errors.is_empty());
}

#[test]
fn names_are_read_as_those_of_events_are() {
    let separator = file("\\u001c", "b", "{}", "{}");
    assert_eq!(problem(&separator), "`category` must have 1 to 100 characters");
    let folder = folder(&[("a.json", &file("a\\u001f", "\\u001d b c", "{}", "{}"))]);
    let catalog = Catalog::load(folder.path()).unwrap();
    assert_eq!(catalog.get("a", "b c").unwrap().kind.name, "b_c");
}
