//! `GET /events` at ten million events beside the same at ten thousand: each filter alone and all
//! together, and pages near and far.

use std::time::{Duration, Instant};

use super::{Bench, Found, said};
use crate::client::Client;
use crate::load::Latencies;
use crate::mix::session_id;
use crate::report::{Figure, Line, Rule, Series, Unit};
use crate::scale::{ROUNDS, Scale};
use crate::server::Server;
use crate::stock::{HUGE, Stored};

/// A way to ask, and what it is called. The number makes requests differ.
pub(super) type Ask = fn(&Stored, u64) -> String;

pub(super) const FILTERS: [(&str, Ask); 10] = [
    ("no filter", |_, _| "/events".to_owned()),
    ("session_id", |stored, n| format!("/events?session_id={}", session_id(at(stored, n)))),
    ("session_id of a million events", |_, _| format!("/events?session_id={HUGE}")),
    ("category", |_, _| "/events?category=page_interaction".to_owned()),
    ("name", |_, _| "/events?name=cta_click".to_owned()),
    ("start_time", |stored, n| format!("/events?start_time={}", stored.mix.timestamp(at(stored, n)))),
    ("end_time", |stored, n| format!("/events?end_time={}", stored.mix.timestamp(at(stored, n)))),
    ("start_time and end_time", |stored, n| format!("/events?{}", between(stored, n))),
    ("100,000 events at one time", |stored, _| format!("/events?start_time={0}&end_time={0}", stored.one_time())),
    ("all together", |stored, n| {
        format!("/events?session_id={HUGE}&category=page_interaction&name=cta_click&{}", between(stored, n))
    }),
];

/// Each filter, at both sizes in turn.
pub(super) fn filters(bench: &mut Bench) -> Found {
    let scale = bench.scale;
    let [large, small] = bench.stock.both();
    let eyes = [large, small].map(|stored| Server::serve(stored.folder.path()));
    is_right(&eyes[0], large);
    let mut found = Found::default();
    let mut bars = Vec::new();
    for (name, ask) in FILTERS {
        let mut clients = [&eyes[0], &eyes[1]].map(Server::client);
        let (mut times, mut p99) = (Series::default(), Series::default());
        let mut all = [Latencies::new(), Latencies::new()];
        for round in 0..ROUNDS {
            let mut sides = [0.0; 2];
            for (side, stored) in [large, small].into_iter().enumerate() {
                let latencies = time(&mut clients[side], scale, round, |n| ask(stored, n));
                sides[side] = latencies.p99();
                all[side].add_all(&latencies);
            }
            times.add(sides[0] / sides[1]);
            p99.add(sides[0]);
        }
        let counts = [0, 1].map(|side| all[side].count());
        said(
            ROUNDS - 1,
            &format!("{name}: {:.2} ms of {}; {:.2} ms of {}", all[0].p99(), counts[0], all[1].p99(), counts[1]),
        );
        bars.push((name, [all[1].p99(), all[0].p99()]));
        found.lines.push(Line {
            work: format!("GET /events, {name}, p99"),
            against: "the same, a thousandth as many events".to_owned(),
            figures: vec![
                Figure::new(Unit::Times, times).at_most(3.0),
                Figure::new(Unit::Milliseconds, p99).at_most(10.0),
            ],
            rule: Rule::All,
        });
    }
    bench.plots.lists = Some(bars);
    found
}

/// Pages near and far, without a filter and by category.
pub(super) fn pages(bench: &mut Bench) -> Found {
    let (scale, stored) = (bench.scale, bench.stock.large());
    let eye = Server::serve(stored.folder.path());
    let mut client = eye.client();
    let mut found = Found::default();
    for (name, list) in [("no filter", "/events?"), ("category", "/events?category=page_interaction&")] {
        let last = client.count(&format!("{list}page_size=1")) / 10;
        let pages = [
            ("page=1000", 1000.min(last).to_string()),
            ("the middle page", (last / 2).to_string()),
            ("page=last", "last".to_owned()),
        ];
        for (page_name, page) in pages {
            let (mut times, mut p99) = (Series::default(), Series::default());
            for round in 0..ROUNDS {
                let [first, far] =
                    ["1", &page].map(|page| time(&mut client, scale, round, |_| format!("{list}page={page}")).p99());
                times.add(far / first);
                p99.add(far);
            }
            said(ROUNDS - 1, &format!("{name}, {page_name}: {:.2} ms", p99.median()));
            found.lines.push(Line {
                work: format!("{page_name}, {name}, p99"),
                against: "page=1".to_owned(),
                figures: vec![Figure::new(Unit::Times, times).at_most(3.0), Figure::new(Unit::Milliseconds, p99)],
                rule: Rule::All,
            });
        }
    }
    found
}

/// Asks again and again on one connection: as often as the scale says, or until its patience is over.
pub(super) fn time(client: &mut Client, scale: &Scale, round: usize, path: impl Fn(u64) -> String) -> Latencies {
    let (mut latencies, start) = (Latencies::new(), Instant::now());
    for request in 0..scale.requests {
        let (_, took) = client.get(&path((round * scale.requests + request) as u64));
        latencies.add(took);
        if start.elapsed() > scale.patience && request > 1 {
            break;
        }
    }
    latencies
}

/// What is fast has to be right, too.
fn is_right(eye: &Server, stored: &Stored) {
    let (mut client, events) = (eye.client(), stored.events);
    let time = stored.one_time();
    let same_time = format!("/events?start_time={time}&end_time={time}");
    // The mix has events at that time of its own.
    let mixed = (0..events).filter(|number| stored.mix.timestamp(*number) == time).count() as u64;
    let huge = (0..events / 10).filter(|number| stored.mix.timestamp(number * 10) == time).count() as u64;
    for (path, expected) in [
        ("/events", events + events / 10 + events / 100),
        (&format!("/events?session_id={HUGE}"), events / 10),
        (&same_time, events / 100 + mixed + huge),
    ] {
        assert_eq!(client.count(path), expected, "{path}");
    }
    assert!(eye.drained() < Duration::from_secs(60));
}

/// A number of an event that is somewhere else each time.
fn at(stored: &Stored, n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % stored.events
}

/// Two times around which something lies.
fn between(stored: &Stored, n: u64) -> String {
    let [one, other] = [n, n + 500_000].map(|n| stored.mix.timestamp(at(stored, n)));
    format!("start_time={}&end_time={}", one.min(other), one.max(other))
}
