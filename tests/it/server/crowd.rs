//! Thousands who are slow or silent, and some in between who want to be served.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use the_eye::clock::Stopwatch;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::{Client, post, statuses};
use crate::support::process::Process;

/// Heads of which a byte comes each second.
const SLOW: usize = 2_000;
/// Connections on which nothing comes.
const SILENT: usize = 2_000;
/// Bodies of which a byte comes each second.
const SLOW_BODIES: usize = 50;
/// Clients that are served, and the requests of each.
const GOOD: usize = 4;
const REQUESTS: usize = 500;

/// What may be slower: the contract says twice.
const RATIO: f64 = 2.0;
/// Machines have bad moments, a server that is held up has nothing else.
const TRIES: usize = 3;

/// The latency that one of a hundred requests has or exceeds.
async fn p99(address: &str) -> Duration {
    let mut clients = JoinSet::new();
    for _ in 0..GOOD {
        let mut client = Client(TcpStream::connect(address).await.unwrap());
        clients.spawn(async move {
            let mut latencies = Vec::new();
            for _ in 0..REQUESTS {
                let start = Stopwatch::start();
                client.send(post("")).await;
                assert_eq!(statuses(&client.answer().await), [201]);
                latencies.push(start.elapsed());
            }
            latencies
        });
    }
    let mut latencies = clients.join_all().await.concat();
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}

/// Those who are in the way, and the task that lets them drip.
async fn crowd(address: &str) -> (Vec<TcpStream>, JoinSet<()>) {
    let mut slow = Vec::new();
    let mut silent = Vec::new();
    for number in 0..SLOW + SLOW_BODIES {
        let mut client = Client(TcpStream::connect(address).await.unwrap());
        let begun = match number < SLOW {
            true => "GET /events?session_id=",
            false => {
                "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n"
            }
        };
        client.send(begun).await;
        slow.push(client.0);
    }
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let mut dripping = JoinSet::new();
    dripping.spawn(async move {
        // A tenth of them ten times a second, as clients that know nothing of each other would.
        let mut tenths = interval(Duration::from_millis(100));
        let tenth = slow.len() / 10;
        for drop in slow.chunks(tenth).cycle() {
            tenths.tick().await;
            for stream in drop {
                let _ = stream.try_write(b"x");
            }
        }
    });
    (silent, dripping)
}

/// Connections that the server has.
async fn connections(base: &str) -> usize {
    let metrics = reqwest::get(format!("{base}/metrics")).await.unwrap().text().await.unwrap();
    let line = metrics.lines().find_map(|line| line.strip_prefix("eye_connections ")).unwrap();
    line.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_slow_and_silent_clients_holds_nobody_up() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Process::start(folder.path(), &["--listen", "127.0.0.1:0", "--no-worker"]).await;
    let address = server.base.strip_prefix("http://").unwrap();
    p99(address).await;
    let mut ratios = Vec::new();
    for _ in 0..TRIES {
        let quiet = p99(address).await;
        let crowd = crowd(address).await;
        let crowded = p99(address).await;
        let there = connections(&server.base).await;
        assert!(there >= SLOW + SILENT + SLOW_BODIES, "{there} connections: the crowd is there");
        drop(crowd);
        ratios.push(crowded.as_secs_f64() / quiet.as_secs_f64());
        println!("p99 quiet {quiet:?}, with {there} connections {crowded:?}");
        if ratios.last() < Some(&RATIO) {
            return;
        }
    }
    panic!("the p99 of good clients rose by {ratios:?}");
}
