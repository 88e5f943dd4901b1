//! The memory that bodies in flight share: above it 503, and nothing is lost.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{TestEye, page_view};

/// A body is an event and then white space.
const LENGTH: usize = 16 << 20;

/// A request whose last byte is still to come.
async fn hold(eye: &TestEye) -> TcpStream {
    let mut connection = TcpStream::connect(eye.base.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {LENGTH}\r\n\r\n"
    );
    let event = page_view().to_string();
    let spaces = vec![b' '; LENGTH - 1 - event.len()];
    connection.write_all(head.as_bytes()).await.unwrap();
    connection.write_all(event.as_bytes()).await.unwrap();
    connection.write_all(&spaces).await.unwrap();
    connection
}

async fn finish(mut connection: TcpStream) -> String {
    connection.write_all(b" ").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Waits until the server has that many bytes of bodies in memory.
async fn held(eye: &TestEye, bytes: usize) {
    let line = format!("\neye_body_memory_bytes {bytes}\n");
    for _ in 0..100_000 {
        if eye.get("/metrics").await.expect(200).text.contains(&line) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{bytes} bytes of bodies never were in memory");
}

#[tokio::test]
async fn bodies_share_a_budget_and_those_without_a_share_are_sent_again() {
    let eye = TestEye::start().await;
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(hold(&eye).await);
    }
    held(&eye, 4 * (LENGTH - 1)).await;
    // Four bytes are left.
    for _ in 0..10 {
        let answer = eye.post(&page_view().to_string()).await.expect(503);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert_eq!(answer.text, r#"{"detail":"Too many requests are being read at once. Try again."}"#);
    }
    eye.post("{}").await.expect(400);
    eye.get("/events").await.expect(200);
    eye.get("/healthz").await.expect(200);
    for connection in connections {
        let answer = finish(connection).await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
    held(&eye, 0).await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 5);
    // Those without a share were not judged.
    assert_eq!(eye.get("/rejected").await.expect(200).json()["count"], 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_gives_its_share_back_and_is_no_event() {
    let eye = TestEye::start().await;
    let connection = hold(&eye).await;
    held(&eye, LENGTH - 1).await;
    drop(connection);
    held(&eye, 0).await;
    eye.post(&page_view().to_string()).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1);
}
