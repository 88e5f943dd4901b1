//! Whose address a request comes from, and what of it may be kept.
//!
//! What a header says of that is believed only where a proxy that is trusted wrote it. Proxies append, so headers
//! are read from the right, for as long as who wrote a hop is trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

/// The proxies whose word counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

/// What is kept of a client's address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StoreAddress {
    /// Nothing.
    #[default]
    No,
    /// Its network: the first 24 bits of an IPv4 address, 48 of an IPv6 one.
    Truncated,
    /// All of it.
    Full,
}

impl Proxies {
    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client behind a connection from `peer`, by the headers `X-Forwarded-For` and `Forwarded`, each as their
    /// values follow each other.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        x_forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
        forwarded: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        let plain = x_forwarded_for.rev().flat_map(|value| value.rsplit(',')).map(hop);
        let named = forwarded.rev().flat_map(|value| parts(value, ',').into_iter().rev());
        let named = named.map(|element| named_for(element).and_then(hop));
        let (mut plain, mut named) = (plain.peekable(), named.peekable());
        match (plain.peek().is_some(), named.peek().is_some()) {
            (true, false) => self.walk(peer, plain),
            (false, true) => self.walk(peer, named),
            (false, false) => peer,
            // A proxy that writes one of them passes the other one on, as anybody may have sent it.
            (true, true) => match (self.walk(peer, plain), self.walk(peer, named)) {
                (plain, named) if plain == named => plain,
                _ => peer,
            },
        }
    }

    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops {
            let Some(hop) = hop.filter(|_| self.trust(client)) else { break };
            client = hop.to_canonical();
        }
        client
    }
}

impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = |part: &str| {
            let found = part.parse::<IpNet>().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from));
            found.ok_or_else(|| "it must be addresses or networks, such as 10.0.0.1,192.168.0.0/16,fd00::/8".to_owned())
        };
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl StoreAddress {
    /// What is kept.
    pub fn of(self, address: IpAddr) -> Option<IpAddr> {
        match (self, address.to_canonical()) {
            (Self::No, _) => None,
            (Self::Full, address) => Some(address),
            (Self::Truncated, IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                Some(Ipv4Addr::new(a, b, c, 0).into())
            }
            (Self::Truncated, IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                Some(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into())
            }
        }
    }
}

/// What counts as one address. Whoever has one of IPv6 has the 2^64 beside it too.
pub fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// An address as a hop is written, which may have a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']').and_then(|(address, _)| address.parse().ok());
    }
    let without_port =
        || text.rsplit_once(':').and_then(|(address, _)| address.parse::<Ipv4Addr>().ok()).map(IpAddr::V4);
    text.parse().ok().or_else(without_port)
}

/// The parts of a text, which may hold what separates them between quotes.
fn parts(text: &str, separator: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    let is_end = |character: char| {
        let is_escaped = std::mem::take(&mut escaped);
        match character {
            '"' if !is_escaped => quoted = !quoted,
            '\\' if quoted && !is_escaped => escaped = true,
            _ => (),
        }
        character == separator && !quoted
    };
    text.split(is_end).collect()
}

/// What stands behind `for=` in an element of `Forwarded` (RFC 7239).
fn named_for(element: &str) -> Option<&str> {
    parts(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, x_forwarded_for: &[&str], forwarded: &[&str], expected: &str) {
        let proxies: Proxies = "10.0.0.0/8, fd00::/8,192.0.2.1".parse().unwrap();
        let client = proxies.client(peer.parse().unwrap(), x_forwarded_for.iter().copied(), forwarded.iter().copied());
        assert_eq!(client, expected.parse::<IpAddr>().unwrap(), "{peer} {x_forwarded_for:?} {forwarded:?}");
    }

    #[test]
    fn a_header_is_believed_where_a_trusted_proxy_wrote_it() {
        check("198.51.100.7", &["1.1.1.1"], &["for=1.1.1.1"], "198.51.100.7");
        check("10.0.0.1", &[], &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.7"], &[], "198.51.100.7");
        check("::ffff:10.0.0.1", &["198.51.100.7"], &[], "198.51.100.7");
        // The client wrote the first one itself.
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7"], &[], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1", "198.51.100.7"], &[], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7, 192.0.2.1,10.9.9.9"], &[], "198.51.100.7");
        check("10.0.0.1", &["10.1.1.1"], &[], "10.1.1.1");
        check("10.0.0.1", &["198.51.100.7:4711"], &[], "198.51.100.7");
        check("10.0.0.1", &["[2001:db8::7]:4711"], &[], "2001:db8::7");
        check("fd00::1", &["2001:db8::7"], &[], "2001:db8::7");
        check("10.0.0.1", &["1.1.1.1, nonsense"], &[], "10.0.0.1");
        check("10.0.0.1", &[], &["for=198.51.100.7;proto=https;by=10.0.0.1"], "198.51.100.7");
        check("10.0.0.1", &[], &["for=1.1.1.1, For=\"[2001:db8::7]:4711\""], "2001:db8::7");
        let quoted = "host=\"a;for=1.1.1.1,for=1.1.1.2\\\";for=1.1.1.3\";for=198.51.100.7";
        check("10.0.0.1", &[], &[quoted], "198.51.100.7");
        check("10.0.0.1", &[], &["for=_hidden"], "10.0.0.1");
        check("10.0.0.1", &[], &["proto=https"], "10.0.0.1");
    }

    #[test]
    fn two_headers_that_disagree_say_nothing() {
        check("10.0.0.1", &["198.51.100.7"], &["for=198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7"], &["for=1.1.1.1"], "10.0.0.1");
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        assert!("".parse::<Proxies>().unwrap().is_empty());
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0.1;10.0.0.2"] {
            assert!(wrong.parse::<Proxies>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_an_address_no_more_is_kept_than_was_asked_for() {
        let kept = |setting: StoreAddress, address: &str| {
            setting.of(address.parse().unwrap()).map(|address| address.to_string())
        };
        assert_eq!(kept(StoreAddress::No, "198.51.100.7"), None);
        assert_eq!(kept(StoreAddress::Full, "::ffff:198.51.100.7").as_deref(), Some("198.51.100.7"));
        assert_eq!(kept(StoreAddress::Truncated, "198.51.100.7").as_deref(), Some("198.51.100.0"));
        assert_eq!(kept(StoreAddress::Truncated, "2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1::"));
    }
}
