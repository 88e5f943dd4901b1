//! Requests at a fixed rate, and latencies from when each was due.

use std::time::{Duration, Instant};

use super::{CONNECTIONS, Connections, Latencies, Measured, SAMPLE, Source, Window};

/// Sends that many requests a second for that long, after a time to warm up. Where all connections are
/// busy a request waits, and its waiting counts. Answers are waited for as long again and no longer: what
/// did not come by then counts as that late.
pub(crate) fn open(address: &str, rate: f64, source: &mut Source, (warm_up, length): (Duration, Duration)) -> Measured {
    let mut connections = Connections::open(address, CONNECTIONS);
    let begin = Instant::now();
    let mut window = Window::new(begin + warm_up, length);
    let due = |number: u64| begin + Duration::from_secs_f64(number as f64 / rate);
    let total = (rate * (warm_up + length).as_secs_f64()) as u64;
    let (mut latencies, mut done) = (Latencies::new(), Vec::new());
    let mut free: Vec<usize> = (0..connections.all.len()).collect();
    let (mut sent, mut all, mut cores) = (0, 0, None);
    let mut now = Instant::now();
    while all < total && now < window.to + length {
        while sent < total && due(sent) <= now {
            let Some(number) = free.pop() else { break };
            connections.all[number].send(source, due(sent));
            sent += 1;
        }
        let rest = match sent < total && !free.is_empty() {
            true => due(sent).saturating_duration_since(Instant::now()),
            false => Duration::from_millis(10),
        };
        connections.wait(rest, &mut done);
        now = Instant::now();
        window.has(now);
        if now >= window.to {
            cores.get_or_insert_with(|| window.cores());
        }
        for &number in &done {
            let connection = &mut connections.all[number];
            all += 1;
            if all % SAMPLE == 1 {
                connection.verify(source);
            }
            if connection.since >= window.from {
                latencies.add(now - connection.since);
            }
            free.push(number);
        }
    }
    // Never answered or never even sent: at least as late as it is now.
    for late in (0..connections.all.len()).filter(|number| !free.contains(number)) {
        latencies.add(now - connections.all[late].since);
    }
    for number in sent..total {
        latencies.add(now.saturating_duration_since(due(number)));
    }
    let cores = cores.unwrap_or_else(|| window.cores());
    Measured { answers: latencies.count(), seconds: length.as_secs_f64(), all, cores, latencies }
}
