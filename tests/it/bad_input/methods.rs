//! Every path with every method, over one connection.

use super::wire::Wire;
use super::*;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "made-up"];

/// The paths that there are and the methods of each, from the table that the router is made of.
fn routes() -> Vec<(String, &'static str)> {
    let source = include_str!("../../../src/web/routes.rs");
    let (_, table) = source.split_once("pub(super) const ROUTES").unwrap();
    let (table, _) = table.split_once("\n];").unwrap();
    let mut routes = Vec::new();
    for route in table.split("path: \"").skip(1) {
        let (path, rest) = route.split_once('"').unwrap();
        let (_, allow) = rest.split_once("allow: Allow::").unwrap();
        let allow = match allow.split(',').next().unwrap() {
            "READ" => "GET, HEAD",
            "READ_DELETE" => "GET, DELETE, HEAD",
            "READ_OPTIONS" => "GET, HEAD, OPTIONS",
            "POST" => "POST",
            "FORM" => "GET, POST, HEAD",
            "EVENTS" => "GET, POST, HEAD, OPTIONS",
            other => panic!("{other} is not known here"),
        };
        let path = path.replace("{id}", "0190b0e5-0000-7000-8000-000000000000");
        routes.push((path.replace("{session_id}", "a").replace("{name}", "style.css"), allow));
    }
    routes
}

/// What a path answers to a method that it has, where there is nothing.
fn status(path: &str, method: &str) -> u16 {
    match (method, path.trim_end_matches('/')) {
        ("POST", "/rejected/replay") => 200,
        ("DELETE", _) => 200,
        ("POST", "/sign-in") => 401,
        ("POST", "/sign-out") => 303,
        ("POST", _) => 415,
        ("OPTIONS", _) => 200,
        (_, path)
            if path.starts_with("/events/") || path.starts_with("/rejected/") || path.starts_with("/sessions/") =>
        {
            404
        }
        (_, "/assets/style.css") => 404,
        _ => 200,
    }
}

#[tokio::test]
async fn every_path_answers_every_method() {
    let eye = TestEye::start().await;
    let mut wire = Wire::to(&eye).await;
    let routes = routes();
    assert!(routes.len() >= 32, "{routes:?}");
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (path, allow) in &routes {
        for method in METHODS {
            // A stream has no end; what it answers is in `http::live`.
            if path.starts_with("/live") && ["GET", "HEAD"].contains(&method) {
                continue;
            }
            let input = Input { method, path: path.clone(), headers: Vec::new(), body: Vec::new() };
            let reply = wire.send(&input).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            rows += 1;
            let allowed = allow.split(", ").any(|allowed| allowed == method);
            let expected = if allowed { status(path, method) } else { 405 };
            let mut is_right = reply.status == expected && !reply.closes;
            if !allowed {
                let text = detail(&format!("Method \"{method}\" not allowed."));
                // Some paths say by their names that they are pages.
                let is_page = path.ends_with(".api") || path.ends_with(".html");
                let said = reply.text == text || is_page && reply.text.contains(" not allowed.");
                is_right &= reply.allow == *allow && (said || method == "HEAD");
            }
            if !is_right {
                wrong.push(format!("{method} {path}: {expected} {allow}, but {reply:?}"));
            }
        }
    }
    println!("{rows} rows");
    assert!(wrong.is_empty(), "{} of {rows}:\n{}", wrong.len(), wrong.join("\n"));
    check_unharmed(&eye).await;
}

#[tokio::test]
async fn paths_that_are_none_are_not_found() {
    let mut rows = Vec::new();
    for path in [
        "/nothing",
        "//events",
        "/events//",
        "/events/a/b",
        "/Events",
        "/events.xml",
        "/rejected.csv",
        "/%65vents%00",
        "/events/..",
        "/events/%2e%2e/metrics",
        "/assets/",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/%00",
        "/assets/%FF",
        "/sessions/a/b",
        "/healthz/",
        "/.env",
        "/data/queue.db",
    ] {
        // A name that could be one, of an event or an asset, has the methods of those.
        let could_be = path.matches('/').count() == 2 && ["/events/", "/assets/"].iter().any(|at| path.starts_with(at))
            || path == "/events//";
        let could_be = could_be && path != "/assets/";
        for method in ["GET", "POST", "DELETE"] {
            let input = Input { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() };
            rows.push(match could_be && method != "GET" {
                true => (input, 405, detail(&format!("Method \"{method}\" not allowed."))),
                false => (input, 404, detail("Not found.")),
            });
        }
    }
    check_refused(&rows).await;
}
