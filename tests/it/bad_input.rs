//! Bad input, and the exact answer to it.
