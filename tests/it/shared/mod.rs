//! What the shared queue and the shared store do beyond the contract suites: many processes at
//! once, servers that are killed, frozen or set up wrongly, and the same answers as the embedded pair.

mod applications;
mod crowd;
mod feed;
mod kills;
mod postgres;
mod redis;
mod removal;
mod roles;
mod same_answers;
mod tally;
mod tls;

use std::path::Path;

use crate::support::process::Process;

/// The real binary on those servers.
async fn start(folder: &Path, arguments: &[&str], postgres: &str, redis: &str) -> Process {
    let variables = [("EYE_DATABASE_URL", postgres), ("EYE_QUEUE_URL", redis)];
    Process::start_with(folder, arguments, &variables).await
}
