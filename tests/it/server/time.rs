//! Time-outs: who is cut off, and who is not. Limits are short here; nothing is measured, it is only
//! told who was cut off and who was not.

use std::time::Duration;

use serde_json::json;
use the_eye::Limits;
use tokio::time::{interval, timeout};

use super::{BOUND, Client, GET, Server, post, statuses};
use crate::support::page_view_with;
use crate::support::stream::Stream;

const SHORT: Duration = Duration::from_millis(100);

fn limits(head: Duration, idle: Duration) -> Limits {
    Limits { head, idle, ..Limits::default() }
}

/// Sends a byte now and then until the connection is closed, and gives what the server said.
async fn drip(client: &mut Client, byte: u8) -> String {
    let mut drops = interval(SHORT / 10);
    let dripping = async {
        let mut said = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            tokio::select! {
                _ = drops.tick() => drop(client.0.try_write(&[byte])),
                ready = client.0.readable() => {
                    ready.unwrap();
                    match client.0.try_read(&mut buffer) {
                        Ok(0) | Err(_) if !said.is_empty() => return said,
                        Ok(0) => return said,
                        Ok(bytes) => said.extend_from_slice(&buffer[..bytes]),
                        Err(_) => (),
                    }
                }
            }
        }
    };
    String::from_utf8(timeout(BOUND, dripping).await.expect("it is closed")).unwrap()
}

#[tokio::test]
async fn half_a_head_is_a_408_however_it_drips() {
    let server = Server::start(limits(SHORT, BOUND * 2)).await;
    for before in ["", "\r\n", GET] {
        let mut client = server.connect().await;
        client.send(before).await;
        if before == GET {
            assert_eq!(statuses(&client.answer().await), [200]);
        }
        client.send("GET /healthz HTTP/1.1\r\nHost: a\r\nX: ").await;
        let answer = drip(&mut client, b'x').await;
        assert_eq!(statuses(&answer), [408], "{answer}");
        assert!(answer.contains("Connection: close\r\n"), "{answer}");
        assert!(answer.ends_with(r#"{"detail":"The request did not come in time."}"#), "{answer}");
    }
    let half = server.tell("POST /ev").await;
    assert_eq!(statuses(&half), [408]);
    assert!(server.counts("eye_connections_ended_total{reason=\"head_timeout\"} 4"));
}

#[tokio::test]
async fn who_sends_no_request_is_closed_before_the_first_and_between_two() {
    let server = Server::start(limits(BOUND * 2, SHORT)).await;
    assert_eq!(server.tell("").await, "");
    assert_eq!(server.tell("\r\n").await, "");
    assert_eq!(drip(&mut server.connect().await, b'\n').await, "", "empty lines are no request");
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send(GET).await;
        assert_eq!(statuses(&client.answer().await), [200]);
    }
    assert_eq!(client.rest().await, "");
    assert!(server.counts("eye_connections_ended_total{reason=\"idle\"} 4"));
}

#[tokio::test]
async fn a_request_in_hand_is_not_cut_off() {
    let server = Server::start(limits(SHORT, SHORT)).await;
    // A body that comes late, an answer that is held, and a stream. So long: until others were cut
    // off several times.
    let request = post("");
    let (first, second) = request.split_at(request.len() - 10);
    let mut late = server.connect().await;
    late.send(first).await;
    let mut held = server.connect().await;
    held.send(post("Prefer: wait=2\r\n")).await;
    let mut stream = Stream::open(&format!("http://{}/live", server.address), None).await;
    for _ in 0..5 {
        assert_eq!(server.tell("").await, "");
    }
    late.send(second).await;
    assert_eq!(statuses(&late.answer().await), [201]);
    assert_eq!(statuses(&held.answer().await), [201]);
    let mut client = server.connect().await;
    let event = page_view_with(&json!({ "session_id": "live" })).to_string();
    let length = event.len();
    client
        .send(format!(
            "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{event}"
        ))
        .await;
    assert_eq!(statuses(&client.answer().await), [201]);
    server.eye.worker().drain().await;
    let sessions: Vec<_> = stream.take(3).await.iter().map(|told| told.data["session_id"].clone()).collect();
    assert!(sessions.contains(&json!("live")), "{sessions:?}");
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_not_waited_for() {
    let server = Server::start(limits(BOUND * 2, BOUND * 2)).await;
    for rest in ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n64\r\n"] {
        let answer = server.tell(format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{rest}")).await;
        assert_eq!(statuses(&answer), [200], "{answer}");
    }
}
