//! The application that sent an event. Who may send as which one is decided where requests come in; here it is a
//! name, and the number that stands for it in keys.

use std::num::NonZeroU32;

/// A sending application, as events know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Application {
    /// Given once by the store, and never to another one.
    pub number: NonZeroU32,
    /// Its name, 1 to 100 characters.
    pub name: String,
}
