//! What the sustained runs have in common: slices whose sides alternate, and what is said of them.
//!
//! Five rounds of ten million would take hours, and a table is slow or fast at a size, not in a round:
//! so each slice of events goes to one side and then to the other, and a slice is a round.

use std::time::{Duration, Instant};

use super::said;
use crate::client::Client;
use crate::load::{Source, send_all};
use crate::mix::Mix;
use crate::report::{Figure, Found, Line, Rule, Series, Unit};
use crate::scale::{LINES, Scale};
use crate::server::Server;

/// Connections that post batches.
const CONNECTIONS: usize = 4;

/// Events a second of both sides, slice by slice.
#[derive(Debug, Default, Clone)]
pub(crate) struct Slices {
    pub(crate) eye: Series,
    pub(crate) bare: Series,
}

impl Slices {
    /// Takes a slice of that many events, and how long it took both sides.
    pub(crate) fn add(&mut self, events: u64, eye: Duration, bare: Duration) {
        let rate = |took: Duration| events as f64 / took.as_secs_f64();
        self.eye.add(rate(eye));
        self.bare.add(rate(bare));
        said(self.eye.len() - 1, &format!("The Eye {:.0} events/s, bare {:.0} rows/s", rate(eye), rate(bare)));
    }

    /// The two lines of a run: its share of the other side, and how its end compares with its beginning.
    pub(super) fn found(&self, work: &str, against: &str, goal: f64) -> Found {
        let line = |work: String, against: &str, figure| Line {
            work,
            against: against.to_owned(),
            figures: vec![figure],
            rule: Rule::All,
        };
        let share = Figure::new(Unit::Share, &self.eye / &self.bare).at_least(goal);
        let end = Figure::new(Unit::Share, self.eye.last() / self.eye.first()).at_least(0.80);
        Found {
            lines: vec![
                line(work.to_owned(), against, share),
                line(format!("{work}: the last slice"), "its first slice", end),
            ],
            notes: vec![format!(
                "{work}: {:.0} events/s ({:.0}–{:.0}); {against}: {:.0} rows/s.",
                self.eye.median(),
                self.eye.least(),
                self.eye.most(),
                self.bare.median()
            )],
        }
    }
}

/// The stretches of numbers that a run is cut into.
pub(super) fn cut(events: u64, scale: &Scale) -> impl Iterator<Item = std::ops::Range<u64>> {
    (0..events / scale.slice).map(|slice| slice * scale.slice..(slice + 1) * scale.slice)
}

/// Posts a slice in batches and waits until all of it is stored, as `GET /events` counts it.
pub(super) fn post_and_store(eye: &Server, mix: &Mix, slice: &std::ops::Range<u64>) -> Duration {
    let step = usize::try_from(LINES).unwrap();
    let requests: Vec<_> = slice.clone().step_by(step).map(|first| Source::batch(mix, first)).collect();
    let mut client = eye.client();
    let start = Instant::now();
    let load = send_all(&eye.address, CONNECTIONS, &mut Source::once(requests));
    assert_eq!(load.all * LINES, slice.end - slice.start);
    eye.drained();
    // Several workers: the last to leave the queue may not be the last that is stored.
    while client.count("/events?page_size=1") < slice.end {
        assert!(start.elapsed() < Duration::from_secs(600), "the slice was not stored in ten minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = start.elapsed();
    is_all_there(&mut client, slice.end);
    took
}

/// Neither more nor fewer than were sent.
fn is_all_there(client: &mut Client, sent: u64) {
    assert_eq!(client.count("/events?page_size=1"), sent, "stored and sent are not the same");
}
