//! Everything that has to be refused, each with its exact answer, and what is just not refused. All rows of a table
//! go over one connection, which has to stay open: a refusal is an answer like any other. After each table nothing
//! may be stored, and the server has to be as well as before.

mod bodies;
mod data;
mod encodings;
mod fields;
mod methods;
mod numbers;
mod parameters;
mod strict;
mod texts;
mod timestamps;
mod wire;

use serde_json::{Value, json};

use crate::support::{TestEye, page_view, page_view_with};
use wire::Wire;

const REQUIRED: &str = "This field is required.";
const NULL: &str = "This field may not be null.";
const BLANK: &str = "This field may not be blank.";
const NOT_A_STRING: &str = "Not a valid string.";
const NOT_A_UUID: &str = "Must be a valid UUID.";
const UNKNOWN: &str = "Unknown field.";
const BAD_DATETIME: &str =
    "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
const BAD_HOST: &str = "Enter a valid host name or IP address.";
const PARAMETERS: &str = "Unknown parameter. Expected one of: session_id, category, name, application, start_time, end_time, \
                          order, page, page_size, cursor, format.";

/// A request, and the status and the body that answer it.
type Row = (Input, u16, String);

struct Input {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

fn typed(content_type: &str, body: impl Into<Vec<u8>>) -> Input {
    let headers = vec![("content-type", content_type.to_owned())];
    Input { method: "POST", path: "/events".to_owned(), headers, body: body.into() }
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
    Input { method: "GET", path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
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
async fn check(wire: &mut Wire, (input, status, expected): &Row) -> Option<String> {
    assert!(*status < 500, "a bad input is never an error of the server's");
    let body = String::from_utf8_lossy(&input.body[..input.body.len().min(300)]).into_owned();
    let (found, text, closes) = match wire.send(input).await {
        Ok(answer) => (answer.status, answer.text, answer.closes),
        Err(error) => return Some(format!("{} {:.150} {body}\n  {error}", input.method, input.path)),
    };
    let headers = &input.headers;
    (found != *status || text != *expected || closes).then(|| {
        let closes = if closes { " and closes the connection" } else { "" };
        format!(
            "{} {:.150} {headers:?} {body}\n  expected {status} {expected}\n  found    {found} {text:.1000}{closes}",
            input.method, input.path
        )
    })
}

async fn check_all(eye: &TestEye, rows: &[Row]) {
    let mut wire = Wire::to(eye).await;
    let mut wrong = Vec::new();
    for row in rows {
        wrong.extend(check(&mut wire, row).await);
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

/// Posts events over one connection, and holds what the store gives back of each against a part of its JSON.
async fn check_kept(rows: &[(String, String)]) {
    let eye = TestEye::start().await;
    let mut wire = Wire::to(&eye).await;
    let mut places = Vec::new();
    for (event, part) in rows {
        let answer = wire.send(&sent(event.as_str())).await.unwrap();
        assert_eq!((answer.status, answer.closes), (201, false), "{event:.200}: {:.500}", answer.text);
        assert!(answer.text.contains(part), "{event:.200} became {:.500}", answer.text);
        places.push((answer.text, part));
    }
    eye.drain().await;
    for (text, part) in places {
        let event: Value = serde_json::from_str(&text).unwrap();
        let found = wire.send(&asked(&format!("/events/{}", event["id"].as_str().unwrap()))).await.unwrap();
        assert_eq!((found.status, found.text), (200, text), "{part:.200} is not what was kept");
    }
}
