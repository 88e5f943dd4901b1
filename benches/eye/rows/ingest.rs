//! Single POSTs over 256 connections, beside a handler that reads the body and does nothing.

use super::{Bench, assert_accepted, load_took, said};
use crate::folder::Folder;
use crate::load::{CONNECTIONS, Measured, Source, closed};
use crate::report::{Figure, Found, Line, Rule, Series, Unit};
use crate::scale::{ROUNDS, Scale};
use crate::server::Server;

/// Nobody stores what is taken in.
pub(super) fn idle(bench: &mut Bench) -> Found {
    let (folder, empty) = (Folder::new("ingest"), Server::empty());
    let eye = Server::api(folder.path());
    let (mut ratios, mut rates, mut cores) = (Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let [nothing, durable] = [&empty, &eye].map(|server| post(server, bench.scale));
        said(round, &format!("empty handler {:.0}/s, durable {:.0}/s", nothing.rate(), durable.rate()));
        ratios.add(durable.rate() / nothing.rate());
        rates.add(durable.rate());
        cores.add(durable.cores);
    }
    let figures = vec![Figure::new(Unit::Share, ratios).at_least(0.80)];
    let work = format!("single POST, {CONNECTIONS} connections, nobody storing");
    Found::line(Line { work, against: "empty handler".to_owned(), figures, rule: Rule::All }).note(format!(
        "Single POSTs, nobody storing: {:.0} requests/s; {}.",
        rates.median(),
        load_took(&cores)
    ))
}

/// A worker stores what is taken in, in a process of its own. Each round begins with an empty queue,
/// so that nothing is stored while the other side has its turn.
pub(super) fn draining(bench: &mut Bench) -> Found {
    let (folder, empty) = (Folder::new("draining"), Server::empty());
    let eye = Server::api(folder.path());
    let _worker = Server::worker(folder.path());
    let (mut ratios, mut stored, mut cores) = (Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let nothing = post(&empty, bench.scale);
        let durable = post(&eye, bench.scale);
        let left = eye.client().queued();
        let while_taken_in = (durable.all - left) as f64 / (bench.scale.warm_up + bench.scale.round).as_secs_f64();
        eye.drained();
        said(
            round,
            &format!(
                "empty handler {:.0}/s, durable {:.0}/s, stored meanwhile {while_taken_in:.0}/s",
                nothing.rate(),
                durable.rate()
            ),
        );
        ratios.add(durable.rate() / nothing.rate());
        stored.add(while_taken_in);
        cores.add(durable.cores);
    }
    let figures = vec![Figure::new(Unit::Share, ratios).at_least(0.55)];
    let work = format!("single POST, {CONNECTIONS} connections, a worker storing into SQLite");
    Found::line(Line { work, against: "empty handler".to_owned(), figures, rule: Rule::All }).note(format!(
        "Single POSTs, a worker storing: it stored {:.0} events/s meanwhile ({:.0}–{:.0}); {}.",
        stored.median(),
        stored.least(),
        stored.most(),
        load_took(&cores)
    ))
}

/// One side's part of a round.
fn post(server: &Server, scale: &Scale) -> Measured {
    // The empty handler counts nothing.
    let count = |server: &Server| server.counts().then(|| server.client().metric("eye_events_accepted_total"));
    let before = count(server);
    let measured = closed(&server.address, CONNECTIONS, &mut Source::singles(), (scale.warm_up, scale.round));
    if let Some(before) = before {
        assert_accepted(server, before, &measured, 1);
    }
    measured
}
