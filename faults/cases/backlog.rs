//! The store is away for long while events come at a steady rate: the queue grows on the disk and not in
//! memory, and is stored at full speed once the store is back, while the API goes on.

use std::time::Duration;

use the_eye::clock::Stopwatch;

use crate::account::Pace;
use crate::arguments::Scale;
use crate::house::{Pair, Plan};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Each of eight clients sends 50 events in such a time: 5,000 a second, or a fifth of that where the program is
/// not built for speed.
const PACE: Duration = Duration::from_millis(80);
const QUICK_PACE: Duration = Duration::from_millis(400);

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    let away = Duration::from_secs(scale.cycles(8, 600));
    let pace = Pace::Every(if scale.quick { QUICK_PACE } else { PACE });
    report.add(on(Pair::TO_POSTGRES, away, pace).await);
    report.add(on(Pair::SHARED, away, pace).await);
}

async fn on(pair: Pair, away: Duration, pace: Pace) -> Row {
    let mut trial = Trial::begin_at("store away", Plan::of(pair), pace).await;
    trial.ledger.more_verdicts(20).await;
    trial.house.postgres.as_mut().expect("the pair has one").stop().await;
    let begin = trial.ledger.answered();
    // A tenth of the time is for buffers and caches to fill.
    tokio::time::sleep(away / 10).await;
    let early = memory(&trial);
    tokio::time::sleep(away - away / 10).await;
    let late = memory(&trial);
    let end = trial.ledger.answered();
    let depth = trial.house.api.metric("eye_queue_depth").await.unwrap_or_default();
    let rate = (end.acknowledged - begin.acknowledged) as f64 / away.as_secs_f64();
    trial.expect(end.busy == begin.busy, || "a 503 while the queue had room".to_owned());
    trial.note(format!("{rate:.0} events/s for {} s, then {depth:.0} in the queue", away.as_secs()));
    trial.note(format!("memory {} MB after a tenth of it, {} MB at the end", early >> 20, late >> 20));
    trial.expect(late < early * 3 / 2 + (16 << 20), || format!("memory grew from {early} to {late} bytes"));

    trial.house.postgres.as_mut().expect("the pair has one").restart().await;
    let (watch, before) = (Stopwatch::start(), trial.ledger.answered());
    let in_time = trial.house.is_shorter_than(1000.0, away + Duration::from_secs(60)).await;
    trial.expect(in_time, || "it is not stored faster than events come".to_owned());
    let time = watch.elapsed();
    let after = trial.ledger.answered();
    let meanwhile = (after.acknowledged - before.acknowledged) as f64;
    trial.note(format!(
        "stored at {:.0} events/s, while {:.0} events/s were taken in",
        (depth + meanwhile) / time.as_secs_f64(),
        meanwhile / time.as_secs_f64()
    ));
    trial.expect(after.busy == before.busy, || "a 503 while it was being stored".to_owned());
    trial.recovered(time);
    trial.finish().await
}

/// Memory of the process that takes events in.
fn memory(trial: &Trial) -> u64 {
    trial.house.api.memory("VmRSS")
}
