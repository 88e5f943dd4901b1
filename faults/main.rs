//! `script/faults`: breaks things under load, and holds what clients were told against what is there in
//! the end.
//!
//! A fault is a case: it builds a house (our processes, their servers, their disk), lets clients send, breaks
//! something again and again, and closes the account. `script/faults [--quick] [--write] [--cycles N] [CASE...]`;
//! the long form writes `docs/reliability.md`. It exits with 1 where anything was lost, doubled, invented or
//! altered, or where a control that has to lose events lost none: a rig that cannot see loss proves nothing.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a rig counts, prints, and ends by panicking"
)]
#![expect(unreachable_pub, reason = "a test binary exports nothing")]

mod account;
mod arguments;
mod cases;
mod dice;
mod house;
mod report;
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../tests/it/support/servers/mod.rs"]
mod servers;
mod trial;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use arguments::Arguments;
use futures_util::FutureExt;
use report::Report;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut report = if arguments.write { Report::written(arguments.scale) } else { Report::default() };
    for case in &arguments.cases {
        println!("{}: {}", case.name, case.about);
        // One that panics has said why, and the others go on.
        let run = AssertUnwindSafe((case.run)(&arguments.scale, &mut report)).catch_unwind();
        if runtime.block_on(run).is_err() {
            report.add_panic(case);
        }
    }
    println!("\n{}", report.summary());
    report.exit_code()
}
