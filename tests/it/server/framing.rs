//! Requests that can be read in two ways are refused, in their turn, and nothing after them is run.

use super::{GET, Server, post, statuses};

/// What is behind a request that is refused: were it run, it would be counted.
fn smuggled() -> String {
    post("")
}

#[tokio::test]
async fn what_can_be_read_in_two_ways_is_a_400_and_nothing_after_it_is_run() {
    let server = Server::start(the_eye::Limits::default()).await;
    let host = "Host: a\r\n";
    for headers in [
        format!("{host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        format!("{host}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        format!("{host}Content-Length: 5\r\nContent-Length: 6\r\n"),
        format!("{host}Content-Length: 5, 5\r\n"),
        format!("{host}Content-Length: +5\r\n"),
        format!("{host}Content-Length: -1\r\n"),
        format!("{host}Transfer-Encoding: gzip, chunked\r\n"),
        format!("{host}Transfer-Encoding: identity\r\n"),
        format!("{host}Transfer-Encoding : chunked\r\n"),
        format!("{host}Transfer-Encoding:\r\n chunked\r\n"),
        format!("{host}Transfer-Encoding: \x0bchunked\r\n"),
        format!("{host}{host}"),
        "Host: a\r\nHost: b\r\n".to_owned(),
        String::new(),
    ] {
        let request = format!("POST /events HTTP/1.1\r\n{headers}\r\n0\r\n\r\n{}", smuggled());
        let answer = server.tell(&request).await;
        assert_eq!(statuses(&answer), [400], "{request:?}: {answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    for request in [
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02",
        "GET / HTTP/3.1\r\n\r\n",
    ] {
        assert_eq!(statuses(&server.tell(request).await), [400], "{request:?}");
    }
    assert_eq!(server.accepted().await, 0);
}

#[tokio::test]
async fn earlier_answers_come_first_wherever_the_bytes_are_cut() {
    let server = Server::start(the_eye::Limits::default()).await;
    let bad = "POST /events HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let body = crate::support::page_view().to_string();
    let (first, second) = body.split_at(body.len() / 2);
    let chunked = format!(
        "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         {:x};ext=\"1\"\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
        first.len(),
        second.len(),
    );
    let all = format!("{GET}{}\r\n{chunked}{bad}{}", post(""), post(""));
    for (round, size) in [all.len(), 1, 7, 64, 501].into_iter().enumerate() {
        let mut client = server.connect().await;
        for part in all.as_bytes().chunks(size) {
            client.send(part).await;
            tokio::task::yield_now().await;
        }
        let answers = client.rest().await;
        assert_eq!(statuses(&answers), [200, 201, 201, 400], "in parts of {size}: {answers}");
        assert_eq!(server.accepted().await, 2 * (round as u64 + 1));
    }
    assert!(server.counts("eye_connections_ended_total{reason=\"framing\"} 5"));
}

#[tokio::test]
async fn a_request_in_a_body_is_a_body() {
    let server = Server::start(the_eye::Limits::default()).await;
    let inner = post("");
    let length = inner.len();
    let head = "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    for request in [
        format!("{head}Content-Length: {length}\r\n\r\n{inner}"),
        format!("{head}Content-Length: {length}\r\nContent-Length: {length}\r\n\r\n{inner}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"),
    ] {
        let answers =
            server.tell(format!("{request}GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(statuses(&answers), [400, 200], "{request}: {answers}");
    }
    assert_eq!(server.accepted().await, 0);
}

#[tokio::test]
async fn heads_and_urls_have_bounds() {
    let server = Server::start(the_eye::Limits::default()).await;
    let get = |query: &str, headers: &str| {
        format!("GET /events?{query} HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\r\n")
    };
    let header = |number: usize| format!("X-{number}: y\r\n");
    let headers = |count: usize| (0..count).map(header).collect::<String>();
    assert_eq!(statuses(&server.tell(get("", &headers(98))).await), [200]);
    assert_eq!(statuses(&server.tell(get("", &headers(99))).await), [431]);
    let left = (16 << 10) - get("", "X: \r\n").len();
    assert_eq!(statuses(&server.tell(get("", &format!("X: {}\r\n", "y".repeat(left)))).await), [200]);
    assert_eq!(statuses(&server.tell(get("", &format!("X: {}\r\n", "y".repeat(left + 1)))).await), [431]);
    assert_eq!(statuses(&server.tell(format!("GET /{}", "x".repeat(1 << 20))).await), [431]);
    let left = (8 << 10) - "/events?session_id=".len();
    assert_eq!(statuses(&server.tell(get(&format!("session_id={}", "y".repeat(left)), "")).await), [200]);
    let answer = server.tell(get(&format!("session_id={}", "y".repeat(left + 1)), "")).await;
    assert_eq!(statuses(&answer), [414]);
    assert!(answer.ends_with(r#"{"detail":"The URL is longer than 8192 bytes."}"#), "{answer}");
}
