//! A flush fails with EIO, and the power is cut a little later: what the failed flush was to write down
//! must not have been acknowledged. In the memory of the system it is there all the while, so that only
//! the cut shows who took it for written.

use std::time::Duration;

use the_eye::clock::Stopwatch;

use super::power::{DISK_MIB, power_cycle};
use super::strace::Strace;
use crate::arguments::Scale;
use crate::house::{Pair, Plan, Site};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Whose flush it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Queue,
    Store,
    Redis,
    Postgres,
}

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    let cycles = scale.cycles(2, 15);
    for (whose, pair, fault) in [
        (Whose::Queue, Pair::EMBEDDED, "a flush of queue.db fails"),
        (Whose::Store, Pair::APART, "a flush of events.db fails"),
        (Whose::Redis, Pair::SHARED, "a flush of Redis fails"),
        (Whose::Postgres, Pair::SHARED, "a flush of PostgreSQL fails"),
    ] {
        report.add(match Site::ext4(DISK_MIB) {
            Ok(site) => on(whose, fault, Plan { site, ..Plan::of(pair) }, cycles).await,
            Err(why) => Row::skipped(fault, pair, why),
        });
    }
}

async fn on(whose: Whose, fault: &str, plan: Plan<'_>, cycles: u64) -> Row {
    let mut trial = Trial::begin(fault, plan).await;
    let mut failed = 0;
    for cycle in 0..cycles {
        trial.some_load(20, 60).await;
        // One flush fails, or all from some moment on.
        let number = trial.dice.between(2, if whose == Whose::Store { 8 } else { 40 });
        let when = if cycle % 2 == 0 { number.to_string() } else { format!("{number}+") };
        let strace = break_flushes(&trial, whose, &when).await;
        // A store that has all there is to store flushes no more, and a trace may be refused.
        let patience = Stopwatch::start();
        trial.ledger.until(|_| strace.failed() > 0 || patience.elapsed() > Duration::from_secs(60)).await;
        trial.expect(strace.failed() > 0, || "no flush failed in a minute".to_owned());
        // Who goes on after it has some time to say something wrong.
        let enough = trial.dice.between(0, 40);
        trial.ledger.more_verdicts_or_silence(enough).await;
        failed += strace.failed();
        let again = strace.tried_again();
        trial.expect(again.is_empty(), || format!("flushed again as if nothing had been: {}", again[0]));
        power_cycle(&mut trial).await;
        let watch = Stopwatch::start();
        trial.house.start_all().await;
        trial.ledger.goes_on().await;
        trial.recovered(watch.elapsed());
    }
    trial.note(format!("{failed} flushes failed"));
    trial.finish().await
}

/// Makes flushes of whoever it is fail.
async fn break_flushes(trial: &Trial, whose: Whose, when: &str) -> Strace {
    let house = &trial.house;
    let data = house.site.root().join("eye/data");
    let (processes, files) = match whose {
        Whose::Queue => (vec![house.api.id().to_string()], vec![data.join("queue.db-wal"), data.join("queue.db")]),
        Whose::Store => {
            let worker = house.worker.as_ref().expect("the pair has one");
            (vec![worker.id().to_string()], vec![data.join("events.db-wal"), data.join("events.db")])
        }
        Whose::Redis => (house.redis.as_ref().expect("the pair has one").processes(), Vec::new()),
        Whose::Postgres => (house.postgres.as_ref().expect("the pair has one").processes(), Vec::new()),
    };
    Strace::fails(&processes, &files, when, house.note("strace")).await
}
