//! What the vault measures, by the service whose keys they are. Never whose, and never which.

use chassis::telemetry::{KeyValue, counter};
use opentelemetry::metrics::Counter;
use std::sync::LazyLock;

struct Instruments {
    keys: Counter<u64>,
    sealed: Counter<u64>,
    opened: Counter<u64>,
    refused: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments {
    keys: counter("candor_vault_keys", "Data keys that were asked for, by where they came from."),
    sealed: counter("candor_vault_sealed", "Values that were sealed."),
    opened: counter("candor_vault_opened", "Values that were opened."),
    refused: counter("candor_vault_refused", "Values that did not open: altered, or moved."),
});

/// Where a data key came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// The process' memory.
    Memory,
    /// The key store.
    Store,
    /// It was made.
    Nowhere,
}

impl Origin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Store => "store",
            Self::Nowhere => "new",
        }
    }
}

/// A service's vault is there.
pub(crate) fn begin(service: &'static str) {
    INSTRUMENTS.refused.add(0, &[of(service)]);
}

/// A data key was asked for.
pub(crate) fn key(service: &'static str, from: Origin) {
    INSTRUMENTS.keys.add(1, &[of(service), KeyValue::new("from", from.as_str())]);
}

/// A value was sealed.
pub(crate) fn sealed(service: &'static str) {
    INSTRUMENTS.sealed.add(1, &[of(service)]);
}

/// A value was to be opened.
pub(crate) fn opened(service: &'static str, is_open: bool) {
    let counter = if is_open { &INSTRUMENTS.opened } else { &INSTRUMENTS.refused };
    counter.add(1, &[of(service)]);
}

fn of(service: &'static str) -> KeyValue {
    KeyValue::new("service", service)
}
