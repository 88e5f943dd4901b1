//! A flush fails with EIO, and the power is cut a little later: what the failed flush was to write down
//! must not have been acknowledged. In the memory of the system it is there all the while, so that only
//! the cut shows who took it for written.

use the_eye::clock::Stopwatch;

use super::power::{DISK_MIB, power_cycle};
use super::strace::Strace;
use crate::arguments::Scale;
use crate::house::{Pair, Plan, Site};
use crate::trial::{Row, Trial};

/// Whose flush it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Queue,
    Store,
    Redis,
    Postgres,
}

pub(super) async fn run(scale: &Scale) -> Vec<Row> {
    let cycles = scale.cycles(2, 25);
    let mut rows = Vec::new();
    for (whose, pair, fault) in [
        (Whose::Queue, Pair::EMBEDDED, "a flush of queue.db fails"),
        (Whose::Store, Pair::APART, "a flush of events.db fails"),
        (Whose::Redis, Pair::SHARED, "a flush of Redis fails"),
        (Whose::Postgres, Pair::SHARED, "a flush of PostgreSQL fails"),
    ] {
        rows.push(match Site::ext4(DISK_MIB) {
            Ok(site) => on(whose, fault, Plan { site, ..Plan::of(pair) }, cycles).await,
            Err(why) => Row::skipped(fault, pair, why),
        });
    }
    rows
}

async fn on(whose: Whose, fault: &str, plan: Plan<'_>, cycles: u64) -> Row {
    let mut trial = Trial::begin(fault, plan).await;
    let mut failed = 0;
    for cycle in 0..cycles {
        trial.some_load(20, 60).await;
        // One flush fails, or all from some moment on.
        let number = trial.dice.between(2, 40);
        let when = if cycle % 2 == 0 { number.to_string() } else { format!("{number}+") };
        let strace = restart_under(&mut trial, whose, &when).await;
        trial.ledger.until(|_| strace.failed() > 0).await;
        // Who goes on after it has some time to say something wrong.
        let enough = trial.dice.between(0, 40);
        trial.ledger.more_verdicts_or_silence(enough).await;
        failed += strace.failed();
        let again = strace.tried_again();
        trial.expect(again.is_empty(), || format!("flushed again as if nothing had been: {}", again[0]));
        take_away(&mut trial, whose);
        power_cycle(&mut trial.house).await;
        let watch = Stopwatch::start();
        trial.house.start_all().await;
        trial.ledger.more_acknowledged(1).await;
        trial.recovered(watch.elapsed());
    }
    trial.note(format!("{failed} flushes failed"));
    trial.finish().await
}

/// Ends whoever flushes there, and starts it again with flushes that fail.
async fn restart_under(trial: &mut Trial, whose: Whose, when: &str) -> Strace {
    let house = &mut trial.house;
    let log = house.note("strace");
    let _ = std::fs::remove_file(&log);
    let data = house.site.root().join("eye/data");
    let files = match whose {
        Whose::Queue => vec![data.join("queue.db-wal"), data.join("queue.db")],
        Whose::Store => vec![data.join("events.db-wal"), data.join("events.db")],
        Whose::Redis | Whose::Postgres => Vec::new(),
    };
    let strace = Strace::fails(&files.iter().map(|file| file.as_path()).collect::<Vec<_>>(), when, log);
    let words: Vec<_> = strace.words.iter().map(String::as_str).collect();
    match whose {
        Whose::Queue | Whose::Store => {
            let program = match (whose, &mut house.worker) {
                (Whose::Store, Some(worker)) => worker,
                _ => &mut house.api,
            };
            program.kill().await;
            program.launch.under = strace.words.clone();
            program.restart().await;
        }
        Whose::Redis => {
            let server = house.redis.as_mut().expect("the pair has one");
            server.kill().await;
            server.run_under(&words);
            server.restart().await;
        }
        Whose::Postgres => {
            let server = house.postgres.as_mut().expect("the pair has one");
            server.kill().await;
            server.run_under(&words);
            server.restart().await;
        }
    }
    strace
}

/// From the next start on flushes are what they were.
fn take_away(trial: &mut Trial, whose: Whose) {
    let house = &mut trial.house;
    match whose {
        Whose::Queue | Whose::Store => house.programs().for_each(|program| program.launch.under.clear()),
        Whose::Redis => house.redis.as_mut().expect("the pair has one").run_under(&[]),
        Whose::Postgres => house.postgres.as_mut().expect("the pair has one").run_under(&[]),
    }
}
