//! Which end of the queue a process is at.

/// What a process does with the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// Takes events in and stores them.
    #[default]
    Both,
    /// Takes events in.
    Api,
    /// Stores them.
    Worker,
}
