//! The power is cut: whatever was not flushed never reaches the disk, ours, Redis's and PostgreSQL's data
//! alike. The controls are the same with something that does not flush, and have to lose events.

use the_eye::clock::Stopwatch;

use super::strace::Strace;
use crate::account::Power;
use crate::arguments::Scale;
use crate::house::{Launch, Link, Pair, Plan, Site};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Room for the data of one trial.
pub(super) const DISK_MIB: u64 = 1024;

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for pair in Pair::ALL {
        let cycles = scale.cycles(if pair == Pair::EMBEDDED || pair == Pair::SHARED { 3 } else { 1 }, 25);
        report.add(on(pair, cycles).await);
    }
    let few = scale.cycles(2, 5);
    for unflushed in [Unflushed::Queue, Unflushed::Store, Unflushed::Redis, Unflushed::Postgres] {
        report.add(control(unflushed, few).await);
    }
}

/// What does not flush in a control.
#[derive(Debug, Clone, Copy)]
enum Unflushed {
    Queue,
    Store,
    Redis,
    Postgres,
}

async fn on(pair: Pair, cycles: u64) -> Row {
    let site = match Site::ext4(DISK_MIB) {
        Ok(site) => site,
        Err(why) => return Row::skipped("power cut", pair, why),
    };
    // Flushes are on for what The Eye commits, whatever the server's default is.
    let plan = Plan { site, postgres: &[("synchronous_commit", "off")], ..Plan::of(pair) };
    cut(Trial::begin("power cut", plan).await, cycles).await
}

async fn control(unflushed: Unflushed, cycles: u64) -> Row {
    let (what, pair) = match unflushed {
        Unflushed::Queue => ("queue.db is not flushed", Pair::EMBEDDED),
        Unflushed::Store => ("events.db is not flushed", Pair::APART),
        Unflushed::Redis => ("Redis: appendfsync everysec", Pair::FROM_REDIS),
        Unflushed::Postgres => ("PostgreSQL: synchronous_commit off", Pair::TO_POSTGRES),
    };
    let fault = format!("control: {what}");
    let site = match Site::ext4(DISK_MIB) {
        Ok(site) => site,
        Err(why) => return Row::skipped(fault, pair, why),
    };
    let log_of = |file: &str| site.root().join(format!("eye/data/{file}-wal"));
    let mut launch = Launch::default();
    match unflushed {
        Unflushed::Queue => launch.under = Strace::lies_about(&[log_of("queue.db")]),
        Unflushed::Store => launch.under = Strace::lies_about(&[log_of("events.db")]),
        Unflushed::Redis | Unflushed::Postgres => (),
    }
    let mut plan = Plan { site, launch, ..Plan::of(pair) };
    match unflushed {
        Unflushed::Redis => plan.redis = &[("appendfsync", "everysec")],
        Unflushed::Postgres => {
            // By itself it writes what was committed five times a second, and there may be nothing to lose.
            plan.postgres =
                &[("synchronous_commit", "off"), ("wal_writer_delay", "10000"), ("wal_writer_flush_after", "131072")];
            plan.proxies = Some(Link::Unflushed);
        }
        Unflushed::Queue | Unflushed::Store => (),
    }
    cut(Trial::begin(fault, plan).await.control(), cycles).await
}

async fn cut(mut trial: Trial, cycles: u64) -> Row {
    let mut repaired = 0;
    for _ in 0..cycles {
        trial.some_load(100, 600).await;
        power_cycle(&mut trial).await;
        repaired += usize::from(trial.house.repair_redis());
        let watch = Stopwatch::start();
        trial.house.start_all().await;
        trial.ledger.goes_on().await;
        trial.recovered(watch.elapsed());
    }
    if repaired > 0 {
        trial.note(format!("Redis's file had to be mended {repaired} times (redis-check-aof --fix)"));
    }
    trial.finish().await
}

/// Cuts the power, ends everything, and mounts the disk again.
pub(super) async fn power_cycle(trial: &mut Trial) {
    trial.ledger.power(Power::Off);
    trial.house.site.cut();
    trial.house.kill_all().await;
    trial.house.site.power_on();
    trial.ledger.power(Power::On);
}
