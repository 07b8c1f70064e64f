//! Who a client is, by its assertion: claim the fetch of its keys where they are at an address, fetch outside any
//! transaction, keep what was found, look.

use crate::{
    ClientError, Error,
    app::clients::{self, Acting},
    domain::client::{Assertion, Proof},
    rpc::Rpc,
};

/// The client that an assertion is of, and the proof, which is not used up yet. `client_id` is what the caller says
/// besides, if anything.
///
/// # Errors
/// [`ClientError::Refused`] without saying why; [`ClientError::KeysAway`].
pub(super) async fn identify(rpc: &Rpc, assertion: &str, client_id: &str) -> Result<(Acting, Proof), Error> {
    let accounts = &rpc.accounts;
    let assertion = Assertion::read(assertion).ok_or(ClientError::Refused)?;
    if !client_id.is_empty() && client_id.parse() != Ok(assertion.client_id()) {
        return Err(ClientError::Refused.into());
    }
    let mut acting = clients::acting(accounts, assertion.client_id()).await?;
    // Whatever the assertion says, nothing else is ever fetched than what its client's holder registered.
    if acting.wants_fetch(assertion.key_id(), accounts.clock.now())
        && let Some(url) = acting.jwks_url()
        && clients::claim_fetch(accounts, &acting).await?
    {
        let fetched = rpc.fetcher.fetch(&url).await;
        acting = clients::keep_fetched(accounts, acting, &url, fetched).await?;
    }
    let proof = clients::prove(accounts, &acting, &assertion)?;
    Ok((acting, proof))
}
