//! gRPC: requests become domain values, use cases run in a transaction, values become replies.

mod care;
mod circle;
mod clients;
mod consent;
mod counselor;
mod couple;
mod couple_care;
mod email_change;
mod identity;
mod ledger;
mod ledger_look;
mod lines;
mod moderation;
mod openings;
mod passkey;
mod pause;
mod privacy;
mod profile;
mod security;
mod session;
mod software;
mod support;
mod terms;
mod trust;

use crate::{app::Accounts, outbound::KeyFetcher};
use chassis::Fault;
use jiff::Timestamp;
use openings::Openings;
use std::sync::Arc;
use uuid::Uuid;

/// The handlers of all services.
#[derive(Clone)]
pub struct Rpc {
    accounts: Arc<Accounts>,
    /// Fetches clients' keys.
    fetcher: KeyFetcher,
    /// Decides on wishes to read of another.
    openings: Openings,
}

impl Rpc {
    /// Handlers over the use cases; starts whoever decides on wishes to read of another.
    pub fn start(accounts: Arc<Accounts>, fetcher: KeyFetcher) -> Self {
        let openings = Openings::start(&accounts);
        Self { accounts, fetcher, openings }
    }

    /// Decides on what was handed in, and returns when the last of it is answered.
    pub async fn close(&self) {
        self.openings.close().await;
    }
}

/// An id in a field.
fn id(field: &str, text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Fault::invalid_field(field, "is not a UUID"))
}

/// An id in a field that may be empty.
fn optional_id(field: &str, text: &str) -> Result<Option<Uuid>, Fault> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

/// Ids in a field that holds many.
fn ids(field: &str, texts: &[String]) -> Result<Vec<Uuid>, Fault> {
    texts.iter().map(|text| id(field, text)).collect()
}

fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}
