//! What is taken in that a stricter parser would refuse, and what is not: `docs/reliability.md` lists
//! it under "What the parser accepts", and this holds the list.

use std::time::Duration;

use the_eye::Limits;

use super::{Server, statuses};

#[tokio::test]
async fn the_parser_is_as_strict_as_it_is_said_to_be() {
    // What is taken in against the list is found too: its connection ends then.
    let server = Server::start(Limits { idle: Duration::from_secs(1), ..Limits::default() }).await;
    let mut wrong = Vec::new();
    for (request, expected) in [
        // Line ends.
        ("GET /healthz HTTP/1.1\nHost: a\nConnection: close\n\n", 200),
        ("\r\n\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\rHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        // Spaces.
        ("GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        (" GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET\t/healthz\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost:\t a \t\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost:a\r\nX:\r\nConnection:close\r\n\r\n", 200),
        // Names and values.
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX(: y\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: \u{7f}\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nX: é\r\nConnection: close\r\n\r\n", 200),
        // Hosts.
        ("GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a b/c@d\r\nConnection: close\r\n\r\n", 200),
        // Versions.
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz http/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        ("POST /events HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        // Targets.
        ("GET http://b/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n", 404),
        ("GET healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        ("GET /healthz#a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz?é HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz?\"<>\\^`{|} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400),
        // Methods.
        ("get /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        ("ANY! /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405),
        ("G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        // Bodies.
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 01\r\nConnection: close\r\n\r\nx", 200),
        (
            "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
            200,
        ),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\nConnection: close\r\n\r\n0\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade, close\r\n\r\n", 200),
    ] {
        let answer = server.tell(request).await.replace("HTTP/1.0 ", "HTTP/1.1 ");
        if statuses(&answer) != [expected] {
            wrong.push(format!("{request:?} is {:?}", statuses(&answer)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn chunks_are_as_strict_as_they_are_said_to_be() {
    let server = Server::start(Limits::default()).await;
    let head = "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let get = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let keep_alive = head.replace("Connection: close\r\n", "");
    let long = "x".repeat(17 << 10);
    let (extension, trailer) =
        (format!("3;{long}\r\n{{}}x\r\n0\r\n\r\n"), format!("3\r\n{{}}x\r\n0\r\nA: {long}\r\n\r\n"));
    for (body, framed) in [
        (extension.as_str(), false),
        (trailer.as_str(), false),
        ("3\r\n{}x\r\n0\r\n\r\n", true),
        ("003\t ;a=b;c=\"d\"\r\n{}x\r\n00\r\n\r\n", true),
        ("3\r\n{}x\r\n0\r\nA: b\r\n\r\n", true),
        ("3\n{}x\r\n0\r\n\r\n", false),
        ("3\r\n{}x\n0\r\n\r\n", false),
        ("3\r\n{}xy\r\n0\r\n\r\n", false),
        ("0x3\r\n{}x\r\n0\r\n\r\n", false),
        (" 3\r\n{}x\r\n0\r\n\r\n", false),
        ("3;\n\r\n{}x\r\n0\r\n\r\n", false),
        ("10000000000000003\r\n{}x\r\n0\r\n\r\n", false),
        ("\r\n", false),
    ] {
        let answers = server.tell(format!("{keep_alive}{body}{get}")).await;
        let expected: &[u16] = if framed { &[400, 200] } else { &[400] };
        assert_eq!(statuses(&answers), expected, "{body:?}: {answers}");
    }
}
