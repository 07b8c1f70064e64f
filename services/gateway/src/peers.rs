//! Who is connected: no single address takes the places of all others.

use crate::proxies::Proxies;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The addresses that are connected.
pub(crate) struct Peers {
    /// Connections of one address at once, and bodies on their way.
    most: usize,
    /// Who speaks for many, and has as many connections as there are.
    proxies: Proxies,
    places: Mutex<HashMap<Key, Place>>,
}

/// What places are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// The proxy of an address.
    Proxy(IpAddr),
    /// Whoever comes from a network.
    Network(IpAddr),
}

struct Place {
    connections: usize,
    bodies: Arc<Semaphore>,
}

impl Peers {
    /// Nobody yet; `most` is what one address may have of each at once, unless it is one of the proxies.
    pub(crate) fn new(most: usize, proxies: Proxies) -> Arc<Self> {
        Arc::new(Self { most, proxies, places: Mutex::default() })
    }

    /// One more connection, until the peer is dropped; none when the address has as many as it may.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Arc<Peer>> {
        let (key, most) = if self.proxies.trusts(address) {
            (Key::Proxy(address.to_canonical()), usize::MAX)
        } else {
            (Key::Network(network(address)), self.most)
        };
        let mut places = self.lock();
        let bodies = || Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let place = places.entry(key).or_insert_with(|| Place { connections: 0, bodies: bodies() });
        if place.connections >= most {
            return None;
        }
        place.connections += 1;
        Some(Arc::new(Peer { peers: self.clone(), key, address, bodies: place.bodies.clone() }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The other end of one connection.
pub(crate) struct Peer {
    peers: Arc<Peers>,
    key: Key,
    address: IpAddr,
    bodies: Arc<Semaphore>,
}

impl Peer {
    /// Where it is connected from.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// One more body on its way, as long as the permit is held; none when the address has as many as it may.
    pub(crate) fn begin_body(&self) -> Option<OwnedSemaphorePermit> {
        self.bodies.clone().try_acquire_owned().ok()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut places = self.peers.lock();
        if let Some(place) = places.get_mut(&self.key) {
            place.connections -= 1;
            if place.connections == 0 {
                places.remove(&self.key);
            }
        }
    }
}

/// What one person or machine is given at least: an IPv4 address, or a /64 of IPv6.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_only_so_many_places_and_gets_them_back() {
        let peers = Peers::new(2, Proxies::default());
        let (one, two) =
            (peers.admit(ip("192.0.2.1")).unwrap(), peers.admit(ip("::ffff:192.0.2.1")).unwrap());
        assert!(peers.admit(ip("192.0.2.1")).is_none());
        assert!(peers.admit(ip("192.0.2.2")).is_some(), "others are not concerned");
        let bodies = [one.begin_body().unwrap(), two.begin_body().unwrap()];
        assert!(one.begin_body().is_none());
        drop(bodies);
        assert!(two.begin_body().is_some());
        drop(one);
        assert!(peers.admit(ip("192.0.2.1")).is_some());
        drop(two);
        assert!(peers.lock().is_empty());
    }

    #[test]
    fn a_proxy_that_speaks_for_many_has_as_many_places_as_it_needs() {
        let proxies = Proxies::parse(&["2001:db8::1".to_owned()]).unwrap();
        let peers = Peers::new(1, proxies);
        let many: Vec<_> = (0..100).map(|_| peers.admit(ip("2001:db8::1")).unwrap()).collect();
        let bodies: Vec<_> = many.iter().map(|peer| peer.begin_body().unwrap()).collect();
        // Whoever is beside it has one.
        let beside = peers.admit(ip("2001:db8::2")).unwrap();
        assert!(peers.admit(ip("2001:db8::3")).is_none());
        drop((many, bodies, beside));
        assert!(peers.lock().is_empty());
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        assert_eq!(network(ip("2001:db8:1:2:3::4")), network(ip("2001:db8:1:2:ffff::")));
        assert_ne!(network(ip("2001:db8:1:2::")), network(ip("2001:db8:1:3::")));
    }
}
