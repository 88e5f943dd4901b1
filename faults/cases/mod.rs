//! What can go wrong on one machine, and how it is made to.

mod backlog;
mod clock;
mod flush;
mod full;
mod kill;
mod link;
mod outage;
mod power;
mod redis;
mod sigterm;
mod strace;

use std::pin::Pin;

use crate::arguments::Scale;
use crate::report::Report;

/// A kind of fault.
pub struct Case {
    pub name: &'static str,
    /// What is done, and what must hold.
    pub about: &'static str,
    pub run: for<'a> fn(&'a Scale, &'a mut Report) -> Run<'a>,
}

/// A case under way, which adds its rows to the report.
pub type Run<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

macro_rules! case {
    ($name:ident, $about:literal) => {
        Case { name: stringify!($name), about: $about, run: |scale, report| Box::pin($name::run(scale, report)) }
    };
}

/// All of them, the cheapest first.
pub const CASES: &[Case] = &[
    case!(kill, "SIGKILL of the API, the worker or both at random moments"),
    case!(power, "the power of the disk under all data is cut; controls flush nothing and have to lose"),
    case!(flush, "a flush fails, then the power is cut: what was not flushed was not acknowledged"),
    case!(full, "the disk is full: 503 with Retry-After, reading goes on, and it goes on by itself"),
    case!(outage, "PostgreSQL or Redis is stopped, killed, frozen"),
    case!(redis, "Redis is set to flush less, or emptied"),
    case!(link, "connections are cut, answers of commits lost, links slow"),
    case!(clock, "the clock steps by a day and by a second, forth and back"),
    case!(sigterm, "SIGTERM: every request that was begun is answered"),
    case!(backlog, "the store is away for long: the queue grows on the disk, and is stored at full speed after"),
];
