//! The clock of our processes steps, while what measures durations goes on.

use std::path::Path;

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Launch, Pair, Plan};
use crate::report::Report;
use crate::trial::{Row, Trial};

/// Where Debian has what changes the clock of a process.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];

const STEPS: [&str; 5] = ["+1d", "+0", "-1d", "+0", "-1"];

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for pair in [Pair::EMBEDDED, Pair::SHARED] {
        report.add(match LIBRARIES.iter().find(|library| Path::new(library).exists()) {
            Some(library) => on(library, pair, scale.cycles(5, 50)).await,
            None => Row::skipped("clock steps", pair, "libfaketime is not here".to_owned()),
        });
    }
}

async fn on(library: &str, pair: Pair, cycles: u64) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    let step = |to: &str| {
        // Whole at every moment: it is read all the time.
        let new = folder.path().join("new");
        std::fs::write(&new, to).unwrap();
        std::fs::rename(new, &file).unwrap();
    };
    step("+0");
    let mut launch = Launch::default();
    launch.set("LD_PRELOAD", library);
    launch.set("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap());
    launch.set("FAKETIME_NO_CACHE", "1");
    launch.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut trial = Trial::begin("clock steps", Plan { launch, ..Plan::of(pair) }).await;
    for (_, to) in (0..cycles).zip(STEPS.iter().cycle()) {
        trial.some_load(50, 150).await;
        let watch = Stopwatch::start();
        step(to);
        trial.ledger.goes_on().await;
        trial.house.more_is_stored().await;
        trial.recovered(watch.elapsed());
    }
    // Nobody was taken for dead, or for late, because of the clock.
    let logs = trial.house.logs();
    trial.expect(!logs.contains("a worker died"), || format!("a worker was taken for dead: {logs}"));
    let (busy, unanswered) = (trial.ledger.answered().busy, trial.ledger.answered().unanswered);
    trial.expect(busy + unanswered == 0, || format!("{busy} times 503, {unanswered} not answered"));
    trial.finish().await
}
