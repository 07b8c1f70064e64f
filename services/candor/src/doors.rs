//! The addresses everything answers on, taken before anything starts, so that each service can be told the others'.

use crate::cli::{BoxError, Serving};
use crate::settings::{GATEWAY, Given, SERVICES};
use chassis::process::bind;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};

/// Who answers where.
pub(crate) type Addresses = BTreeMap<&'static str, SocketAddr>;

/// Addresses that are taken.
pub(crate) struct Doors {
    pub(crate) addresses: Addresses,
    pub(crate) listeners: BTreeMap<&'static str, TcpListener>,
}

impl Doors {
    /// Takes all of them.
    pub(crate) fn open(wished: &Addresses) -> Result<Self, BoxError> {
        let mut doors = Self { addresses: Addresses::new(), listeners: BTreeMap::new() };
        for (name, address) in wished {
            let listener =
                bind(*address).map_err(|error| format!("{name}: {error}; choose another address"))?;
            doors.addresses.insert(name, listener.local_addr()?);
            doors.listeners.insert(name, listener);
        }
        Ok(doors)
    }
}

/// The addresses as set, or else as the command line says.
pub(crate) fn wished(given: &Given, options: &Serving) -> Addresses {
    let mut addresses = Addresses::from([(GATEWAY, options.http)]);
    for (offset, name) in (0_u16..).zip(SERVICES) {
        let port = match options.grpc.port() {
            0 => 0,
            first => first.saturating_add(offset),
        };
        addresses.insert(name, SocketAddr::new(options.grpc.ip(), port));
    }
    for (name, address) in &mut addresses {
        if let Some(set) = given.text(&format!("{name}.listen.address")).and_then(|text| text.parse().ok()) {
            *address = set;
        }
    }
    addresses
}

/// Addresses for commands that do not serve.
pub(crate) fn nowhere() -> Addresses {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    SERVICES.into_iter().chain([GATEWAY]).map(|name| (name, loopback)).collect()
}
