//! Every route, with every kind of key and with none, on a loopback address and on another one.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{Server, Where, apps};
use crate::support::page_view;

/// What a route lets one do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Ingest,
    Read,
    /// The counters, which are of all applications.
    Metrics,
    Administer,
}

/// A request, and its status where it may be made.
struct Row {
    method: Method,
    path: &'static str,
    body: Option<Value>,
    asks: Asks,
    status: u16,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    Writer,
    Reader,
    Admin,
    Revoked,
    OtherWriter,
    OtherReader,
}

const EVERYBODY: [Who; 7] =
    [Who::Nobody, Who::Writer, Who::Reader, Who::Admin, Who::Revoked, Who::OtherWriter, Who::OtherReader];

const ID: &str = "0198c5a0-0000-7000-8000-000000000001";

fn rows() -> Vec<Row> {
    let get = |path, asks, status| Row { method: Method::GET, path, body: None, asks, status };
    let other = |method, path, body, asks, status| Row { method, path, body, asks, status };
    vec![
        get("/", Asks::Read, 200),
        get("/events", Asks::Read, 200),
        get("/events/", Asks::Read, 200),
        get("/events.json", Asks::Read, 200),
        get("/events.api", Asks::Read, 200),
        get("/events.html", Asks::Read, 200),
        get("/events/0198c5a0-0000-7000-8000-000000000001", Asks::Read, 404),
        get("/rejected", Asks::Read, 200),
        get("/rejected.json", Asks::Read, 200),
        get("/rejected/0198c5a0-0000-7000-8000-000000000001", Asks::Read, 404),
        get("/sessions", Asks::Read, 200),
        get("/sessions/nobody", Asks::Read, 404),
        get("/stats", Asks::Read, 200),
        get("/live?format=html", Asks::Read, 200),
        get("/metrics", Asks::Metrics, 200),
        get("/openapi.json", Asks::Read, 200),
        get("/docs", Asks::Read, 200),
        get("/healthz", Asks::Nothing, 200),
        get("/readyz", Asks::Nothing, 200),
        get("/sign-in", Asks::Nothing, 200),
        get("/assets/the-eye.css", Asks::Nothing, 200),
        get("/nothing-here", Asks::Nothing, 404),
        other(Method::HEAD, "/events", None, Asks::Read, 200),
        other(Method::OPTIONS, "/events", None, Asks::Nothing, 200),
        other(Method::OPTIONS, "/events/0198c5a0-0000-7000-8000-000000000001", None, Asks::Nothing, 200),
        other(Method::OPTIONS, "/rejected", None, Asks::Nothing, 200),
        other(Method::OPTIONS, "/rejected/0198c5a0-0000-7000-8000-000000000001", None, Asks::Nothing, 200),
        other(Method::PUT, "/events", None, Asks::Nothing, 405),
        other(Method::POST, "/events", Some(page_view()), Asks::Ingest, 201),
        other(Method::POST, "/events/", Some(page_view()), Asks::Ingest, 201),
        other(Method::POST, "/events", Some(json!([page_view()])), Asks::Ingest, 201),
        other(Method::POST, "/rejected/replay", Some(json!({ "reason": "none" })), Asks::Administer, 200),
        other(Method::POST, "/rejected/replay/", Some(json!({ "id": ID })), Asks::Administer, 404),
        other(Method::DELETE, "/sessions/nobody", None, Asks::Administer, 200),
        other(Method::POST, "/sign-in", None, Asks::Nothing, 401),
        other(Method::POST, "/sign-out", None, Asks::Nothing, 303),
    ]
}

/// Whether one may, and the status if not.
fn expected(asks: Asks, who: Who, place: Where) -> Result<(), u16> {
    match (asks, who) {
        (Asks::Nothing, _) => Ok(()),
        (_, Who::Nobody) if place == Where::Loopback => Ok(()),
        (_, Who::Nobody | Who::Revoked) => Err(401),
        (Asks::Ingest, Who::Writer | Who::OtherWriter) => Ok(()),
        (Asks::Read, Who::Reader | Who::OtherReader | Who::Admin) => Ok(()),
        (Asks::Metrics, Who::Reader | Who::Admin) => Ok(()),
        (Asks::Administer, Who::Admin) => Ok(()),
        _ => Err(403),
    }
}

