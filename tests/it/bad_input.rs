//! Everything that has to be refused, each with its exact answer. After each table nothing may be
//! stored, and the server has to be as well as before.

use std::io::Write;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestEye, page_view, page_view_with};

const REQUIRED: &str = "This field is required.";
const NULL: &str = "This field may not be null.";
const BLANK: &str = "This field may not be blank.";
const NOT_A_STRING: &str = "Not a valid string.";
const NOT_A_UUID: &str = "Must be a valid UUID.";
const UNKNOWN: &str = "Unknown field.";
const BAD_DATETIME: &str =
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
const BAD_HOST: &str = "Enter a valid host name or IP address.";
const PARAMETERS: &str = "Unknown parameter. Expected one of: session_id, category, name, start_time, end_time, \
                          order, page, page_size, cursor, format.";

/// A request, and the status and the body that answer it.
type Row = (Input, u16, String);

struct Input {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn typed(content_type: &str, body: impl Into<Vec<u8>>) -> Input {
    let headers = vec![("content-type", content_type.to_owned())];
    Input { method: Method::POST, path: "/events".to_owned(), headers, body: body.into() }
}

fn sent(body: impl Into<Vec<u8>>) -> Input {
    typed("application/json", body)
}

fn encoded(encoding: &str, body: Vec<u8>) -> Input {
    let mut input = sent(body);
    input.headers.push(("content-encoding", encoding.to_owned()));
    input
}

fn asked(path: &str) -> Input {
    Input { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
}

fn with(changes: &Value) -> Input {
    sent(page_view_with(changes).to_string())
}

fn without(key: &str) -> Input {
    let mut event = page_view();
    event.as_object_mut().unwrap().remove(key);
    sent(event.to_string())
}

fn field(name: &str, message: &str) -> String {
    json!({ name: [message] }).to_string()
}

fn in_data(name: &str, message: &str) -> String {
    json!({ "data": { name: [message] } }).to_string()
}

fn whole(message: &str) -> String {
    field("non_field_errors", message)
}

fn detail(message: &str) -> String {
    json!({ "detail": message }).to_string()
}

fn parse_error(what: &str, line: usize, column: usize) -> String {
    detail(&format!("JSON parse error - {what}: line {line} column {column}"))
}

fn not_a_dict(python_type: &str) -> String {
    field("data", &format!("Expected a dictionary of items but got type \"{python_type}\"."))
}

/// Says what is wrong with an answer, so that one run shows all rows that are.
async fn check(eye: &TestEye, (input, status, expected): &Row) -> Option<String> {
    let headers: Vec<_> = input.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = eye.request(input.method.clone(), &input.path, &headers, input.body.clone()).await;
    let body = String::from_utf8_lossy(&input.body[..input.body.len().min(300)]).into_owned();
    (answer.status != *status || answer.text != *expected).then(|| {
        format!(
            "{} {:.150} {headers:?} {body}\n  expected {status} {expected}\n  found    {} {:.1000}",
            input.method, input.path, answer.status, answer.text
        )
    })
}

async fn check_all(eye: &TestEye, rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(check(eye, row).await);
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// A 4xx was never stored, and the next one is served as if nothing had been.
async fn check_unharmed(eye: &TestEye) {
    eye.drain().await;
    let none = r#"{"count":0,"next":null,"previous":null,"next_cursor":null,"results":[]}"#;
    assert_eq!(eye.get("/events").await.expect(200).text, none);
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}

async fn check_refused(rows: &[Row]) {
    let eye = TestEye::start().await;
    check_all(&eye, rows).await;
    check_unharmed(&eye).await;
}

#[tokio::test]
async fn fields_are_refused_in_drfs_words() {
    let all = ["session_id", "category", "name", "data", "timestamp"];
    let each: Vec<_> = all.iter().map(|name| format!("\"{name}\":[\"{REQUIRED}\"]")).collect();
    let mut rows = vec![(sent("{}"), 400, format!("{{{}}}", each.join(",")))];
    for name in all {
        rows.push((without(name), 400, field(name, REQUIRED)));
        rows.push((with(&json!({ name: null })), 400, field(name, NULL)));
    }
    for (name, most) in [("session_id", 255), ("category", 100), ("name", 100)] {
        for blank in ["", " ", " \t\r\n ", "\u{a0}\u{2003}"] {
            rows.push((with(&json!({ name: blank })), 400, field(name, BLANK)));
        }
        for other in [json!(true), json!(false), json!(["a"]), json!({ "a": 1 })] {
            rows.push((with(&json!({ name: other })), 400, field(name, NOT_A_STRING)));
        }
        let too_long = format!("Ensure this field has no more than {most} characters.");
        for character in ["a", "é", "😀"] {
            rows.push((with(&json!({ name: character.repeat(most + 1) })), 400, field(name, &too_long)));
        }
        let digits = format!("{{\"{name}\":{}", "1".repeat(most + 1));
        let mut event = page_view();
        event.as_object_mut().unwrap().remove(name);
        rows.push((sent(event.to_string().replacen('{', &format!("{digits},"), 1)), 400, field(name, &too_long)));
    }
    rows.push((with(&json!({ "data": true })), 400, not_a_dict("bool")));
    rows.push((with(&json!({ "data": [] })), 400, not_a_dict("list")));
    rows.push((with(&json!({ "data": 5 })), 400, not_a_dict("int")));
    rows.push((with(&json!({ "data": 1.5 })), 400, not_a_dict("float")));
    rows.push((with(&json!({ "data": "" })), 400, not_a_dict("str")));
    rows.push((with(&json!({ "data": "{}" })), 400, not_a_dict("str")));
    rows.push((with(&json!({ "id": null })), 400, field("id", NULL)));
    for id in [json!(""), json!(" "), json!("abc"), json!(5), json!(true), json!([]), json!({})] {
        rows.push((with(&json!({ "id": id })), 400, field("id", NOT_A_UUID)));
    }
    for id in [
        "0190b0e5-0000-7000-8000-00000000000",
        "0190b0e5-0000-7000-8000-0000000000000",
        "g190b0e5-0000-7000-8000-000000000000",
    ] {
        rows.push((with(&json!({ "id": id })), 400, field("id", NOT_A_UUID)));
    }
    rows.push((with(&json!({ "user": 1 })), 400, field("user", UNKNOWN)));
    rows.push((with(&json!({ "Timestamp": "2026-05-01" })), 400, field("Timestamp", UNKNOWN)));
    rows.push((with(&json!({ "": 1 })), 400, field("", UNKNOWN)));
    rows.push((with(&json!({ "received_at": "2026-05-01" })), 400, field("received_at", UNKNOWN)));
    rows.push((
        sent(r#"{"b":1,"a":2,"id":"x","name":null,"category":true,"session_id":"","data":[],"timestamp":1}"#),
        400,
        format!(
            r#"{{"session_id":["{BLANK}"],"category":["{NOT_A_STRING}"],"name":["{NULL}"],"data":["Expected a dictionary of items but got type \"list\"."],"timestamp":["{BAD_DATETIME}"],"id":["{NOT_A_UUID}"],"b":["{UNKNOWN}"],"a":["{UNKNOWN}"]}}"#
        ),
    ));
    check_refused(&rows).await;
}

#[tokio::test]
async fn timestamps_that_are_none_are_refused() {
    let mut rows = Vec::new();
    for text in [
        "",
        " ",
        "now",
        "2026",
        "2026-05",
        "2026-05-01 ",
        " 2026-05-01",
        "2026-05-01T",
        "2026-05-01T09:",
        "2026-02-29",
        "2026-02-30T10:00:00Z",
        "2026-13-01",
        "2026-00-01",
        "2026-04-31",
        "2026-05-00",
        "2026-05-01T24:00:00Z",
        "2026-05-01T23:60:00Z",
        "2026-05-01T23:59:60Z",
        "2026-05-01T10:00:00.Z",
        "2026-05-01T10:00:00+24:00",
        "2026-05-01T10:00:00+5",
        "2026-05-01T10:00:00 UTC",
        "2026-05-01T10:00:00ZZ",
        "2026/05/01",
        "01.05.2026",
        "0000-01-01",
        "10000-01-01",
        "-2026-05-01",
        "0001-01-01T00:00:00+00:01",
        "1780315200",
    ] {
        rows.push((with(&json!({ "timestamp": text })), 400, field("timestamp", BAD_DATETIME)));
        let value: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        if !text.is_empty() {
            rows.push((asked(&format!("/events?start_time={value}")), 400, field("start_time", BAD_DATETIME)));
            rows.push((asked(&format!("/rejected?end_time={value}")), 400, field("end_time", BAD_DATETIME)));
        }
    }
    for other in [json!(true), json!(1_780_315_200), json!(1.5), json!([]), json!({})] {
        rows.push((with(&json!({ "timestamp": other })), 400, field("timestamp", BAD_DATETIME)));
    }
    for ahead in
        ["2026-06-01T12:00:05.000001Z", "2026-06-01T14:00:05.000001+02:00", "2026-06-02", "9999-12-31T23:59:59Z"]
    {
        rows.push((with(&json!({ "timestamp": ahead })), 400, field("timestamp", "timestamp must be in the past")));
    }
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_timestamp_at_the_tolerance_is_not_ahead() {
    let eye = TestEye::start().await;
    for timestamp in ["2026-06-01T12:00:05Z", "2026-06-01T12:00:05.0000009Z", "0001-01-01"] {
        eye.post(&page_view_with(&json!({ "timestamp": timestamp })).to_string()).await.expect(201);
    }
    let eye = TestEye::with(|config| config.clock_tolerance = std::time::Duration::from_secs(60)).await;
    eye.post(&page_view_with(&json!({ "timestamp": "2026-06-01T12:01:00Z" })).to_string()).await.expect(201);
    let ahead = page_view_with(&json!({ "timestamp": "2026-06-01T12:01:00.000001Z" })).to_string();
    assert_eq!(eye.post(&ahead).await.expect(400).text, field("timestamp", "timestamp must be in the past"));
}

#[tokio::test]
async fn data_is_held_against_its_type() {
    let mut rows = Vec::new();
    let required = |names: &[&str]| {
        let each: Vec<_> = names.iter().map(|name| format!("\"{name}\":[\"{REQUIRED}\"]")).collect();
        format!("{{\"data\":{{{}}}}}", each.join(","))
    };
    for (category, name, fields, valid) in [
        ("page_interaction", "page_view", &["host", "path"][..], json!({ "host": "a.example", "path": "/" })),
        ("page interaction", "pageview", &["host", "path"], json!({ "host": "a.example", "path": "/" })),
        (
            "page_interaction",
            "cta_click",
            &["host", "path", "element"],
            json!({ "host": "a.example", "path": "/", "element": "buy" }),
        ),
        (
            "form_interaction",
            "submit",
            &["host", "path", "form"],
            json!({ "host": "a.example", "path": "/", "form": null }),
        ),
    ] {
        let event = |data: &Value| with(&json!({ "category": category, "name": name, "data": data }));
        let changed = |key: &str, value: Value| {
            let mut data = valid.clone();
            data[key] = value;
            event(&data)
        };
        rows.push((event(&json!({})), 400, required(fields)));
        for missing in fields {
            let mut data = valid.clone();
            data.as_object_mut().unwrap().remove(*missing);
            rows.push((event(&data), 400, in_data(missing, REQUIRED)));
        }
        for (key, most) in [("host", 255), ("path", 2048), ("element", 255)] {
            if !fields.contains(&key) {
                rows.push((changed(key, json!("x")), 400, in_data(key, UNKNOWN)));
                continue;
            }
            rows.push((changed(key, json!("")), 400, in_data(key, BLANK)));
            rows.push((changed(key, Value::Null), 400, in_data(key, NULL)));
            for other in [json!(5), json!(true), json!(["/"]), json!({})] {
                rows.push((changed(key, other), 400, in_data(key, NOT_A_STRING)));
            }
            // The longest host there is: a scheme and a name of one-letter labels.
            let long = match key {
                "host" => format!("https://{}aa", "a.".repeat(123)),
                _ => "é".repeat(most + 1),
            };
            let message = format!("Ensure this field has no more than {most} characters.");
            rows.push((changed(key, json!(long)), 400, in_data(key, &message)));
        }
        for host in
            [" ", "example com", "example.com/path", "ftp://example.com", "-.example", "a.example:65536", "<script>"]
        {
            rows.push((changed("host", json!(host)), 400, in_data("host", BAD_HOST)));
        }
        rows.push((changed("extra", json!(1)), 400, in_data("extra", UNKNOWN)));
        rows.push((changed("Host", json!("a.example")), 400, in_data("Host", UNKNOWN)));
    }
    rows.push((
        sent(r#"{"session_id":"a","category":"page_interaction","name":"page_view","data":{"path":5,"extra":1}}"#),
        400,
        format!(
            r#"{{"data":{{"extra":["{UNKNOWN}"],"path":["{NOT_A_STRING}"],"host":["{REQUIRED}"]}},"timestamp":["{REQUIRED}"]}}"#
        ),
    ));
    check_refused_in_any_order(&rows).await;
}

/// Which of two errors in `data` comes first is nobody's business: these are compared as values.
async fn check_refused_in_any_order(rows: &[Row]) {
    let eye = TestEye::start().await;
    let (last, rest) = rows.split_last().unwrap();
    check_all(&eye, rest).await;
    let answer = eye.post(std::str::from_utf8(&last.0.body).unwrap()).await.expect(400);
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&last.2).unwrap());
    check_unharmed(&eye).await;
}

#[tokio::test]
async fn unknown_types_are_refused() {
    let unknown = |category: &str, name: &str| whole(&format!("unknown event type: {category} - {name}"));
    let pair = |category: Value, name: Value| with(&json!({ "category": category, "name": name }));
    let rows = [
        (pair(json!("page_interaction"), json!("submit")), 400, unknown("page_interaction", "submit")),
        (pair(json!("form interaction"), json!("page view")), 400, unknown("form_interaction", "page_view")),
        (pair(json!("Page_Interaction"), json!("page_view")), 400, unknown("Page_Interaction", "page_view")),
        (pair(json!("page_interaction"), json!("PageView")), 400, unknown("page_interaction", "PageView")),
        (pair(json!("a"), json!("b")), 400, unknown("a", "b")),
        (pair(json!(1), json!("page_view")), 400, unknown("1", "page_view")),
        (pair(json!("page_interaction"), json!(1.5)), 400, unknown("page_interaction", "1.5")),
        (pair(json!("<script>"), json!("\"")), 400, unknown("<script>", "\"")),
        (
            with(&json!({ "name": "nothing", "session_id": "", "data": [] })),
            400,
            format!(
                r#"{{"session_id":["{BLANK}"],"data":["Expected a dictionary of items but got type \"list\"."],"non_field_errors":["unknown event type: page_interaction - nothing"]}}"#
            ),
        ),
        // What data must be is not known here, but it has to be an object all the same.
        (with(&json!({ "name": "nothing", "data": { "any": 1 } })), 400, unknown("page_interaction", "nothing")),
    ];
    check_refused(&rows).await;
}

/// A submitted form, in which `form` is this text.
fn submit(form: &str) -> String {
    let head = r#"{"session_id":"a","category":"form_interaction","name":"submit","timestamp":"2026-05-01","#;
    format!(r#"{head}"data":{{"host":"a.example","path":"/","form":{form}}}}}"#)
}

/// Where `form` begins in it, counted from 1.
fn form_column() -> usize {
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

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn brotli(text: &str) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 20);
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn types_and_encodings_that_are_not_read_are_a_415() {
    let event = page_view().to_string();
    let mut rows = Vec::new();
    for content_type in [
        "text/html",
        "application/xml",
        "application/jsonx",
        "application/json2; charset=utf-8",
        "image/png",
        "json",
        "*/*",
        "",
        "multipart/mixed; boundary=x",
    ] {
        let message = format!("Unsupported media type \"{content_type}\" in request.");
        rows.push((typed(content_type, event.as_str()), 415, detail(&message)));
    }
    let none = Input { headers: Vec::new(), ..sent(event.as_str()) };
    rows.push((none, 415, detail("Unsupported media type \"\" in request.")));
    for encoding in ["compress", "gzip2", "*", "sdch"] {
        let message = format!("Unsupported content encoding \"{encoding}\" in request.");
        rows.push((encoded(encoding, gzip(&event)), 415, detail(&message)));
    }
    rows.push((
        encoded("gzip, compress", gzip(&event)),
        415,
        detail("Unsupported content encoding \"compress\" in request."),
    ));
    for (encoding, whole) in [
        ("gzip", gzip(&event)),
        ("deflate", deflate(&event)),
        ("br", brotli(&event)),
        ("zstd", zstd::encode_all(event.as_bytes(), 1).unwrap()),
    ] {
        let broken = detail(&format!("The body is not valid {encoding}."));
        // All of the event is there, but the end of the stream is not.
        rows.push((encoded(encoding, whole[..whole.len() - 1].to_vec()), 400, broken.clone()));
        rows.push((encoded(encoding, whole[..whole.len() / 2].to_vec()), 400, broken.clone()));
        rows.push((encoded(encoding, event.as_bytes().to_vec()), 400, broken));
    }
    let garbage = [gzip(&event), b"garbage".to_vec()].concat();
    rows.push((encoded("gzip", garbage), 400, detail("The body is not valid gzip.")));
    let mut checksum = gzip(&event);
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    rows.push((encoded("gzip", checksum), 400, detail("The body is not valid gzip.")));
    rows.push((encoded("gzip", gzip("{")), 400, parse_error("expected a key in double quotes", 1, 2)));
    check_refused(&rows).await;
}

#[tokio::test]
async fn forms_are_held_to_the_same_rules() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let start = "session_id=a&category=page_interaction&name=page_view&timestamp=2026-05-01";
    let valid = format!("{start}&data=%7B%22host%22%3A%22a.example%22%2C%22path%22%3A%22%2F%22%7D");
    let not_json = || field("data", "Value must be valid JSON.");
    let mut rows = vec![
        (typed(FORM, start), 400, field("data", REQUIRED)),
        (typed(FORM, format!("{start}&data=")), 400, not_json()),
        (typed(FORM, format!("{start}&data=x")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B%7D+x")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B%22a%22:1,%22a%22:1%7D")), 400, not_json()),
        (typed(FORM, format!("{start}&data=[]")), 400, not_a_dict("list")),
        (typed(FORM, format!("{start}&data=%22x%22")), 400, not_a_dict("str")),
        (typed(FORM, format!("{start}&data=null")), 400, field("data", NULL)),
        (typed(FORM, format!("{valid}&name=page_view")), 400, detail("Form parse error - duplicate field `name`")),
        (typed(FORM, format!("{valid}&data=%7B%7D")), 400, detail("Form parse error - duplicate field `data`")),
        (typed(FORM, format!("{valid}&id=%FF")), 400, detail("Form parse error - a field is not valid UTF-8")),
        (typed(FORM, format!("{valid}&id=a%00")), 400, detail("Form parse error - NUL character in a field")),
        (typed(FORM, format!("{valid}&id=abc")), 400, field("id", NOT_A_UUID)),
        (typed(FORM, format!("{valid}&csrf=abc")), 400, field("csrf", UNKNOWN)),
        (typed(FORM, valid.replace("session_id=a", "session_id=++")), 400, field("session_id", BLANK)),
        (typed(FORM, valid.replace("2026-05-01", "2026-02-30")), 400, field("timestamp", BAD_DATETIME)),
        (typed(FORM, valid.replace("page_view", "x")), 400, whole("unknown event type: page_interaction - x")),
    ];
    let each: Vec<_> = ["session_id", "category", "name", "data", "timestamp"]
        .iter()
        .map(|name| format!("\"{name}\":[\"{REQUIRED}\"]"))
        .collect();
    rows.push((typed(FORM, ""), 400, format!("{{{}}}", each.join(","))));
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts =
        [("session_id", "a"), ("category", "page_interaction"), ("name", "page_view"), ("timestamp", "2026-05-01")]
            .map(|(name, value)| part(name, value))
            .concat();
    const MULTIPART: &str = "multipart/form-data; boundary=x";
    rows.push((typed(MULTIPART, format!("{parts}--x--\r\n")), 400, field("data", REQUIRED)));
    rows.push((typed(MULTIPART, format!("{parts}{}--x--\r\n", part("data", "x"))), 400, not_json()));
    rows.push((
        typed(MULTIPART, format!("{parts}{}--x--\r\n", part("name", "x"))),
        400,
        detail("Form parse error - duplicate field `name`"),
    ));
    rows.push((
        typed("multipart/form-data", format!("{parts}--x--\r\n")),
        400,
        detail("Multipart form parse error - Invalid boundary in multipart: None"),
    ));
    // Cut off: the last part has no end, so nobody knows whether all of it is there.
    rows.push((
        typed(MULTIPART, format!("{parts}{}", part("data", r#"{"host":"a.example","path":"/"}"#))),
        400,
        detail("Multipart form parse error - field \"data\" received with incomplete data"),
    ));
    check_refused(&rows).await;
}

#[tokio::test]
async fn over_a_limit_is_a_413() {
    let event = page_view().to_string();
    let large_event = submit(&format!("\"{}\"", "x".repeat(1 << 20)));
    let too_large = || detail("An event is larger than 1048576 bytes (EYE_MAX_EVENT).");
    let too_many = || detail("The batch has more than 10000 events.");
    let rows = [
        (sent(large_event.as_str()), 413, too_large()),
        (sent(format!("[{event},{large_event}]")), 413, too_large()),
        (typed("application/x-ndjson", format!("{event}\n{large_event}\n")), 413, too_large()),
        (sent(" ".repeat((16 << 20) + 1)), 413, detail("The body is larger than 16777216 bytes (EYE_MAX_BODY).")),
        (sent(format!("[{}]", vec![event.as_str(); 10_001].join(","))), 413, too_many()),
        (typed("application/x-ndjson", format!("{event}\n").repeat(10_001)), 413, too_many()),
    ];
    check_refused(&rows).await;
}

#[tokio::test]
async fn parameters_are_held_to_their_rules() {
    let id = "0190b0e5-0000-7000-8000-000000000000";
    let choice = |name: &str, value: &str| field(name, &format!("\"{value}\" is not a valid choice."));
    let once = "This parameter may be given only once.";
    let invalid_page = || detail("Invalid page.");
    let mut rows = Vec::new();
    for list in ["/events", "/events/", "/events.json", "/rejected", "/rejected/"] {
        for (query, status, expected) in [
            ("foo=1", 400, field("foo", PARAMETERS)),
            ("foo", 400, field("foo", PARAMETERS)),
            ("Session_id=a", 400, field("Session_id", PARAMETERS)),
            ("sesion_id=a", 400, field("sesion_id", PARAMETERS)),
            ("id=1", 400, field("id", PARAMETERS)),
            ("foo=1&bar=2", 400, format!(r#"{{"foo":["{PARAMETERS}"],"bar":["{PARAMETERS}"]}}"#)),
            ("session_id=a&session_id=b", 400, field("session_id", once)),
            ("session_id=a&session_id=a", 400, field("session_id", once)),
            ("session_id=&session_id=a", 400, field("session_id", once)),
            ("page=1&page=1", 400, field("page", once)),
            ("format=json&format=json", 400, field("format", once)),
            ("session_id=%00", 400, field("session_id", "Null characters are not allowed.")),
            ("name=a%00b", 400, field("name", "Null characters are not allowed.")),
            ("session_id=%FF", 400, field("session_id", "Not valid UTF-8.")),
            ("category=%C0%80", 400, field("category", "Not valid UTF-8.")),
            ("page=0", 404, invalid_page()),
            ("page=-1", 404, invalid_page()),
            ("page=2", 404, invalid_page()),
            ("page=9223372036854775808", 404, invalid_page()),
            ("page=99999999999999999999999", 404, invalid_page()),
            ("page=abc", 404, invalid_page()),
            ("page=1.5", 404, invalid_page()),
            ("page=first", 404, invalid_page()),
            ("page_size=0", 400, field("page_size", "Ensure this value is greater than or equal to 1.")),
            ("page_size=-1", 400, field("page_size", "Ensure this value is greater than or equal to 1.")),
            ("page_size=1001", 400, field("page_size", "Ensure this value is less than or equal to 1000.")),
            ("page_size=x", 400, field("page_size", "A valid integer is required.")),
            ("page_size=1.5", 400, field("page_size", "A valid integer is required.")),
            ("order=up", 400, choice("order", "up")),
            ("order=ASC", 400, choice("order", "ASC")),
            ("order=-timestamp", 400, choice("order", "-timestamp")),
            ("format=xml", 400, choice("format", "xml")),
            (
                "start_time=2026-05-02&end_time=2026-05-01",
                400,
                field("start_time", "start_time must not be after end_time."),
            ),
            ("start_time=yesterday", 400, field("start_time", BAD_DATETIME)),
            ("end_time=1780315200", 400, field("end_time", BAD_DATETIME)),
            (
                "start_time=a&end_time=b",
                400,
                format!(r#"{{"start_time":["{BAD_DATETIME}"],"end_time":["{BAD_DATETIME}"]}}"#),
            ),
            ("cursor=x", 400, field("cursor", "Invalid cursor.")),
            ("cursor=e30", 400, field("cursor", "Invalid cursor.")),
            ("cursor=%7B%7D", 400, field("cursor", "Invalid cursor.")),
            (
                "page_size=x&order=x&format=x",
                400,
                r#"{"format":["\"x\" is not a valid choice."],"order":["\"x\" is not a valid choice."],"page_size":["A valid integer is required."]}"#.to_owned(),
            ),
        ] {
            // That list has a filter more.
            let expected = match list.starts_with("/rejected") {
                true => expected.replace("category, name, start_time", "category, name, reason, start_time"),
                false => expected,
            };
            rows.push((asked(&format!("{list}?{query}")), status, expected));
        }
    }
    for one in ["/events", "/rejected"] {
        rows.push((asked(&format!("{one}/{id}")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/{id}/")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/abc")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/%FF")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/%00")), 404, detail("Not found.")));
        let only = field("session_id", "Unknown parameter. Expected one of: format.");
        rows.push((asked(&format!("{one}/{id}?session_id=a")), 400, only));
    }
    rows.push((asked("/nothing"), 404, detail("Not found.")));
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_request_that_contradicts_its_cursor_is_refused() {
    let eye = TestEye::start().await;
    for day in 1..4 {
        eye.post(&page_view_with(&json!({ "timestamp": format!("2026-05-0{day}") })).to_string()).await.expect(201);
    }
    eye.drain().await;
    let query = "page_size=1&session_id=a-session&category=page%20interaction&name=pageview\
                 &start_time=2026-05-01&end_time=2026-05-09&order=asc";
    let cursor = eye.get(&format!("/events?{query}")).await.expect(200).json()["next_cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let contradicts = "This contradicts the cursor.";
    let mut rows = Vec::new();
    for (name, value) in [
        ("session_id", "b"),
        ("category", "form_interaction"),
        ("name", "submit"),
        ("start_time", "2026-05-02"),
        ("end_time", "2026-05-08"),
        ("order", "desc"),
    ] {
        rows.push((asked(&format!("/events?cursor={cursor}&{name}={value}")), 400, field(name, contradicts)));
    }
    for page in ["1", "2", "last"] {
        let message = "A page number and a cursor exclude each other.";
        rows.push((asked(&format!("/events?cursor={cursor}&page={page}")), 400, field("page", message)));
    }
    rows.push((asked(&format!("/rejected?cursor={cursor}")), 400, field("cursor", "Invalid cursor.")));
    rows.push((asked(&format!("/events?cursor={cursor}x")), 400, field("cursor", "Invalid cursor.")));
    rows.push((asked(&format!("/events?cursor={}", &cursor[1..])), 400, field("cursor", "Invalid cursor.")));
    let none = eye.get("/events?page_size=1").await.expect(200).json()["next_cursor"].clone();
    let path = format!("/events?cursor={}&session_id=a-session", none.as_str().unwrap());
    rows.push((asked(&path), 400, field("session_id", contradicts)));
    check_all(&eye, &rows).await;
    // The same said again, in any spelling, is no contradiction.
    let same = format!("/events?cursor={cursor}&{query}").replace("2026-05-09", "2026-05-09T02:00%2B02:00");
    assert_eq!(eye.get(&same).await.expect(200).json()["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal() {
    let eye = TestEye::start().await;
    let mut connection = TcpStream::connect(eye.base.trim_start_matches("http://")).await.unwrap();
    for (body, expected) in [("{", "HTTP/1.1 400"), (&page_view().to_string(), "HTTP/1.1 201"), ("[]", "HTTP/1.1 400")]
    {
        let length = body.len();
        let head = format!(
            "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Answers are JSON objects, so the last brace ends them.
        while !answer.ends_with(b"}") {
            assert_ne!(connection.read_buf(&mut answer).await.unwrap(), 0, "the connection was closed");
        }
        assert!(answer.starts_with(expected.as_bytes()), "{}", String::from_utf8_lossy(&answer));
    }
}
