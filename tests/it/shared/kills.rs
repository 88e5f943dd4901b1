//! Workers that are killed with a batch in hand, and one that is only slow. The other parts are killed in
//! `faults`.

use std::collections::HashMap;
use std::sync::Arc;

use the_eye::clock::Stopwatch;

use super::start;
use crate::support::account::{Ledger, Load, Pace, Promise, Verdict};
use crate::support::load::drained;
use crate::support::process::Process;
use crate::support::servers::{Postgres, Redis};
use crate::support::sql;

const CYCLES: u64 = 8;

/// Everything that there is one or two of.
struct House {
    postgres: Postgres,
    redis: Redis,
    folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    /// How long it took each time until it went on; for whoever runs this by hand.
    recovered: Vec<f64>,
}

/// Keeps everyone from inserting events.
struct Lock(tokio_postgres::Client);

impl Lock {
    async fn take(url: &str) -> Self {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("BEGIN; LOCK TABLE event IN SHARE MODE").await.unwrap();
        Self(client)
    }

    async fn release(self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

impl House {
    async fn new() -> Self {
        let (postgres, redis) = (Postgres::start().await, Redis::start().await);
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(Ledger::new(folder.path().join("account")));
        Self { postgres, redis, folder, ledger, recovered: Vec::new() }
    }

    async fn api(&self) -> Process {
        let arguments = ["serve", "--no-worker", "--listen", "127.0.0.1:0"];
        start(self.folder.path(), &arguments, &self.postgres.url(), &self.redis.url()).await
    }

    async fn worker(&self) -> Process {
        start(self.folder.path(), &["worker"], &self.postgres.url(), &self.redis.url()).await
    }

    /// The workers that Redis knows of, and how many entries each holds.
    async fn consumers(&self) -> HashMap<String, u64> {
        let text = self.redis.command(&["XINFO", "CONSUMERS", "eye:events", "workers"]).await;
        // name, NAME, pending, NUMBER, …
        let of_one = |part: &str| {
            let mut lines = part.trim().lines();
            (lines.next().unwrap().to_owned(), lines.nth(1).unwrap().parse().unwrap())
        };
        text.split("name\n").skip(1).map(of_one).collect()
    }

    /// Waits until more is stored than now.
    async fn more_is_stored(&self) {
        let count = async || sql(&self.postgres.url(), "SELECT count(*) FROM event").await;
        let before = count().await;
        while count().await == before {
            tokio::task::yield_now().await;
        }
    }

    /// Stores the rest, and holds the account against it.
    #[expect(clippy::print_stdout, reason = "figures for whoever runs this by hand")]
    async fn check(self, base: &str, load: Load) {
        load.stop().await;
        drained(base).await;
        let verdict = Verdict::of(&self.ledger, base, Promise::Durable).await;
        let acknowledged = verdict.acknowledged;
        assert!(verdict.is_clean() && acknowledged > CYCLES * 20, "{verdict:?}");
        assert!(!self.postgres.log().contains("deadlock"), "{}", self.postgres.log());
        let slowest = self.recovered.iter().copied().fold(0.0, f64::max);
        println!("{acknowledged} acknowledged; at the slowest it went on after {slowest:.2} s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_worker_in_mid_batch() {
    let mut house = House::new().await;
    let (api, _other) = (house.api().await, house.worker().await);
    let load = Load::start(std::slice::from_ref(&api.base), &house.ledger, Pace::Full);
    // The one that stays is known before the others come.
    house.more_is_stored().await;
    for _ in 0..CYCLES {
        let known = house.consumers().await;
        let worker = house.worker().await;
        // Nothing can be inserted, so that sooner or later the new one has a batch in hand.
        let lock = Lock::take(&house.postgres.url()).await;
        let name = loop {
            let consumers = house.consumers().await;
            let new = consumers.into_iter().find(|(name, pending)| !known.contains_key(name) && *pending > 0);
            match new {
                Some((name, _)) => break name,
                None => tokio::task::yield_now().await,
            }
        };
        worker.kill().await;
        let watch = Stopwatch::start();
        lock.release().await;
        // It is forgotten once somebody else has taken over all that it held.
        while house.consumers().await.contains_key(&name) {
            tokio::task::yield_now().await;
        }
        house.recovered.push(watch.seconds());
    }
    house.check(&api.base, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_worker_keeps_what_it_has_however_long_that_takes() {
    let house = House::new().await;
    let (api, _worker, _other) = (house.api().await, house.worker().await, house.worker().await);
    let load = Load::start(std::slice::from_ref(&api.base), &house.ledger, Pace::Full);
    house.more_is_stored().await;
    let lock = Lock::take(&house.postgres.url()).await;
    while house.consumers().await.values().filter(|pending| **pending > 0).count() < 2 {
        tokio::task::yield_now().await;
    }
    load.stop().await;
    let before = house.consumers().await;
    // Twice as long as a dead one would have been left alone.
    let mut half_seconds = tokio::time::interval(std::time::Duration::from_millis(500));
    for _ in 0..20 {
        half_seconds.tick().await;
    }
    assert_eq!(house.consumers().await, before);
    lock.release().await;
    drained(&api.base).await;
    assert!(house.consumers().await.values().all(|pending| *pending == 0));
    assert_eq!(house.redis.command(&["HGET", "eye:state", "bytes"]).await, "0");
    let verdict = Verdict::of(&house.ledger, &api.base, Promise::Durable).await;
    assert!(verdict.is_clean(), "{verdict:?}");
}
