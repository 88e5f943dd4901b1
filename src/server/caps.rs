//! How many connections there may be, together and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::one_client;

/// What is open, and how much may be.
#[derive(Debug)]
pub(super) struct Caps {
    total: usize,
    per_address: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Full {
    /// There are too many connections.
    Total,
    /// There are too many from that address.
    Address,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    caps: Arc<Caps>,
    address: IpAddr,
}

impl Caps {
    /// Nothing is open.
    pub(super) fn new(total: usize, per_address: usize) -> Arc<Self> {
        Arc::new(Self { total, per_address, open: Mutex::default() })
    }

    /// A place for a connection from there.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let address = one_client(address);
        let mut open = self.open();
        if open.total >= self.total {
            return Err(Full::Total);
        }
        let here = open.by_address.entry(address).or_default();
        if *here >= self.per_address {
            return Err(Full::Address);
        }
        *here += 1;
        open.total += 1;
        Ok(Place { caps: self.clone(), address })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.caps.open();
        open.total -= 1;
        if let Some(here) = open.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(caps: &Arc<Caps>, address: &str) -> Result<Place, Full> {
        caps.admit(address.parse().unwrap())
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let caps = Caps::new(3, 2);
        let first = admit(&caps, "192.0.2.1").unwrap();
        let _second = admit(&caps, "::ffff:192.0.2.1").unwrap();
        assert_eq!(admit(&caps, "192.0.2.1").unwrap_err(), Full::Address);
        let _other = admit(&caps, "192.0.2.2").unwrap();
        assert_eq!(admit(&caps, "192.0.2.3").unwrap_err(), Full::Total);
        drop(first);
        let again = admit(&caps, "192.0.2.1").unwrap();
        assert_eq!(admit(&caps, "192.0.2.1").unwrap_err(), Full::Total);
        drop(again);
        assert_eq!(caps.open().by_address.len(), 2);
    }

    #[test]
    fn the_network_of_an_ipv6_address_is_one_client() {
        let caps = Caps::new(10, 1);
        let _one = admit(&caps, "2001:db8:1:2::1").unwrap();
        assert_eq!(admit(&caps, "2001:db8:1:2:ffff::2").unwrap_err(), Full::Address);
        assert!(admit(&caps, "2001:db8:1:3::1").is_ok());
    }
}
