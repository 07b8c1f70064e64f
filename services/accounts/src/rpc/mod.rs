//! gRPC: requests become domain values, use cases run in a transaction, values become replies.

mod consent;
mod couple;
mod identity;
mod ledger;
mod session;

use crate::app::Accounts;
use jiff::Timestamp;
use std::sync::Arc;

/// The handlers of all services.
#[derive(Clone)]
pub struct Rpc(Arc<Accounts>);

impl Rpc {
    /// Handlers over the use cases.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self(accounts)
    }
}

fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
