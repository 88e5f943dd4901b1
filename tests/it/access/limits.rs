//! How many events a key and an address may send.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use the_eye::clock::Stopwatch;

use super::{Server, Where, apps};
use crate::support::{Answer, page_view};

async fn send(server: &Server, key: Option<&str>, events: usize, headers: &[(&str, &str)]) -> Answer {
    let body = json!(vec![page_view(); events]).to_string();
    server.post("/events", key, ("application/json", body), headers).await
}

#[tokio::test]
async fn a_key_that_sent_enough_is_told_when_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "shop", "--rate", "1/s"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let first = send(&server, Some(&key), 4, &[]).await.expect(201);
    assert_eq!(first.header("ratelimit-policy"), "\"key\";q=10;w=10;qu=\"events\"");
    assert_eq!(first.header("ratelimit"), "\"key\";r=6;t=4");
    // A batch is taken as a whole or not at all.
    let over = send(&server, Some(&key), 9, &[]).await.expect(429);
    assert!(over.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(over.header("ratelimit").starts_with("\"key\";r=0;t="));
    assert!(over.text.starts_with("{\"detail\":\"Request was throttled. Expected available in "), "{}", over.text);
    let never = send(&server, Some(&key), 11, &[]).await.expect(413);
    assert!(never.text.contains("10 in 10 seconds"), "{}", never.text);
    assert_eq!(send(&server, None, 1, &[]).await.status, 401);
}

#[tokio::test]
async fn an_address_is_the_client_s_and_a_network_of_ipv6_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "shop"]).await;
    let arguments = ["--address-rate", "1/s", "--trusted-proxies", "127.0.0.0/8"];
    let server = Server::start(folder, Where::Everywhere, &arguments).await;
    let from =
        async |address: &str, events| send(&server, Some(&key), events, &[("x-forwarded-for", address)]).await.status;
    assert_eq!(from("198.51.100.7", 10).await, 201);
    assert_eq!(from("198.51.100.7", 9).await, 429);
    // What the client wrote itself stands on the left.
    assert_eq!(from("203.0.113.9, 198.51.100.7", 9).await, 429);
    assert_eq!(from("198.51.100.8", 10).await, 201);
    assert_eq!(from("2001:db8:1:2::1", 10).await, 201);
    assert_eq!(from("2001:db8:1:2:ffff::1", 9).await, 429);
    assert_eq!(from("2001:db8:1:3::1", 10).await, 201);
}

#[tokio::test]
async fn an_address_that_sends_too_much_spends_nothing_of_its_applications() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "shop", "--rate", "2/s"]).await;
    let arguments = ["--address-rate", "1/s", "--trusted-proxies", "127.0.0.0/8"];
    let server = Server::start(folder, Where::Everywhere, &arguments).await;
    let from =
        async |address: &str, events| send(&server, Some(&key), events, &[("x-forwarded-for", address)]).await.status;
    assert_eq!(from("198.51.100.7", 10).await, 201);
    for _ in 0..10 {
        assert_eq!(from("198.51.100.7", 9).await, 429);
    }
    assert_eq!(from("198.51.100.8", 10).await, 201);
}

#[tokio::test]
async fn a_header_of_a_proxy_that_is_not_trusted_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let key = apps(folder.path(), &["create", "shop"]).await;
    let server = Server::start(folder, Where::Everywhere, &["--address-rate", "1/s"]).await;
    let from = async |address: &str| send(&server, Some(&key), 10, &[("x-forwarded-for", address)]).await.status;
    assert_eq!((from("198.51.100.7").await, from("198.51.100.8").await), (201, 429));
}

/// The slowest of a hundred requests but one, while others are sent with another key.
async fn p99_beside(server: &Server, key: &str, other: &str) -> Duration {
    let measured = async {
        let mut times = Vec::new();
        for _ in 0..100 {
            let watch = Stopwatch::start();
            send(server, Some(key), 1, &[]).await.expect(201);
            times.push(watch.elapsed());
        }
        times.sort_unstable();
        times[98]
    };
    let others = join_all((0..16).map(async |_| {
        for _ in 0..100 {
            send(server, Some(other), 1, &[]).await;
        }
    }));
    tokio::join!(measured, others).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limited_key_slows_others_less_than_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let measured = apps(folder.path(), &["create", "shop"]).await;
    let limited = apps(folder.path(), &["create", "loud", "--rate", "1/s"]).await;
    let free = apps(folder.path(), &["create", "free"]).await;
    let server = Server::start(folder, Where::Everywhere, &[]).await;
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let beside_limited = p99_beside(&server, &measured, &limited).await;
        let beside_free = p99_beside(&server, &measured, &free).await;
        ratios.push(beside_limited.as_secs_f64() / beside_free.as_secs_f64());
    }
    ratios.sort_unstable_by(f64::total_cmp);
    // What is refused costs less than what is written; the machine's noise is in both.
    assert!(ratios[2] < 1.5, "{ratios:?}");
}
