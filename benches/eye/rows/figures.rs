//! Figures of a stretch of time, and the pages of them, at ten million events beside the same at ten thousand.

use super::lists::{Ask, time};
use super::{Bench, Found, said};
use crate::report::{Figure, Line, Rule, Series, Unit};
use crate::scale::ROUNDS;
use crate::server::Server;
use crate::stock::HUGE;

/// All events lie within the last hours.
const ASKS: [(&str, Ask); 6] = [
    ("GET /stats, all by the minute", |_, _| "/stats?last=2h&interval=minute".to_owned()),
    ("GET /stats, all by the day", |_, _| "/stats?last=30d".to_owned()),
    ("GET /stats, one category by the minute", |_, _| "/stats?last=2h&category=page_interaction".to_owned()),
    ("GET /stats, a session of a million events", |_, _| format!("/stats?last=2h&session_id={HUGE}")),
    ("the overview as a page", |_, _| "/?last=2h&format=html".to_owned()),
    ("GET /sessions", |_, _| "/sessions".to_owned()),
];

/// Each of them, at both sizes in turn.
pub(super) fn run(bench: &mut Bench) -> Found {
    let scale = bench.scale;
    let [large, small] = bench.stock.both();
    let eyes = [large, small].map(|stored| Server::serve(stored.folder.path()));
    let mut found = Found::default();
    for (name, ask) in ASKS {
        let mut clients = [&eyes[0], &eyes[1]].map(Server::client);
        let (mut times, mut p99) = (Series::default(), Series::default());
        for round in 0..ROUNDS {
            let mut took = [0.0; 2];
            for (side, stored) in [large, small].into_iter().enumerate() {
                took[side] = time(&mut clients[side], scale, round, |n| ask(stored, n)).p99();
            }
            times.add(took[0] / took[1]);
            p99.add(took[0]);
        }
        said(ROUNDS - 1, &format!("{name}: {:.2} ms", p99.median()));
        found.lines.push(Line {
            work: format!("{name}, p99"),
            against: "the same, a thousandth as many events".to_owned(),
            figures: vec![Figure::new(Unit::Milliseconds, p99).at_most(100.0), Figure::new(Unit::Times, times)],
            rule: Rule::All,
        });
    }
    found
}
