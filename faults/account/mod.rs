//! The accounting client: what it sends, what it was told, and what is there in the end.
//!
//! The account is a file on another disk than the data, and is read back from there: a fault that hits
//! the data does not hit what is held against them.

mod compare;
mod event;
mod ledger;
mod load;

pub use compare::{Promise, Verdict};
pub use ledger::{Ledger, Power};
pub use load::{Load, Pace};
