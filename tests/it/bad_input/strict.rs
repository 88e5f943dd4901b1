//! JSON that is none, or not strict.

use super::*;
use crate::support::TestEye;

/// A submitted form, in which `form` is this text.
pub fn submit(form: &str) -> String {
    let head = r#"{"session_id":"a","category":"form_interaction","name":"submit","timestamp":"2026-05-01","#;
    format!(r#"{head}"data":{{"host":"a.example","path":"/","form":{form}}}}}"#)
}

/// Where `form` begins in it, counted from 1.
pub fn form_column() -> usize {
    submit("\u{1}").find('\u{1}').unwrap() + 1
}

#[tokio::test]
async fn json_is_strict() {
    let at = form_column();
    let (open, close) = ("[".repeat(63), "]".repeat(63));
    let object_depth = format!("{}1{}", r#"{"a":"#.repeat(63), "}".repeat(63));
    let mut rows: Vec<Row> = [
        ("", "expected a value", 1, 1),
        (" \n\t", "expected a value", 2, 2),
        ("\u{feff}{}", "expected a value", 1, 1),
        ("{", "expected a key in double quotes", 1, 2),
        ("{\"a\"", "expected `:`", 1, 5),
        ("{\"a\":", "expected a value", 1, 6),
        ("{\"a\":1", "expected `,` or `}`", 1, 7),
        ("{\"a\":1,}", "expected a key in double quotes", 1, 8),
        ("{'a':1}", "expected a key in double quotes", 1, 2),
        ("{a:1}", "expected a key in double quotes", 1, 2),
        ("{\"a\":\"", "the string has no end", 1, 7),
        ("{} {}", "expected nothing after the value", 1, 4),
        ("{}x", "expected nothing after the value", 1, 3),
        ("{}\n\n// a comment", "expected nothing after the value", 3, 1),
        ("{\n \"a\": 1,\n \"é😀\": x\n}", "expected a value", 3, 8),
        ("{\n\n\n\n\n\n: }", "expected a key in double quotes", 7, 1),
        ("[{},]", "expected a value", 1, 5),
        ("[{}", "expected `,` or `]`", 1, 4),
        ("[{} {}]", "expected `,` or `]`", 1, 5),
        ("True", "expected a value", 1, 1),
        ("nul", "expected a value", 1, 1),
        ("NaN", "expected a value", 1, 1),
        ("session_id=a", "expected a value", 1, 1),
        ("{\"a\":1,\"a\":1}", "duplicate key `a`", 1, 8),
        ("[{\"a\":1,\"a\":1}]", "duplicate key `a`", 1, 9),
        ("{\"session_id\":1,\"session\\u005fid\":2}", "duplicate key `session_id`", 1, 17),
        ("{\"\\u0000\":1}", "NUL character in a string", 1, 3),
    ]
    .map(|(text, what, line, column)| (sent(text), 400, parse_error(what, line, column)))
    .into();
    for (form, what, column) in [
        (r#"{"a":{"b":1,"b":2}}"#, "duplicate key `b`", 12),
        (r#"[[{"b":1,"c":{},"b":2}]]"#, "duplicate key `b`", 16),
        (r#"{"a":1,"\u0061":2}"#, "duplicate key `a`", 7),
        (r#""\ud800""#, "lone surrogate in a string", 1),
        (r#""\udc00""#, "lone surrogate in a string", 1),
        (r#""x\ud83dx""#, "lone surrogate in a string", 2),
        (r#""\ud83d\ud83d""#, "lone surrogate in a string", 1),
        (r#"{"\ude00":1}"#, "lone surrogate in a string", 2),
        (r#""\u0000""#, "NUL character in a string", 1),
        (r#""a\u0000b""#, "NUL character in a string", 2),
        (r#""\x41""#, "invalid escape in a string", 1),
        (r#""\u12g4""#, "invalid escape in a string", 1),
        ("\"\0\"", "control character in a string", 1),
        ("\"a\tb\"", "control character in a string", 2),
        ("1e400", "number out of the range of a double", 0),
        ("-1e309", "number out of the range of a double", 0),
        ("[1,1.0E+999999999999]", "number out of the range of a double", 3),
        (&"9".repeat(400), "number out of the range of a double", 0),
        ("01", "number with a leading zero", 0),
        ("-01", "number with a leading zero", 0),
        ("1.", "expected a digit", 2),
        ("-", "expected a digit", 1),
        ("+1", "expected a value", 0),
        (".5", "expected a value", 0),
        ("0x10", "expected `,` or `}`", 1),
        ("Infinity", "expected a value", 0),
        (&format!("{open}{close}"), "nested deeper than 64 levels", 62),
        (&object_depth, "nested deeper than 64 levels", 62 * 5),
    ] {
        rows.push((sent(submit(form)), 400, parse_error(what, 1, at + column)));
        // In a batch the event begins one character later; the event itself is still level 1.
        rows.push((sent(format!("[{}]", submit(form))), 400, parse_error(what, 1, at + column + 1)));
    }
    for (bytes, line, column) in [
        (&b"{\"a\":\"\xff\"}"[..], 1, 7),
        (b"{\n\"\xc3\xa9\xc0\x80\"}", 2, 3),
        (b"\xed\xa0\x80", 1, 1),
        (b"\xff\xfe{\0}\0", 1, 1),
    ] {
        rows.push((sent(bytes), 400, parse_error("invalid UTF-8", line, column)));
        rows.push((typed("text/plain", bytes), 400, parse_error("invalid UTF-8", line, column)));
    }
    check_refused(&rows).await;
}

#[tokio::test]
async fn json_at_the_limits_is_not_refused() {
    let eye = TestEye::start().await;
    let deep = format!("{}{}", "[".repeat(62), "]".repeat(62));
    for form in [&deep, r#""\ud83d\ude00\u00e9""#, "1e308", "-1e-400", "18446744073709551616", r#"[{"a":1},{"a":1}]"#] {
        eye.post(&submit(form)).await.expect(201);
        eye.post(&format!("[{}]", submit(form))).await.expect(201);
    }
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let not = |name: &str| match name {
        "NoneType" => whole("No data provided"),
        name => whole(&format!("Invalid data. Expected a dictionary, but got {name}.")),
    };
    let row = |name: &str| {
        let errors = not(name);
        format!(r#"{{"accepted":0,"rejected":1,"results":[{{"index":0,"errors":{errors}}}]}}"#)
    };
    let mut rows = Vec::new();
    for (text, name) in
        [("\"text\"", "str"), ("5", "int"), ("1.5", "float"), ("1e2", "float"), ("true", "bool"), ("null", "NoneType")]
    {
        rows.push((sent(text), 400, not(name)));
        rows.push((sent(format!("[{text}]")), 400, row(name)));
        rows.push((typed("application/x-ndjson", text), 400, row(name)));
    }
    rows.push((sent("[[]]"), 400, row("list")));
    rows.push((typed("application/x-ndjson", "[]"), 400, row("list")));
    for empty in ["[]", " [ ] "] {
        rows.push((sent(empty), 400, whole("This list may not be empty.")));
    }
    for empty in ["", "\n", " \r\n\n\t"] {
        rows.push((typed("application/x-ndjson", empty), 400, whole("This list may not be empty.")));
    }
    check_refused(&rows).await;
}
