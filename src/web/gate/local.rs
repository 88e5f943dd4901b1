//! Whether a request comes from this machine itself: on a loopback address that is so, unless it was sent for another
//! host (a page whose name was made to point here) or by a proxy for somebody else.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{FORWARDED, HOST};
use axum::http::uri::Authority;

/// What proxies add; `X-Forwarded-` with whatever follows beside these.
const BY_PROXIES: [&str; 8] = [
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "x-envoy-external-address",
    "cdn-loop",
    "cf-ray",
    "cf-connecting-ip",
];
const FORWARDED_SOMETHING: &str = "x-forwarded-";

/// Whether somebody on this machine asks, by what a loopback address can tell.
pub(super) fn is_local(request: &Request) -> bool {
    is_own_host(request) && !is_forwarded(request) && is_near(request)
}

/// Where the connection comes from, if that is said: hosts may listen on any address.
fn is_near(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_none_or(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

/// What to do about a request that is not.
pub(super) fn why_not(request: &Request) -> &'static str {
    match is_own_host(request) {
        true => "This came through a proxy: send a key (`Authorization: Bearer eye_…`), or start with --open.",
        false => {
            "This names another host than localhost: send a key (`Authorization: Bearer eye_…`), or start with --open."
        }
    }
}

fn is_own_host(request: &Request) -> bool {
    let host = request.uri().authority().map(Authority::as_str);
    let mut hosts =
        host.into_iter().chain(request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or("?")));
    hosts.all(is_own_name)
}

fn is_forwarded(request: &Request) -> bool {
    let by_proxy =
        |name: &str| name == FORWARDED.as_str() || name.starts_with(FORWARDED_SOMETHING) || BY_PROXIES.contains(&name);
    request.headers().keys().any(|name| by_proxy(name.as_str()))
}

/// A name of this machine's, with or without a port.
fn is_own_name(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').unwrap_or((rest, "?")),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |port: &str| port.is_empty() || port.bytes().all(|byte| byte.is_ascii_digit());
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        && (name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_its_own_and_no_others() {
        for own in [
            "localhost",
            "LocalHost:8000",
            "127.0.0.1",
            "127.0.0.1:8000",
            "127.1.2.3:1",
            "[::1]",
            "[::1]:8000",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_own_name(own), "{own}");
        }
        for other in [
            "",
            "eye.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:8000",
            "0.0.0.0",
            "[::2]",
            "localhost:evil",
            "127.0.0.1:80@evil.example",
            "[::1].evil.example",
            "[::1]evil",
            "?",
        ] {
            assert!(!is_own_name(other), "{other}");
        }
    }

    #[test]
    fn what_came_by_a_proxy_is_from_elsewhere() {
        let request = |name: &str| {
            Request::builder()
                .uri("/events")
                .header("host", "localhost")
                .header(name, "x")
                .body(axum::body::Body::empty())
                .unwrap()
        };
        assert!(is_local(&request("user-agent")));
        for name in BY_PROXIES.into_iter().chain(["forwarded", "x-forwarded-for", "x-forwarded-port"]) {
            assert!(!is_local(&request(name)), "{name}");
        }
        assert!(is_local(&Request::new(axum::body::Body::empty())), "HTTP/1.0 names no host");
    }
}
