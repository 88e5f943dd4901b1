//! Queries while events come in at half the peak rate, beside the same queries when it is quiet.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lists::FILTERS;
use super::{Bench, Found, load_took, said};
use crate::load::{CONNECTIONS, Latencies, Source, closed, open};
use crate::report::{Figure, Line, Rule, Series, Unit};
use crate::scale::ROUNDS;
use crate::server::Server;
use crate::stock::Stored;

/// A query begins so long after the one before: people who look, not a second load.
const PAUSE: Duration = Duration::from_millis(5);

pub(super) fn run(bench: &mut Bench) -> Found {
    let (scale, stored) = (bench.scale, bench.stock.large());
    let eye = Server::serve(stored.folder.path());
    let (mut times, mut p99, mut rates, mut cores) =
        (Series::default(), Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let peak = closed(&eye.address, CONNECTIONS, &mut Source::singles(), (scale.warm_up, scale.round / 2)).rate();
        eye.drained();
        let over = AtomicBool::new(false);
        let quiet = std::thread::scope(|threads| {
            let queries = threads.spawn(|| query(&eye, stored, &over));
            std::thread::sleep(scale.round);
            over.store(true, Ordering::Relaxed);
            queries.join().unwrap()
        });
        over.store(false, Ordering::Relaxed);
        let (busy, load) = std::thread::scope(|threads| {
            let queries = threads.spawn(|| query(&eye, stored, &over));
            let load = open(&eye.address, peak / 2.0, &mut Source::singles(), (scale.warm_up, scale.round));
            over.store(true, Ordering::Relaxed);
            (queries.join().unwrap(), load)
        });
        eye.drained();
        said(
            round,
            &format!(
                "quiet p99 {:.2} ms; at {:.0} POSTs/s {:.2} ms of {}",
                quiet.p99(),
                peak / 2.0,
                busy.p99(),
                busy.count()
            ),
        );
        times.add(busy.p99() / quiet.p99());
        p99.add(busy.p99());
        rates.add(peak / 2.0);
        cores.add(load.cores);
    }
    let line = Line {
        work: "queries while events come in at half the peak rate, p99".to_owned(),
        against: "the same when quiet".to_owned(),
        figures: vec![Figure::new(Unit::Times, times).at_most(3.0), Figure::new(Unit::Milliseconds, p99)],
        rule: Rule::All,
    };
    Found::line(line).note(format!(
        "Queries while {:.0} single POSTs/s come in, half of what the same process takes in and stores at once: all filters in \
         turn, one connection; {}.",
        rates.median(),
        load_took(&cores)
    ))
}

/// All filters in turn until it is over.
fn query(eye: &Server, stored: &Stored, over: &AtomicBool) -> Latencies {
    let (mut client, mut latencies, mut number) = (eye.client(), Latencies::new(), 0);
    while !over.load(Ordering::Relaxed) {
        let (_, ask) = FILTERS[number as usize % FILTERS.len()];
        latencies.add(client.get(&ask(stored, number)).1);
        number += 1;
        std::thread::sleep(PAUSE);
    }
    latencies
}
