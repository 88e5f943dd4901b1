//! What The Eye is compared with: each does one thing that cannot be left out, and nothing else.

pub(crate) mod copy;
pub(crate) mod disk;
pub(crate) mod handler;
pub(crate) mod parse;
pub(crate) mod table;