async fn check(place: Where) {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for who in EVERYBODY {
        let arguments: &[&str] = match who {
            Who::Nobody => continue,
            Who::Writer => &["create", "shop"],
            Who::Reader => &["create", "dashboard", "--scope", "read"],
            Who::Admin => &["create", "operator", "--scope", "admin"],
            Who::Revoked => &["create", "gone", "--scope", "admin"],
            Who::OtherWriter => &["create", "blog"],
            Who::OtherReader => &["create", "blogger", "--scope", "read", "--sees", "blog"],
        };
        keys.push((who, apps(folder.path(), arguments).await));
    }
    apps(folder.path(), &["revoke", "gone"]).await;
    let server = Server::start(folder, place, &[]).await;
    let mut wrong = Vec::new();
    for row in rows() {
        for who in EVERYBODY {
            let key = keys.iter().find(|(of, _)| *of == who).map(|(_, key)| key.as_str());
            let mut request = server.request(row.method.clone(), row.path, key);
            if let Some(body) = &row.body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
            }
            let answer = server.send(request).await;
            let (status, challenge) = (answer.status, answer.headers.contains_key("www-authenticate"));
            let expected = match expected(row.asks, who, place) {
                Ok(()) => row.status,
                Err(status) => status,
            };
            if status != expected || challenge != (status == 401) {
                wrong.push(format!("{} {} by {who:?}: {status}, not {expected}", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn on_a_loopback_address_whoever_has_no_key_may_do_everything() {
    check(Where::Loopback).await;
}

#[tokio::test]
async fn on_any_other_address_a_key_may_do_what_its_scope_says() {
    check(Where::Everywhere).await;
}

#[tokio::test]
async fn the_table_has_every_route_of_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder, Where::Loopback, &[]).await;
    let api: Value = server.send(server.request(Method::GET, "/openapi.json", None)).await.json();
    let rows = rows();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            let fits = |row: &&Row| {
                let row_path = row.path.split('?').next().unwrap();
                let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
                let (ours, theirs) = (parts(row_path), parts(path));
                let same = |(ours, theirs): (&String, &String)| ours == theirs || theirs.starts_with('{');
                row.method.as_str().eq_ignore_ascii_case(method)
                    && ours.len() == theirs.len()
                    && ours.iter().zip(&theirs).all(same)
            };
            assert!(rows.iter().any(|row| fits(&row)), "{method} {path} is in no row");
        }
    }
}

#[tokio::test]
async fn what_is_refused_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let reader = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let writer = apps(folder.path(), &["create", "shop"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let check = async |method: Method, path: &str, key: Option<&str>, status: u16, detail: &str| {
        let answer = server.send(server.request(method, path, key)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json(), json!({ "detail": detail }), "{path}");
    };
    let none = "Authentication credentials were not provided. Send a key: `Authorization: Bearer eye_…`.";
    check(Method::GET, "/events", None, 401, none).await;
    check(Method::POST, "/events", None, 401, none).await;
    check(Method::GET, "/events", Some("eye_r_x"), 401, "Invalid key: it was cut or mistyped.").await;
    let unknown = the_eye::access::Key::generate(the_eye::access::Scope::Read).unwrap();
    let text = "Invalid key: it is not known here, or was revoked.";
    check(Method::GET, "/events", Some(unknown.reveal()), 401, text).await;
    let text = "You do not have permission to perform this action. It takes a write key, and this is a read key.";
    check(Method::POST, "/events", Some(&reader), 403, text).await;
    let text = "You do not have permission to perform this action. It takes a read key, and this is a write key.";
    check(Method::GET, "/events", Some(&writer), 403, text).await;
    let text = "Only a write key may stand in a URL. Send this one as `Authorization: Bearer …`.";
    check(Method::GET, &format!("/events?key={reader}"), None, 401, text).await;
}
