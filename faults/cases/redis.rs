//! Redis is told to flush less, which turns 201 into 202 at once, or is emptied, which is said loudly.

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Pair, Plan};
use crate::report::Report;
use crate::trial::{Row, Trial};

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    report.add(everysec(scale.cycles(3, 50)).await);
    report.add(emptied(scale.cycles(3, 20)).await);
}

async fn everysec(cycles: u64) -> Row {
    let mut trial = Trial::begin("redis: appendfsync everysec", Plan::of(Pair::SHARED)).await;
    for _ in 0..cycles {
        trial.some_load(50, 150).await;
        set(&trial, "everysec").await;
        // What was answered before may be on its way to the client still: one request of each of eight, and others
        // may be faster meanwhile.
        trial.ledger.more_verdicts(40).await;
        let before = trial.ledger.answered();
        trial.ledger.more_verdicts(100).await;
        let promised = trial.ledger.answered().acknowledged - before.acknowledged;
        trial.expect(promised == 0, || format!("{promised} were acknowledged as durable"));
        let watch = Stopwatch::start();
        set(&trial, "always").await;
        trial.ledger.goes_on().await;
        trial.recovered(watch.elapsed());
    }
    let count = trial.ledger.answered().at_risk;
    trial.note(format!("{count} requests were answered with 202"));
    trial.finish().await
}

async fn set(trial: &Trial, appendfsync: &str) {
    let redis = trial.house.redis.as_ref().expect("the pair has one");
    assert_eq!(redis.command(&["CONFIG", "SET", "appendfsync", appendfsync]).await, "OK");
}

async fn emptied(cycles: u64) -> Row {
    let mut trial = Trial::begin("redis: FLUSHALL", Plan::of(Pair::SHARED)).await;
    for _ in 0..cycles {
        trial.some_load(50, 150).await;
        let said = said(&trial);
        let redis = trial.house.redis.as_ref().expect("the pair has one");
        assert_eq!(redis.command(&["FLUSHALL"]).await, "OK");
        let watch = Stopwatch::start();
        trial.ledger.goes_on().await;
        trial.house.more_is_stored().await;
        trial.recovered(watch.elapsed());
        let more = self::said(&trial) - said;
        trial.expect(more > 0, || "nobody said that the queue was emptied".to_owned());
    }
    // Who removes what is in the queue loses it; the rest must be as it was.
    trial.forgive_loss();
    trial.finish().await
}

/// How often somebody said that the queue was emptied.
fn said(trial: &Trial) -> usize {
    trial.house.logs().matches("was emptied by somebody").count()
}
