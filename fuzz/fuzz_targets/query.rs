//! Fuzzes the parameters of lists; `src/fuzz.rs` says what has to hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| the_eye::fuzz::query(bytes));
