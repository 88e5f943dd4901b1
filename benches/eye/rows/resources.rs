//! Memory, disk, and the time to come back after a kill.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Bench, Found, said};
use crate::client::Client;
use crate::folder::Folder;
use crate::http;
use crate::load::{CONNECTIONS, Source, closed, send_all};
use crate::mix::{self, Mix};
use crate::report::{Figure, Line, Rule, Series, Unit};
use crate::scale::{LINES, ROUNDS};
use crate::server::{Server, eye};

const MEGABYTE: f64 = 1e6;

/// Memory of one process that takes in and stores.
pub(super) fn memory(bench: &mut Bench) -> Found {
    let scale = bench.scale;
    let (mut idle, mut busy, mut queued) = (Series::default(), Series::default(), Series::default());
    for round in 0..ROUNDS {
        let folder = Folder::new("memory");
        let eye = Server::serve(folder.path());
        std::thread::sleep(Duration::from_millis(500));
        idle.add(eye.memory().0 as f64 / MEGABYTE);
        closed(&eye.address, CONNECTIONS, &mut Source::singles(), (scale.warm_up, scale.round));
        busy.add(eye.memory().1 as f64 / MEGABYTE);
        drop(eye);
        let folder = Folder::new("memory");
        fill_queue(&Server::api(folder.path()), scale.queued);
        // From the start of a process that finds them until it has stored them all.
        let eye = Server::serve(folder.path());
        eye.drained();
        queued.add(eye.memory().1 as f64 / MEGABYTE);
        said(
            round,
            &format!(
                "{:.1} MB idle, {:.1} MB at the peak rate, {:.1} MB with {} queued",
                idle.last(),
                busy.last(),
                queued.last(),
                scale.queued
            ),
        );
    }
    let line = |work: &str, figure: Figure| Line {
        work: work.to_owned(),
        against: "—".to_owned(),
        figures: vec![figure],
        rule: Rule::All,
    };
    let megabytes = |series| Figure::new(Unit::Megabytes, series);
    Found {
        lines: vec![
            line("memory, idle", megabytes(idle).at_most(20.0)),
            line("memory, the most at the peak rate", megabytes(busy).at_most(150.0)),
            line("memory, the most with a million queued", megabytes(queued).at_most(150.0)),
        ],
        notes: vec!["Memory is of `the-eye serve`, which takes in and stores; with a million queued it is the most from its start until all are stored.".to_owned()],
    }
}

/// From the start of a process to its first 201, where another one was killed.
pub(super) fn start(bench: &mut Bench) -> Found {
    let (scale, stored) = (bench.scale, bench.stock.large());
    let data = stored.folder.path();
    let mut times = Series::default();
    for round in 0..ROUNDS {
        // Killed when it is dropped, as everything is.
        let queued = fill_queue(&Server::api(data), scale.queued);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let mut command = eye(data, &["serve"]);
        command.env("EYE_LISTEN", &address).stderr(Stdio::null()).stdin(Stdio::null());
        let start = Instant::now();
        let process = Server::unheard(&mut command, &address);
        first_created(&address, start);
        times.add(start.elapsed().as_secs_f64() * 1e3);
        said(round, &format!("{:.0} ms with {queued} queued", times.last()));
        drop(process);
    }
    let line = Line {
        work: "start to the first 201 after kill -9, a million queued".to_owned(),
        against: "—".to_owned(),
        figures: vec![Figure::new(Unit::Milliseconds, times).at_most(500.0)],
        rule: Rule::All,
    };
    Found::line(line).note(
        "The start is from the spawn of `the-eye serve` to the first 201, on the large store and a queue that nobody \
         emptied, after its last process was killed; files are in the page cache.",
    )
}

/// Bytes of an event in the file and in JSON.
pub(super) fn disk(bench: &mut Bench) -> Found {
    let stored = bench.stock.large();
    let [file, answered, sent] =
        [stored.bytes.file, stored.bytes.answered, stored.bytes.sent].map(|bytes| bytes as f64 / stored.events as f64);
    let line = Line {
        work: "one event on disk, all indexes, SQLite".to_owned(),
        against: "its JSON as GET /events answers it".to_owned(),
        figures: vec![Figure::new(Unit::Times, file / answered).at_most(0.9)],
        rule: Rule::All,
    };
    Found::line(line).note(format!(
        "An event takes {file:.0} bytes on disk, {answered:.0} as JSON in an answer, {sent:.0} as it was sent ({:.2}×).",
        file / sent
    ))
}

/// Posts batches until that many events wait, and says how many do.
fn fill_queue(eye: &Server, events: u64) -> u64 {
    let before = eye.client().queued();
    let mix = Mix::of(events);
    let firsts = (0..events.saturating_sub(before)).step_by(usize::try_from(LINES).unwrap());
    send_all(&eye.address, 4, &mut Source::once(firsts.map(|first| Source::batch(&mix, first)).collect()));
    let queued = eye.client().queued();
    assert!(queued >= events);
    queued
}

/// Connects every millisecond until somebody listens, and posts until the answer is a 201.
fn first_created(address: &str, start: Instant) {
    let mut event = Vec::new();
    mix::write_json(0, "2026-01-01T00:00:00.000000Z", &mut event);
    let request = http::post("application/json", &event);
    loop {
        assert!(start.elapsed() < Duration::from_secs(120), "no 201 in two minutes");
        if let Ok(stream) = std::net::TcpStream::connect(address)
            && http::is_created(Client::with(stream).send(&request))
        {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
