//! People sign in with a read key, and their browser may read from then on, and nothing else.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};

use super::secrets::remember_cookie;
use super::{Server, Where, apps};
use crate::support::{Answer, page_view};

const FORM: &str = "application/x-www-form-urlencoded";

/// The cookie of an answer, as a browser sends it back.
pub(super) fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header(SET_COOKIE.as_str()).split(';').next().unwrap().to_owned();
    remember_cookie(&cookie);
    cookie
}

async fn sign_in(server: &Server, form: String, headers: &[(&str, &str)]) -> Answer {
    server.post("/sign-in", None, (FORM, form), headers).await
}

#[tokio::test]
async fn a_session_reads_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let admin = apps(folder.path(), &["create", "operator", "--scope", "admin"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let answer = sign_in(&server, format!("key={admin}&next=%2Fevents%3Fpage_size%3D5"), &[]).await.expect(303);
    assert_eq!(answer.header(LOCATION.as_str()), "/events?page_size=5");
    let set = answer.header(SET_COOKIE.as_str());
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=43200"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Secure"), "it came without TLS");
    let cookie = cookie_of(&answer);
    let ask = async |method: Method, path: &str, accept: &str| {
        let request = server.request(method, path, None).header(COOKIE, &cookie).header(ACCEPT, accept);
        server.send(request.header(CONTENT_TYPE, "application/json").body(page_view().to_string())).await
    };
    for path in ["/", "/events", "/rejected", "/stats", "/metrics", "/docs"] {
        assert_eq!(ask(Method::GET, path, "application/json").await.status, 200, "{path}");
    }
    let page = ask(Method::GET, "/events", "text/html").await.expect(200);
    assert!(page.text.contains("Sign out") && !page.text.contains("name=\"session_id\" value=\"a-session\""));
    for (method, path) in [(Method::POST, "/events"), (Method::POST, "/rejected/replay")] {
        assert_eq!(ask(method, path, "application/json").await.status, 401, "{path}");
    }
    let out = server.send(server.request(Method::POST, "/sign-out", None).header(COOKIE, &cookie)).await.expect(303);
    assert!(out.header(SET_COOKIE.as_str()).starts_with("eye_sign_in=; Max-Age=0; Path=/; HttpOnly"));
    // It ends with its key, wherever it is kept.
    apps(server.path(), &["revoke", "operator"]).await;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    while ask(Method::GET, "/events", "application/json").await.status == 200 {
        looks.tick().await;
    }
    assert_eq!(ask(Method::GET, "/events", "application/json").await.status, 401);
}

#[tokio::test]
async fn who_is_not_signed_in_gets_the_form_in_place_of_a_page() {
    let folder = tempfile::tempdir().unwrap();
    apps(folder.path(), &["create", "shop"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let request = server.request(Method::GET, "/sessions?page_size=5", None).header(ACCEPT, "text/html");
    let page = server.send(request).await.expect(401).text;
    assert!(page.contains("name=\"next\" value=\"/sessions?page_size=5\""), "{page}");
    assert!(page.contains("type=\"password\"") && !page.contains("Sign out"));
}

#[tokio::test]
async fn only_a_good_read_key_signs_in_and_only_from_a_page_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let write = apps(folder.path(), &["create", "shop"]).await;
    let read = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    for wrong in [format!("key={write}"), "key=".to_owned(), String::new(), format!("key={}", &read[..50])] {
        let answer = sign_in(&server, wrong, &[]).await.expect(401);
        assert_eq!(answer.header(SET_COOKIE.as_str()), "");
    }
    let form = format!("key={read}");
    sign_in(&server, form.clone(), &[("sec-fetch-site", "cross-site")]).await.expect(403);
    sign_in(&server, form.clone(), &[("origin", "https://evil.example")]).await.expect(403);
    let answer =
        sign_in(&server, format!("{form}&next=//evil.example"), &[("x-forwarded-proto", "https")]).await.expect(303);
    assert_eq!(answer.header(LOCATION.as_str()), "/");
    assert!(answer.header(SET_COOKIE.as_str()).ends_with("; Secure"), "behind TLS");
    // One that was changed, and one that somebody made up.
    let cookie = cookie_of(&answer);
    let (value, last) = cookie.split_at(cookie.len() - 1);
    let changed = format!("{value}{}", if last == "A" { "B" } else { "A" });
    let later = cookie.replacen(".1", ".9", 1);
    for cookie in [changed.as_str(), &later, "eye_sign_in=x", "eye_sign_in=a.9999999999.b"] {
        let request = server.request(Method::GET, "/events", None).header(COOKIE, cookie);
        server.send(request).await.expect(401);
    }
    server.send(server.request(Method::GET, "/events", None).header(COOKIE, &cookie)).await.expect(200);
}
