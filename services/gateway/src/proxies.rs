//! Whom a request is from, where proxies stand before the gateway.

use crate::peers::network;
use axum::http::{HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Where proxies write whom they speak for, each at the end of what it got.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies whose word is taken; of nobody else's address is anything believed that a request says.
#[derive(Clone, Default)]
pub(crate) struct Proxies(Arc<[Block]>);

impl Proxies {
    /// From networks such as `10.0.0.0/8`, or single addresses; `None` when one is neither, or holds everybody.
    pub(crate) fn parse(networks: &[String]) -> Option<Self> {
        networks.iter().map(|network| Block::parse(network)).collect::<Option<_>>().map(Self)
    }

    /// Whether an address is a proxy's.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.holds(address.to_canonical()))
    }

    /// The network that a request is from: the other end of the connection, or, where that is a proxy, the last address that
    /// proxies wrote and that is none of theirs. What stands before it anybody may have written.
    pub(crate) fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer;
        let lines = headers.get_all(&FORWARDED_FOR).iter().rev();
        let mut named = lines.flat_map(|line| line.to_str().unwrap_or("unreadable").rsplit(','));
        while self.trusts(source)
            && let Some(address) = named.next().and_then(address)
        {
            source = address;
        }
        network(source)
    }
}

/// An address as proxies write one, with a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

/// Addresses that begin alike.
#[derive(Clone, Copy)]
enum Block {
    V4 { first: u32, mask: u32 },
    V6 { first: u128, mask: u128 },
}

impl Block {
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => {
                let length = length.unwrap_or(32);
                let mask = (1..=32).contains(&length).then(|| u32::MAX << (32 - length))?;
                Some(Self::V4 { first: address.to_bits() & mask, mask })
            }
            // It would hold nobody: such addresses are looked at as those of IPv4 that they are.
            IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => None,
            IpAddr::V6(address) => {
                let length = length.unwrap_or(128);
                let mask = (1..=128).contains(&length).then(|| u128::MAX << (128 - length))?;
                Some(Self::V6 { first: address.to_bits() & mask, mask })
            }
        }
    }

    fn holds(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4 { first, mask }, IpAddr::V4(address)) => address.to_bits() & mask == first,
            (Self::V6 { first, mask }, IpAddr::V6(address)) => address.to_bits() & mask == first,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(networks: &[&str]) -> Option<Proxies> {
        Proxies::parse(&networks.iter().map(|&network| network.to_owned()).collect::<Vec<_>>())
    }

    fn source(proxies: &Proxies, peer: &str, lines: &[&str]) -> IpAddr {
        let lines = lines.iter().map(|line| (FORWARDED_FOR, line.parse().unwrap()));
        proxies.source(ip(peer), &lines.collect())
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let known = proxies(&["10.0.0.7/8", "192.0.2.1", "fd00::/8", "2001:db8::1"]).unwrap();
        for inside in ["10.255.0.1", "192.0.2.1", "::ffff:10.1.2.3", "fdff::9", "2001:db8::1"] {
            assert!(known.trusts(ip(inside)), "{inside}");
        }
        for outside in ["11.0.0.1", "192.0.2.2", "fe80::1", "2001:db8::2", "::a00:1"] {
            assert!(!known.trusts(ip(outside)), "{outside}");
        }
    }

    #[test]
    fn what_is_no_network_or_everybody_is_refused() {
        for wrong in
            ["", "ten", "10.0.0.0/33", "10.0.0.0/0", "::/0", "fd00::/129", "10.0.0.0/", "::ffff:10.0.0.1"]
        {
            assert!(proxies(&["10.0.0.0/8", wrong]).is_none(), "{wrong:?}");
        }
        assert!(!proxies(&[]).unwrap().trusts(ip("127.0.0.1")));
    }

    #[test]
    fn what_a_stranger_says_of_their_address_is_not_read() {
        let proxies = proxies(&["10.0.0.0/8"]).unwrap();
        assert_eq!(source(&proxies, "192.0.2.1", &["198.51.100.1"]), ip("192.0.2.1"));
        assert_eq!(source(&Proxies::default(), "10.0.0.1", &["198.51.100.1"]), ip("10.0.0.1"));
    }

    #[test]
    fn of_what_proxies_say_the_last_address_counts_that_is_none_of_theirs() {
        let proxies = proxies(&["10.0.0.0/8", "fd00::/8"]).unwrap();
        let cases: [(&[&str], &str); 10] = [
            (&["198.51.100.1"], "198.51.100.1"),
            (&["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
            (&["10.9.9.9, 198.51.100.1,10.0.0.2 , fd00::3"], "198.51.100.1"),
            (&["203.0.113.9", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["::ffff:198.51.100.1"], "198.51.100.1"),
            (&["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::"),
            (&["[2001:db8:1:2:3::4]"], "2001:db8:1:2::"),
            // Where nobody else is named, or what is named is no address, it is the proxy that said so last.
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        ];
        for (lines, expected) in cases {
            assert_eq!(source(&proxies, "::ffff:10.0.0.1", lines), ip(expected), "{lines:?}");
        }
        assert_eq!(source(&proxies, "10.0.0.1", &[]), ip("10.0.0.1"));
    }
}
