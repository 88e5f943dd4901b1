//! The life of a key: made, used, given another one, revoked; and what a loopback address takes for local.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HOST};

use super::{Server, Where, apps, refused};
use crate::support::page_view;
use crate::support::process::Process;

#[tokio::test]
async fn a_revoked_key_is_refused_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let admin = apps(folder.path(), &["create", "operator", "--scope", "admin"]).await;
    let key = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    // Two of them share the store; the queue of the second one is its own.
    let second = tempfile::tempdir().unwrap();
    std::fs::create_dir(second.path().join("data")).unwrap();
    let database = format!("sqlite:{}", folder.path().join("data/events.db").display());
    let second = Server::start(second, Where::Everywhere, &["--no-worker", "--database-url", &database]).await;
    let first = Server::start(folder, Where::Everywhere, &[]).await;
    for server in [&first, &second] {
        assert_eq!(server.status("/events", Some(&key)).await, 200);
    }
    apps(first.path(), &["revoke", "dashboard"]).await;
    assert_eq!(tokio::join!(first.until_not(200, "/events", &key), second.until_not(200, "/events", &key)), (401, 401));
    assert_eq!(first.status("/events", Some(&admin)).await, 200, "other keys stay");
}

#[tokio::test]
async fn a_new_key_is_good_at_once_and_the_old_one_for_as_long_as_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let old = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let new = apps(server.path(), &["rotate", "dashboard", "--overlap", "1h"]).await;
    assert_eq!(server.status("/events", Some(&new)).await, 200);
    assert_eq!(server.status("/events", Some(&old)).await, 200);
    let newest = apps(server.path(), &["rotate", "dashboard"]).await;
    assert_eq!(server.status("/events", Some(&newest)).await, 200);
    assert_eq!(server.until_not(200, "/events", &new).await, 401);
    assert_eq!(server.until_not(200, "/events", &old).await, 401);
}

#[tokio::test]
async fn keys_are_listed_by_their_beginnings() {
    let folder = tempfile::tempdir().unwrap();
    let shop =
        ["create", "shop", "--origin", "https://shop.example", "--origin", "http://localhost:3000", "--rate", "100/s"];
    let key = apps(folder.path(), &shop).await;
    apps(folder.path(), &["create", "reader", "--scope", "read", "--sees", "shop"]).await;
    apps(folder.path(), &["revoke", "reader"]).await;
    let list = apps(folder.path(), &["list"]).await;
    let rows: Vec<Vec<&str>> =
        list.lines().map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    assert_eq!(rows[0], ["NAME", "SCOPE", "KEYS", "ORIGINS", "RATE", "SEES", "CREATED"]);
    let prefix = format!("{}…", &key[..14]);
    assert_eq!(rows[1][..6], ["shop", "write", &prefix, "https://shop.example http://localhost:3000", "100/s", "-"]);
    assert_eq!(rows[2][..6], ["reader", "read", "revoked", "-", "-", "shop"]);
    apps(folder.path(), &["change", "shop", "--origin", "none", "--rate", "none"]).await;
    let list = apps(folder.path(), &["list"]).await;
    assert!(!list.contains("https://") && !list.contains("/s"), "{list}");
    assert!(!list.contains(&key[14..]));
}

#[tokio::test]
async fn a_mistake_with_applications_is_said() {
    let folder = tempfile::tempdir().unwrap();
    apps(folder.path(), &["create", "shop"]).await;
    for (arguments, said) in [
        (&["apps", "create", "shop"][..], "there is an application `shop`"),
        (&["apps", "create", " shop"], "a name has 1 to 100 letters"),
        (&["apps", "create", "x", "--origin", "shop.example"], "an origin is a scheme and a host"),
        (&["apps", "create", "x", "--rate", "many"], "a rate is a number of events in a second"),
        (&["apps", "create", "x", "--scope", "root"], "it must be write, read or admin"),
        (&["apps", "create", "x", "--scope", "read", "--rate", "1/s"], "--origin and --rate are for write keys"),
        (&["apps", "create", "x", "--sees", "shop"], "--sees is for read keys"),
        (&["apps", "rotate", "nobody"], "there is no application `nobody`"),
        (&["apps", "revoke", "nobody"], "there is no application `nobody`"),
        (&["apps", "change", "nobody", "--rate", "1/s"], "there is no application `nobody`"),
    ] {
        let said_instead = refused(folder.path(), arguments).await;
        assert!(said_instead.contains(said), "{arguments:?}: {said_instead}");
    }
}

#[tokio::test]
async fn no_server_starts_for_everyone_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let said = refused(folder.path(), &["--listen", "0.0.0.0:0"]).await;
    assert!(said.contains("is not for this machine alone, and there is no key yet"), "{said}");
    refused(folder.path(), &["--listen", "127.0.0.1:0", "--require-keys"]).await;
    refused(folder.path(), &["--listen", "127.0.0.1:0", "--require-keys", "--open"]).await;
    let open = Process::start(folder.path(), &["--listen", "0.0.0.0:0", "--open"]).await;
    let url = open.base.replace("0.0.0.0", "127.0.0.1") + "/events";
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    open.terminate().await;
    assert_eq!(open.exit_code().await, Some(0));
    // One key is enough, until it is revoked.
    apps(folder.path(), &["create", "shop"]).await;
    Process::start(folder.path(), &["--listen", "0.0.0.0:0"]).await.kill().await;
    apps(folder.path(), &["revoke", "shop"]).await;
    refused(folder.path(), &["--listen", "0.0.0.0:0"]).await;
}

#[tokio::test]
async fn what_is_not_for_this_machine_needs_a_key_on_a_loopback_address_too() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Loopback, &[]).await;
    for (name, value, status) in [
        ("user-agent", "curl", 200),
        (HOST.as_str(), "localhost", 200),
        (HOST.as_str(), "[::1]:8000", 200),
        (HOST.as_str(), "evil.example", 401),
        (HOST.as_str(), "127.0.0.1.evil.example", 401),
        ("x-forwarded-for", "198.51.100.7", 401),
        ("forwarded", "for=198.51.100.7", 401),
        ("x-real-ip", "198.51.100.7", 401),
    ] {
        let asked = server.send(server.request(Method::GET, "/events", None).header(name, value)).await;
        assert_eq!(asked.status, status, "{name}: {value}");
        let sent = server.request(Method::POST, "/events", None).header(name, value);
        let sent = server.send(sent.header(CONTENT_TYPE, "application/json").body(page_view().to_string())).await;
        assert_eq!(sent.status, if status == 200 { 201 } else { 401 }, "{name}: {value}");
        let with_key = server.send(server.request(Method::GET, "/events", Some(&key)).header(name, value)).await;
        assert_eq!(with_key.status, 200, "{name}: {value}");
        let health = server.send(server.request(Method::GET, "/healthz", None).header(name, value)).await;
        assert_eq!(health.status, 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_counters_are_open_where_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    apps(folder.path(), &["create", "shop"]).await;
    let server = Server::start(folder, Where::Everywhere, &["--open-metrics"]).await;
    assert_eq!(server.status("/metrics", None).await, 200);
    assert_eq!(server.status("/events", None).await, 401);
}

#[tokio::test]
async fn a_stream_ends_with_the_key_of_who_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "dashboard", "--scope", "read"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let mut stream = server.request(Method::GET, "/live", Some(&key)).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some(), "it is open");
    apps(server.path(), &["revoke", "dashboard"]).await;
    while stream.chunk().await.unwrap().is_some() {}
}
