//! SIGTERM under load: what was begun is answered, and nothing is lost.

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Pair, Plan};
use crate::report::Report;
use crate::trial::{Row, Trial};

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for pair in [Pair::EMBEDDED, Pair::SHARED] {
        report.add(on(pair, scale.cycles(5, 100)).await);
    }
}

async fn on(pair: Pair, cycles: u64) -> Row {
    let mut trial = Trial::begin("SIGTERM", Plan::of(pair)).await;
    for _ in 0..cycles {
        trial.some_load(20, 80).await;
        let status = trial.house.api.terminate().await;
        trial.expect(status.code() == Some(0), || format!("it ended with {status}"));
        let watch = Stopwatch::start();
        trial.house.api.restart().await;
        trial.ledger.goes_on().await;
        trial.recovered(watch.elapsed());
    }
    let unanswered = trial.ledger.answered().unanswered;
    trial.expect(unanswered == 0, || format!("{unanswered} requests were begun and not answered"));
    trial.note(format!("{unanswered} requests were begun and not answered"));
    trial.finish().await
}
