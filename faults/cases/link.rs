//! What is between programs breaks: connections are cut in mid-sentence, answers of commits are lost, links
//! are slow. Whatever is sent again for that is stored once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Link, Pair, Plan, Proxy};
use crate::report::Report;
use crate::trial::{Row, Trial};

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    let cycles = scale.cycles(4, 48);
    for (whose, pair) in [
        ("to PostgreSQL", Pair::SHARED),
        ("to Redis", Pair::SHARED),
        ("from clients", Pair::EMBEDDED),
        ("from clients", Pair::SHARED),
    ] {
        report.add(on(whose, pair, cycles).await);
    }
}

async fn on(whose: &str, pair: Pair, cycles: u64) -> Row {
    let plan = Plan { proxies: Some(Link::Good), ..Plan::of(pair) };
    let mut trial = Trial::begin(format!("link {whose}"), plan).await;
    let proxy = match whose {
        "to PostgreSQL" => trial.house.to_postgres.take(),
        "to Redis" => trial.house.to_redis.take(),
        _ => {
            let port = trial.house.api.base.rsplit(':').next().and_then(|port| port.parse().ok());
            let proxy = Proxy::start(port.expect("it listens on a port"), Link::Good).await;
            trial.send_to(format!("http://127.0.0.1:{}", proxy.port)).await;
            Some(proxy)
        }
    };
    let proxy = proxy.expect("the plan has it");
    for cycle in 0..cycles {
        trial.some_load(50, 200).await;
        match cycle % 4 {
            0 => proxy.set(Link::LoseAnswers),
            1 => proxy.set(Link::Slow(Duration::from_millis(trial.dice.between(1, 30)))),
            2 => proxy.set(Link::Down),
            _ => proxy.cut(),
        }
        tokio::time::sleep(Duration::from_millis(trial.dice.between(50, 800))).await;
        let watch = Stopwatch::start();
        proxy.set(Link::Good);
        trial.ledger.goes_on().await;
        trial.house.more_is_stored().await;
        trial.recovered(watch.elapsed());
    }
    trial.note(format!("{} answers lost or connections cut", proxy.lost.load(Ordering::Relaxed)));
    let row = trial.finish().await;
    drop(proxy);
    row
}
