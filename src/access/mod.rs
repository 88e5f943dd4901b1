//! Who may do what: applications, the keys that tell them apart, and how many events each may send.
//!
//! A key is shown once, when it is made. What is kept of it is a hash and its first characters, from which nobody can
//! make it. This module knows neither requests nor databases: `store` keeps what is
//! [`registered`](Registered), and `web` asks the [`Keyring`].

mod addresses;
mod key;
mod keyring;
mod limits;
mod registered;
mod secret;

pub use addresses::{Proxies, StoreAddress, one_client};
pub use key::{Key, KeyHash, Scope};
pub use keyring::{Grant, Keyring, Known};
pub use limits::{Limited, Limiter, Limiters, Rate, Spent};
pub use registered::{KeptKey, NewApplication, Origin, Registered, Registration};
pub use secret::Secret;

/// Who may use a service without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, for everything: whoever can reach it is trusted.
    Open,
    /// Whoever is on this machine, for servers that listen on a loopback address alone: requests for another host, and
    /// those that a proxy says it passes on, need a key.
    Loopback,
    /// Nobody: all but health checks needs a key.
    Keys,
}
