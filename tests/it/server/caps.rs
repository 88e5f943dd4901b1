//! Caps: who is over one is told so at once, whoever is below goes on.

use std::process::Stdio;

use the_eye::Limits;
use tokio::process::Command;

use super::{Client, GET, Server, statuses};
use crate::support::process::{Process, binary};

/// Connections that are served, one for each number of an address.
async fn served(server: &Server, addresses: &[u8]) -> Vec<Client> {
    let mut clients = Vec::new();
    for &address in addresses {
        let mut client = server.connect_from(address).await;
        client.send(GET).await;
        assert_eq!(statuses(&client.answer().await), [200]);
        clients.push(client);
    }
    clients
}

/// Checks that a connection from there is refused, whether it says something or not.
async fn is_refused(server: &Server, address: u8) {
    for request in ["", GET] {
        let mut client = server.connect_from(address).await;
        client.send(request).await;
        let answer = client.rest().await;
        assert_eq!(statuses(&answer), [503], "{answer}");
        assert!(answer.contains("Retry-After: 1\r\n") && answer.contains("Connection: close\r\n"), "{answer}");
        assert!(answer.contains(r#"{"detail":"There are too many connections"#), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{answer}");
    }
}

#[tokio::test]
async fn one_address_and_all_together_have_a_cap() {
    let limits = Limits { connections: 5, connections_per_address: 2, ..Limits::default() };
    let server = Server::start(limits).await;
    let mut clients = served(&server, &[2, 2, 3, 3]).await;
    is_refused(&server, 2).await;
    is_refused(&server, 3).await;
    assert!(server.counts("eye_connections 4"));
    clients.extend(served(&server, &[4]).await);
    is_refused(&server, 5).await;
    assert!(server.counts("eye_connections_ended_total{reason=\"too_many_from_address\"} 4"));
    assert!(server.counts("eye_connections_ended_total{reason=\"too_many\"} 2"));
    // Those who were served before still are, and places are given back.
    for client in &mut clients {
        client.send(GET).await;
        assert_eq!(statuses(&client.answer().await), [200]);
    }
    drop(clients);
    while !server.counts("eye_connections 0") {
        tokio::task::yield_now().await;
    }
    served(&server, &[2, 2, 5, 5, 6]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_files_goes_on_when_it_has_some() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40 && exec \"$0\" --listen 127.0.0.1:0"]).arg(binary());
    command.current_dir(folder.path()).env_clear().stdout(Stdio::null()).kill_on_drop(true);
    let mut server = Process::listening(command).await;
    server.has_said("too few files").await;
    let address = server.base.strip_prefix("http://").unwrap().to_owned();
    let mut clients = Vec::new();
    for _ in 0..60 {
        clients.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    drop(clients);
    let answer = reqwest::get(format!("{}/healthz", server.base)).await.unwrap();
    assert_eq!(answer.status(), 200);
    server.terminate().await;
    assert_eq!(server.exit_code().await, Some(0));
}
