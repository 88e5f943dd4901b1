//! `script/bench`: The Eye beside the limits of the machine it runs on, in one run.
//!
//! Servers, load and whatever they are compared with share the cores, so only ratios mean something:
//! the rounds of a row alternate between its sides. `script/bench [--quick] [--write] [ROW...]`; without
//! a row it runs all of them and writes `docs/performance.md`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench measures, calculates and prints"
)]

mod arguments;
mod bare;
mod client;
mod folder;
mod http;
mod load;
mod machine;
mod mix;
mod plots;
mod report;
mod rows;
mod scale;
mod server;
mod stock;

use arguments::Arguments;
use report::Report;
use rows::Bench;

// As in the binary: neither side should have the better one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if std::env::var_os(bare::handler::EMPTY).is_some() {
        return bare::handler::serve();
    }
    let arguments = Arguments::read();
    let mut bench = Bench::new(arguments.scale);
    let mut report = Report::new(machine::describe(bench.folder()), arguments.scale);
    for row in &arguments.rows {
        println!("\n{}", row.key);
        report.add((row.run)(&mut bench));
    }
    report.print();
    if arguments.write {
        report.write(&bench.plots);
    }
}
