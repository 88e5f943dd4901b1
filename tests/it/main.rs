//! The integration tests, in one binary: HTTP on a real socket, the contract suites that every
//! backend runs, and the real binary where it matters how a process ends.

mod support;

mod bad_input;
mod http;
