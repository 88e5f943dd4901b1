//! The power is cut: whatever was not flushed never reaches the disk, ours, Redis's and PostgreSQL's data
//! alike. The controls are the same with something that does not flush, and have to lose events.

use the_eye::clock::Stopwatch;

use super::strace::Strace;
use crate::arguments::Scale;
use crate::house::{House, Launch, Pair, Plan, Site};
use crate::trial::{Row, Trial};

/// Room for the data of one trial.
pub(super) const DISK_MIB: u64 = 1024;

pub(super) async fn run(scale: &Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for pair in Pair::ALL {
        let cycles = scale.cycles(if pair == Pair::EMBEDDED || pair == Pair::SHARED { 3 } else { 1 }, 40);
        rows.push(on(pair, cycles).await);
    }
    let few = scale.cycles(2, 5);
    rows.push(control("queue.db is not flushed", Pair::EMBEDDED, few).await);
    rows.push(control("events.db is not flushed", Pair::APART, few).await);
    rows.push(control("Redis: appendfsync everysec", Pair::FROM_REDIS, few).await);
    rows.push(control("PostgreSQL: fsync off", Pair::TO_POSTGRES, few).await);
    rows
}

async fn on(pair: Pair, cycles: u64) -> Row {
    let site = match Site::ext4(DISK_MIB) {
        Ok(site) => site,
        Err(why) => return Row::skipped("power cut", pair, why),
    };
    // The Eye turns it on again, for itself.
    let plan = Plan { site, postgres: &[("synchronous_commit", "off")], ..Plan::of(pair) };
    cut(Trial::begin("power cut", plan).await, cycles).await
}

async fn control(what: &str, pair: Pair, cycles: u64) -> Row {
    let fault = format!("control: {what}");
    let site = match Site::ext4(DISK_MIB) {
        Ok(site) => site,
        Err(why) => return Row::skipped(fault, pair, why),
    };
    let mut launch = Launch::default();
    let mut plan = Plan { site, ..Plan::of(pair) };
    match what.split([' ', ':']).next() {
        Some("Redis") => plan.redis = &[("appendfsync", "everysec")],
        Some("PostgreSQL") => {
            plan.postgres = &[("fsync", "off")];
            launch.set("EYE_ACCEPT_DATA_LOSS", "true");
        }
        Some(file) => launch.under = Strace::lies_about(&[&plan.site.root().join(format!("eye/data/{file}-wal"))]),
        None => unreachable!("something is not flushed"),
    }
    plan.launch = launch;
    cut(Trial::begin(fault, plan).await.control(), cycles).await
}

async fn cut(mut trial: Trial, cycles: u64) -> Row {
    for _ in 0..cycles {
        trial.some_load(100, 600).await;
        power_cycle(&mut trial.house).await;
        let watch = Stopwatch::start();
        trial.house.start_all().await;
        trial.ledger.more_acknowledged(1).await;
        trial.recovered(watch.elapsed());
    }
    trial.finish().await
}

/// Cuts the power, ends everything, and mounts the disk again.
pub(super) async fn power_cycle(house: &mut House) {
    house.site.cut();
    house.kill_all().await;
    house.site.power_on();
}
