//! SIGKILL at random moments, and a start at once.

use std::time::Duration;

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Pair, Plan};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Within which an API that was killed acknowledges again, where times mean something.
const READY: Duration = Duration::from_secs(2);

/// Whom it hits.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Api,
    Worker,
    Both,
}

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for pair in Pair::ALL {
        let long = if pair == Pair::EMBEDDED || pair == Pair::SHARED { 1000 } else { 200 };
        report.add(on(pair, scale.cycles(8, long), scale).await);
    }
}

async fn on(pair: Pair, cycles: u64, scale: &Scale) -> Row {
    let mut trial = Trial::begin("kill -9", Plan::of(pair)).await;
    for _ in 0..cycles {
        trial.some_load(1, 60).await;
        let victims = if pair.apart { &[Victim::Api, Victim::Worker, Victim::Both][..] } else { &[Victim::Both] };
        let victim = *trial.dice.pick(victims);
        let house = &mut trial.house;
        if let Victim::Worker | Victim::Both = victim
            && let Some(worker) = &mut house.worker
        {
            worker.kill().await;
        }
        if let Victim::Api | Victim::Both = victim {
            house.api.kill().await;
        }
        let watch = Stopwatch::start();
        if let Victim::Api | Victim::Both = victim {
            house.api.restart().await;
        }
        if let (Victim::Worker | Victim::Both, Some(worker)) = (victim, &mut house.worker) {
            worker.restart().await;
        }
        trial.ledger.goes_on().await;
        trial.recovered(watch.elapsed());
        trial.expect(scale.quick || watch.elapsed() < READY, || format!("it was ready after {:?}", watch.elapsed()));
    }
    trial.finish().await
}
