//! The disk is full, and has room again later.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Pair, Plan, Site};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Within which events are taken in again once there is room.
const AGAIN: Duration = Duration::from_secs(5);

/// Room for the events of all cycles; what is left over is taken each time.
const DISK_MIB: u64 = 3072;

/// Requests that have to be answered with 503 before a full disk counts as one.
const BUSY: u64 = 40;

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for pair in [Pair::EMBEDDED, Pair::APART, Pair::FROM_REDIS, Pair::TO_POSTGRES] {
        report.add(match Site::small(DISK_MIB) {
            Ok(site) => on(Plan { site, ..Plan::of(pair) }, scale).await,
            Err(why) => Row::skipped("disk full", pair, why),
        });
    }
}

async fn on(plan: Plan<'_>, scale: &Scale) -> Row {
    let mut trial = Trial::begin("disk full", plan).await;
    let ballast = trial.house.site.root().join("ballast");
    let (mut read, mut without_postgres) = (0, 0);
    let reads_postgres = trial.house.postgres.is_some();
    for _ in 0..scale.cycles(2, 20) {
        trial.some_load(50, 200).await;
        let before = trial.ledger.answered().busy;
        let mut filler = Filler::new(&ballast);
        // Whoever writes may find the last bytes first, so room is looked for again and again.
        trial.ledger.until(|answered| filler.fill() && answered.busy >= before + BUSY).await;
        for path in ["/events", "/readyz", "/metrics", "/rejected"] {
            let answer = reqwest::get(format!("{}{path}", trial.house.api.base)).await.unwrap();
            match answer.status().as_u16() {
                200 => read += 1,
                503 if path == "/readyz" => read += 1,
                // It may have ended itself: what it has nobody can read.
                503 if reads_postgres => without_postgres += 1,
                status => trial.expect(false, || format!("{path} on a full disk: {status}")),
            }
        }
        // Room comes back with the last one who holds the file.
        drop(filler);
        std::fs::remove_file(&ballast).unwrap();
        revive_servers(&mut trial).await;
        let watch = Stopwatch::start();
        trial.ledger.goes_on().await;
        let after = watch.elapsed();
        trial.expect(scale.quick || after < AGAIN, || format!("with room again it took {after:?}"));
        trial.recovered(after);
    }
    trial.note(format!("{read} reads while it was full"));
    if without_postgres > 0 {
        trial.note(format!("{without_postgres} were a 503 since PostgreSQL had ended itself"));
    }
    trial.finish().await
}

/// PostgreSQL and Redis end themselves when they cannot write their logs; whoever runs them starts them again.
async fn revive_servers(trial: &mut Trial) {
    if trial.house.redis.as_mut().is_some_and(|server| server.has_ended()) {
        trial.house.repair_redis();
        trial.house.redis.as_mut().expect("it has ended").restart().await;
    }
    if let Some(server) = &mut trial.house.postgres
        && server.has_ended()
    {
        server.restart().await;
    }
}

/// Takes whatever room there is.
struct Filler(File);

impl Filler {
    fn new(path: &Path) -> Self {
        Self(File::create(path).unwrap())
    }

    /// Always true, so that it can stand in a condition.
    fn fill(&mut self) -> bool {
        for size in [1 << 20, 4096] {
            while self.0.write_all(&vec![b'x'; size]).is_ok() {}
        }
        true
    }
}
