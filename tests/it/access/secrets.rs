//! No key, no session and no hash of either is in anything that a server says or writes into a log.
//!
//! Whatever a test here makes is remembered, and looked for in all that its servers answered and logged, when they
//! end.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use the_eye::access::Key;

use super::sign_in::cookie_of;
use super::{Server, Where, apps};
use crate::support::page_view;

/// Characters of a key that lists may show.
const SHOWN: usize = 14;

/// What no output may have.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Looks out for a key, and for what is kept of it.
pub(super) fn remember(key: &str) {
    let hash = *Key::parse(key).expect("a key").hash().as_bytes();
    let hex = hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let forms = [key[SHOWN..].to_owned(), hex.to_uppercase(), hex, STANDARD.encode(hash), URL_SAFE_NO_PAD.encode(hash)];
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner).extend(forms);
}

/// Looks out for the signature of a session.
pub(super) fn remember_cookie(value: &str) {
    let signature = value.rsplit('.').next().unwrap().to_owned();
    assert!(signature.len() > 40, "{value}");
    SECRETS.lock().unwrap_or_else(PoisonError::into_inner).push(signature);
}

/// Looks through answers, and through the logs of a folder.
pub(super) fn found_nowhere(answers: &str, folder: &Path) {
    let mut places = vec![("an answer".to_owned(), answers.as_bytes().to_vec())];
    for folder in [folder, &folder.join("logs")] {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        places.extend(
            paths.filter(|path| path.is_file()).map(|path| (path.display().to_string(), fs::read(path).unwrap())),
        );
    }
    assert!(places.iter().any(|(name, _)| name.ends_with(".log")), "there is a log");
    for secret in SECRETS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        for (name, text) in &places {
            assert!(!contains(text, secret.as_bytes()), "a secret is in {name}");
        }
    }
}

fn contains(text: &[u8], secret: &[u8]) -> bool {
    text.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn what_is_looked_for_would_be_found() {
    assert!(contains(b"a key=secret b", b"secret") && !contains(b"secre", b"secret"));
}

#[tokio::test]
async fn nothing_that_is_said_at_the_finest_level_of_logs_has_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let write = apps(folder.path(), &["create", "shop", "--origin", "https://shop.example", "--rate", "1/s"]).await;
    let read = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let admin = apps(folder.path(), &["create", "operator", "--scope", "admin"]).await;
    let server = Server::start(folder, Where::Everywhere, &["--log", "trace"]).await;
    let form = format!("key={read}&next=/");
    let signed_in = server.request(Method::POST, "/sign-in", None);
    let signed_in = signed_in.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    let cookie = cookie_of(&server.send(signed_in).await.expect(303));
    for path in ["/", "/events", "/metrics", "/openapi.json", "/rejected", "/nothing", "/sign-in", "/events?cursor=x"] {
        for accept in ["application/json", "text/html"] {
            for key in [None, Some(&write), Some(&read), Some(&admin)] {
                let request = server.request(Method::GET, path, key.map(String::as_str)).header(ACCEPT, accept);
                server.send(request).await;
            }
            server.send(server.request(Method::GET, path, None).header(ACCEPT, accept).header(COOKIE, &cookie)).await;
            for in_url in [&write, &read] {
                let separator = if path.contains('?') { '&' } else { '?' };
                let path = format!("{path}{separator}key={in_url}");
                server.send(server.request(Method::GET, &path, None).header(ACCEPT, accept)).await;
            }
        }
    }
    // Refused, with a key in its URL, in its body, and more often than its rate.
    for _ in 0..20 {
        for body in [page_view().to_string(), "{}".to_owned(), "not json".to_owned()] {
            let path = format!("/events?key={write}");
            for accept in ["application/json", "text/html"] {
                let request = server.request(Method::POST, &path, None).header(ACCEPT, accept);
                server.send(request.header(CONTENT_TYPE, "application/json").body(body.clone())).await;
            }
        }
    }
    let wrong = format!("key={}&next=/", &read[..40]);
    let request = server.request(Method::POST, "/sign-in", None).header(ACCEPT, "text/html");
    server.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(wrong)).await.expect(401);
    assert!(server.answers.lock().unwrap().contains(&read[..0]));
}
