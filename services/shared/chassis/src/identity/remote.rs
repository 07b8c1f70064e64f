//! The one call any service makes to another: accounts' public keys.

use super::keyring::{KeySource, PublicKey};
use crate::telemetry::Traced;
use crate::{Code, Fault};
use candor_proto::accounts::v1::{ListSigningKeysRequest, session_service_client::SessionServiceClient};
use futures::future::BoxFuture;
use std::time::Duration;
use tonic::transport::Endpoint;

/// Longer than this, and the caller is told that accounts is away.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Keys as accounts lists them.
pub(super) struct RemoteKeys(Option<Traced>);

impl RemoteKeys {
    /// Connects when first asked, and again when the connection is lost.
    pub(super) fn new(accounts_url: &str) -> Self {
        let endpoint = Endpoint::from_shared(accounts_url.to_owned());
        let endpoint = endpoint.ok().map(|endpoint| endpoint.connect_timeout(TIMEOUT).timeout(TIMEOUT));
        Self(endpoint.map(|endpoint| Traced::new(endpoint.connect_lazy())))
    }
}

impl KeySource for RemoteKeys {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        Box::pin(async move {
            let Some(channel) = &self.0 else {
                tracing::error!("the address of accounts cannot be used");
                return Err(away());
            };
            let mut client = SessionServiceClient::new(channel.clone());
            let answer = client.list_signing_keys(ListSigningKeysRequest {}).await.map_err(|status| {
                tracing::warn!(code = ?status.code(), "accounts' signing keys cannot be fetched");
                away()
            })?;
            let keys = answer.into_inner().keys.into_iter();
            Ok(keys.map(|key| PublicKey { key_id: key.key_id, x: key.public_key }).collect())
        })
    }
}

fn away() -> Fault {
    Fault::new(
        Code::Unavailable,
        "UNAVAILABLE",
        "Sign-in cannot be checked just now. Please try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}
