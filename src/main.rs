//! The binary: everything is in the library.

use std::process::ExitCode;

// Measured in docs/decisions/0003-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    the_eye::cli::main()
}
