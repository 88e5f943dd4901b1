//! The integration tests, in one binary: HTTP on a real socket, the contract suites that every
//! backend runs, and the real binary where it matters how a process ends.
#![expect(unreachable_pub, reason = "a test binary exports nothing")]
#![expect(clippy::unwrap_used, reason = "a test may end by panicking")]

/// Makes a test of each function for each backend.
macro_rules! contract {
    ($($backend:ident)* : $tests:tt) => { $(contract!(@ $backend $tests);)* };
    (@ $backend:ident { $($test:ident)* }) => {
        mod $backend {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(super::$backend().await).await;
            })*
        }
    };
}

mod support;

mod tidy;

mod queue_contract;
mod store_contract;
mod worker;

mod access;
mod bad_input;
mod browser;
mod http;
mod privacy;
mod server;
mod volume;

mod shared;

mod cli;
mod compose;
mod crash;
mod damage;
mod embed;
mod erase;
mod modes;
mod readme;
mod upgrade;
