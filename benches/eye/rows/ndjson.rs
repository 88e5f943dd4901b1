//! Batches of a thousand lines, beside serde_json reading the same bytes.

use super::{Bench, assert_accepted, load_took, said};
use crate::bare::parse;
use crate::folder::Folder;
use crate::load::{Source, closed};
use crate::mix::Mix;
use crate::report::{Figure, Found, Line, Rule, Series, Unit};
use crate::scale::{LINES, ROUNDS};
use crate::server::Server;

/// Enough to keep two cores busy.
const CONNECTIONS: usize = 4;

/// Different bodies, so that none is always in the same place of a cache.
const BODIES: u64 = 16;

pub(super) fn run(bench: &mut Bench) -> Found {
    let folder = Folder::new("ndjson");
    let eye = Server::api(folder.path());
    let mix = Mix::of(BODIES * LINES);
    let firsts = || (0..BODIES).map(|body| body * LINES);
    let requests: Vec<_> = firsts().map(|first| Source::batch(&mix, first)).collect();
    let lines: Vec<u8> = firsts().flat_map(|first| mix.lines(first..first + LINES)).collect();
    let (mut shares, mut rates, mut cores) = (Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let parsed = parse::rate(&lines, bench.scale.round / 2);
        let before = eye.client().metric("eye_events_accepted_total");
        let load = closed(
            &eye.address,
            CONNECTIONS,
            &mut Source::again(requests.clone()),
            (bench.scale.warm_up, bench.scale.round),
        );
        assert_accepted(&eye, before, &load, LINES);
        let accepted = load.rate() * LINES as f64;
        said(round, &format!("serde_json {parsed:.0} events/s, durable {accepted:.0} events/s"));
        shares.add(accepted / parsed);
        rates.add(accepted);
        cores.add(load.cores);
    }
    let line = Line {
        work: format!("NDJSON, batches of {LINES}, {CONNECTIONS} connections"),
        against: "serde_json, borrowed fields, one core".to_owned(),
        figures: vec![Figure::new(Unit::Share, shares).at_least(0.15)],
        rule: Rule::All,
    };
    let note = format!(
        "NDJSON: {:.0} events/s durable, {:.0} MB/s; {}.",
        rates.median(),
        rates.median() * lines.len() as f64 / (BODIES * LINES) as f64 / 1e6,
        load_took(&cores)
    );
    Found::line(line).note(note)
}
