//! As much as there is: each connection sends as soon as it has its answer.

use std::time::{Duration, Instant};

use super::{Connections, Latencies, Measured, SAMPLE, Source, Window};

/// After the end answers are waited for, so that the next side has the machine for itself; so long.
const LATE: Duration = Duration::from_secs(60);

/// Drives a server for that long, after a time to warm up.
pub(crate) fn closed(
    address: &str,
    connections: usize,
    source: &mut Source,
    (warm_up, length): (Duration, Duration),
) -> Measured {
    run(Connections::open(address, connections), source, Window::new(Instant::now() + warm_up, length))
}

/// Sends everything there is. What is measured is the time from the first to the last answer of all.
pub(crate) fn send_all(address: &str, connections: usize, source: &mut Source) -> Measured {
    let connections = Connections::open(address, connections);
    run(connections, source, Window::new(Instant::now(), Duration::from_secs(3600)))
}

fn run(mut connections: Connections, source: &mut Source, mut window: Window) -> Measured {
    let (mut latencies, mut all, mut done) = (Latencies::new(), 0, Vec::new());
    let mut busy = 0;
    for connection in &mut connections.all {
        busy += u32::from(connection.send(source, Instant::now()));
    }
    let mut cores = None;
    while busy > 0 {
        connections.wait(Duration::from_millis(100), &mut done);
        let now = Instant::now();
        let counts = window.has(now);
        if now >= window.to {
            cores.get_or_insert_with(|| window.cores());
            assert!(now < window.to + LATE, "{busy} answers did not come");
        }
        for &number in &done {
            let connection = &mut connections.all[number];
            all += 1;
            if all % SAMPLE == 1 {
                connection.verify(source);
            }
            if counts {
                latencies.add(now - connection.since);
            }
            // One moment for all of them, but the writes between two take longer than a look at the clock.
            if now >= window.to || !connection.send(source, Instant::now()) {
                busy -= 1;
            }
        }
    }
    let seconds = window.to.min(Instant::now()) - window.from;
    let cores = cores.unwrap_or_else(|| window.cores());
    Measured { answers: latencies.count(), seconds: seconds.as_secs_f64(), all, cores, latencies }
}
