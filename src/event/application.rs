//! The sending application, as events know it.

use std::num::NonZeroU32;

/// An application that sends events. It is part of an event's identity: two applications may give two events one id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Application {
    /// Given once by the store, and never to another one.
    pub number: NonZeroU32,
    /// 1 to 100 characters.
    pub name: String,
}
