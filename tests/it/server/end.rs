//! The end: whoever has begun a request gets its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use the_eye::{CancellationToken, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{BOUND, Client, GET, Server, post, statuses};
use crate::support::process::Process;

const CLIENTS: usize = 8;
const CYCLES: usize = 5;

fn patient() -> Limits {
    Limits { farewell: BOUND, ..Limits::default() }
}

#[tokio::test]
async fn who_is_in_the_queue_of_the_listener_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut client = Client(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        client.send(post("")).await;
        clients.push(client);
    }
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let server = Server::on(listener, patient(), shutdown).await;
    for client in &mut clients {
        let answer = client.answer().await;
        assert_eq!(statuses(&answer), [201]);
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    assert_eq!(server.accepted().await, 20);
}

#[tokio::test]
async fn who_was_idle_and_sends_after_the_signal_is_answered_for_the_last_time() {
    let mut server = Server::start(patient()).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.send(GET).await;
    let answer = idle.answer().await;
    assert!(!answer.contains("connection: close"), "{answer}");
    let mut half = server.connect().await;
    half.send("GET /healthz HT").await;
    let mut pipelined = server.connect().await;
    server.shutdown.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    pipelined.send(GET.repeat(3)).await;
    half.send("TP/1.1\r\nHost: localhost\r\n\r\n").await;
    for client in [&mut silent, &mut idle] {
        client.send(GET).await;
    }
    for client in [silent, idle, half] {
        let mut client = client;
        let answer = client.rest().await;
        assert_eq!(statuses(&answer), [200]);
        assert!(answer.contains("connection: close\r\n"), "{answer}");
    }
    let answers = pipelined.rest().await;
    assert_eq!(statuses(&answers), [200, 200, 200]);
    assert_eq!(answers.matches("connection: close\r\n").count(), 1, "{answers}");
    drop(pipelined);
    tokio::time::timeout(BOUND, &mut server.serving).await.expect("it ends").unwrap();
}

#[tokio::test]
async fn who_stays_idle_is_closed_and_holds_nothing_up() {
    let limits = Limits { farewell: Duration::from_millis(50), ..Limits::default() };
    let mut server = Server::start(limits).await;
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.send(GET).await;
    idle.answer().await;
    server.shutdown.cancel();
    assert_eq!((silent.rest().await, idle.rest().await), (String::new(), String::new()));
    tokio::time::timeout(BOUND, &mut server.serving).await.expect("it ends").unwrap();
}

/// One client: requests on a connection that is kept, or on a new one each time. It ends when
/// nothing listens any more, and counts what was begun and what was answered.
async fn ask(address: String, keeps: bool, answered: Arc<AtomicUsize>, unanswered: Arc<AtomicUsize>) {
    let request = post("");
    while let Ok(mut stream) = TcpStream::connect(&address).await {
        loop {
            let closed = match keeps {
                true => &request,
                false => &request.replace("Host: localhost\r\n", "Host: localhost\r\nConnection: close\r\n"),
            };
            let mut answer = Vec::new();
            let asked = stream.write_all(closed.as_bytes()).await;
            while !answer.ends_with(b"}") && matches!(stream.read_buf(&mut answer).await, Ok(1..)) {}
            let answer = String::from_utf8(answer).unwrap();
            if asked.is_err() || statuses(&answer) != [201] {
                unanswered.fetch_add(1, Ordering::Relaxed);
                break;
            }
            answered.fetch_add(1, Ordering::Relaxed);
            if answer.contains("connection: close") {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_leaves_no_request_unanswered() {
    let folder = tempfile::tempdir().unwrap();
    for cycle in 0..CYCLES {
        let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0"]).await;
        let (answered, unanswered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let address = server.base.strip_prefix("http://").unwrap();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| tokio::spawn(ask(address.to_owned(), number % 2 == 0, answered.clone(), unanswered.clone())))
            .collect();
        while answered.load(Ordering::Relaxed) < 100 * (cycle + 1) {
            tokio::task::yield_now().await;
        }
        server.terminate().await;
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(server.exit_code().await, Some(0));
        assert_eq!(unanswered.load(Ordering::Relaxed), 0, "of {}", answered.load(Ordering::Relaxed));
    }
}

#[tokio::test]
async fn an_answer_that_is_held_is_given_at_the_end() {
    // Nobody stores anything here, so that it would be held for all its time.
    let server = Server::start(patient()).await;
    let mut client = server.connect().await;
    client.send(post("Prefer: wait=30\r\n")).await;
    while server.accepted().await == 0 {
        tokio::task::yield_now().await;
    }
    server.shutdown.cancel();
    let answer = client.answer().await;
    assert_eq!(statuses(&answer), [201]);
    assert!(!answer.contains("preference-applied"), "{answer}");
}
