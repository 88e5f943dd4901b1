//! PostgreSQL or Redis is stopped, killed or frozen, and comes back.

use std::time::Duration;

use the_eye::clock::Stopwatch;

use crate::arguments::Scale;
use crate::house::{Pair, Plan};
use crate::report::Report;
use crate::servers::Server;
use crate::trial::{Row, Trial};

/// How it goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Stopped,
    Killed,
    Frozen,
}

pub(super) async fn run(scale: &Scale, report: &mut Report) {
    for (whose, pair) in [("PostgreSQL", Pair::SHARED), ("Redis", Pair::SHARED), ("PostgreSQL", Pair::TO_POSTGRES)] {
        for how in [How::Stopped, How::Killed, How::Frozen] {
            // A frozen one takes half a minute each time.
            let cycles = match how {
                How::Frozen => scale.cycles(1, 3),
                How::Stopped | How::Killed => scale.cycles(2, 12),
            };
            report.add(on(whose, how, pair, cycles, scale.quick).await);
        }
    }
}

async fn on(whose: &str, how: How, pair: Pair, cycles: u64, quick: bool) -> Row {
    let is_redis = whose == "Redis";
    let mut trial = Trial::begin(format!("{whose} {how:?}").to_lowercase(), Plan::of(pair)).await;
    let away = match (how, quick) {
        (How::Frozen, false) => Duration::from_secs(30),
        (How::Frozen, true) => Duration::from_secs(4),
        _ => Duration::from_millis(1500),
    };
    let mut taken_in = 0;
    for _ in 0..cycles {
        trial.some_load(50, 200).await;
        let server = server(&mut trial, is_redis);
        match how {
            How::Stopped => server.stop().await,
            How::Killed => server.kill().await,
            How::Frozen => server.signal("STOP"),
        }
        let before = trial.ledger.answered();
        tokio::time::sleep(away).await;
        let now = trial.ledger.answered();
        taken_in += now.acknowledged - before.acknowledged;
        // What was on its way when it froze may still have been answered.
        let most = if is_redis { before.acknowledged + 1000 } else { u64::MAX };
        trial.expect(now.acknowledged <= most, || "events were acknowledged without Redis".to_owned());
        trial.expect(is_redis || now.acknowledged > before.acknowledged, || "nothing was taken in".to_owned());
        trial.expect(is_redis || now.busy == before.busy, || "a 503 though the queue was there".to_owned());
        let watch = Stopwatch::start();
        let server = self::server(&mut trial, is_redis);
        match how {
            How::Frozen => server.signal("CONT"),
            How::Stopped | How::Killed => server.restart().await,
        }
        trial.ledger.goes_on().await;
        trial.house.more_is_stored().await;
        trial.recovered(watch.elapsed());
    }
    trial.note(format!("{taken_in} acknowledged meanwhile, {} times 503", trial.ledger.answered().busy));
    trial.finish().await
}

fn server(trial: &mut Trial, is_redis: bool) -> &mut Server {
    match is_redis {
        true => trial.house.redis.as_mut().expect("the pair has one"),
        false => trial.house.postgres.as_mut().expect("the pair has one"),
    }
}
