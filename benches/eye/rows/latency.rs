//! How long one POST takes: alone, and at half of what the server can take.

use super::{Bench, load_took, said};
use crate::bare::disk::{Place, write_and_flush};
use crate::folder::Folder;
use crate::load::{CONNECTIONS, Latencies, Source, closed, open};
use crate::mix;
use crate::report::{Figure, Found, Line, Rule, Series, Unit};
use crate::scale::ROUNDS;
use crate::server::Server;

/// One connection, which waits for each answer.
pub(super) fn one(bench: &mut Bench) -> Found {
    let (folder, empty) = (Folder::new("latency"), Server::empty());
    let eye = Server::api(folder.path());
    let (length, bytes) = ((bench.scale.warm_up, bench.scale.round / 2), event());
    let (mut times, mut over, mut post, mut flush) =
        (Series::default(), Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let median = |server: &Server| closed(&server.address, 1, &mut Source::singles(), length).latencies.median();
        let [nothing, durable] = [&empty, &eye].map(median);
        let [appended, overwritten] = [Place::End, Place::Over]
            .map(|place| write_and_flush(folder.path(), &bytes, place, bench.scale.round / 4).median());
        said(
            round,
            &format!(
                "POST {durable:.3} ms; empty handler {nothing:.3}, write and fdatasync {appended:.3}, over old bytes {overwritten:.3}"
            ),
        );
        times.add(durable / (nothing + appended));
        over.add(durable / (nothing + overwritten));
        post.add(durable);
        flush.add(appended);
    }
    let line = |against: &str, figure| Line {
        work: "single POST, 1 connection, median".to_owned(),
        against: against.to_owned(),
        figures: vec![figure],
        rule: Rule::All,
    };
    let mut found =
        Found::line(line("empty handler + write and fdatasync", Figure::new(Unit::Times, times).at_most(2.0)));
    found.lines.push(line("the same, the write over old bytes", Figure::new(Unit::Times, over)));
    found.note(format!(
        "One connection: median {:.3} ms; a write and fdatasync of the same bytes {:.3} ms.",
        post.median(),
        flush.median()
    ))
}

/// Requests that come when they come, at half the rate of a closed loop just before.
pub(super) fn open_loop(bench: &mut Bench) -> Found {
    let (folder, empty) = (Folder::new("open"), Server::empty());
    let eye = Server::api(folder.path());
    let (length, bytes) = ((bench.scale.warm_up, bench.scale.round), event());
    let (mut times, mut p99, mut rates, mut cores) =
        (Series::default(), Series::default(), Series::default(), Series::default());
    let (mut posts, mut flushes, mut nothing) = (Latencies::new(), Latencies::new(), Latencies::new());
    for round in 0..ROUNDS {
        let peak = closed(&eye.address, CONNECTIONS, &mut Source::singles(), (length.0, length.1 / 2)).rate();
        let load = open(&eye.address, peak / 2.0, &mut Source::singles(), length);
        // What of it is the load's own and the scheduler's.
        nothing.add_all(&open(&empty.address, peak / 2.0, &mut Source::singles(), length).latencies);
        let flush = write_and_flush(folder.path(), &bytes, Place::End, bench.scale.round / 2);
        said(
            round,
            &format!(
                "at {:.0}/s median {:.3} ms, p99 {:.3} ms; write and fdatasync p99 {:.3} ms",
                peak / 2.0,
                load.latencies.median(),
                load.latencies.p99(),
                flush.p99()
            ),
        );
        times.add(load.latencies.p99() / flush.p99());
        p99.add(load.latencies.p99());
        rates.add(peak / 2.0);
        cores.add(load.cores);
        posts.add_all(&load.latencies);
        flushes.add_all(&flush);
    }
    bench.plots.latencies = Some((posts.clone(), flushes));
    let line = Line {
        work: "single POST at half the peak rate, open loop, p99".to_owned(),
        against: "p99 of write and fdatasync".to_owned(),
        figures: vec![Figure::new(Unit::Times, times).at_most(5.0), Figure::new(Unit::Milliseconds, p99).at_most(10.0)],
        rule: Rule::Any,
    };
    Found::line(line).note(format!(
        "Open loop at {:.0} requests/s: median {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms of {} requests; the empty handler at the same \
         rate: p99 {:.2} ms; {}.",
        rates.median(),
        posts.median(),
        posts.p99(),
        posts.at(0.999),
        posts.count(),
        nothing.p99(),
        load_took(&cores)
    ))
}

fn event() -> Vec<u8> {
    let mut bytes = Vec::new();
    mix::write_json(0, &the_eye::clock::Clock::System.now().to_string(), &mut bytes);
    bytes
}
