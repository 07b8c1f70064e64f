//! How a client proves who it is: with an assertion that it signed, and a key that is registered. Where its keys are at an
//! address, they are fetched from there and nowhere else, seldom, and by one at a time.

use super::{keep_keys, published};
use crate::{
    ClientError, Error,
    app::Accounts,
    domain::client::{
        Assertion, ClientKey, Expected, FETCH_PAUSE, FetchProblem, Fetched, Freshness, JwksUrl, KeySet, Proof,
    },
    store::client::{self, Client},
};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use uuid::Uuid;

/// A client that may act, with its keys as far as they are at hand.
pub struct Acting {
    pub(super) client: Client,
    keys: KeySet,
}

impl Acting {
    /// Where its keys are, unless they were registered by value.
    pub fn jwks_url(&self) -> Option<JwksUrl> {
        JwksUrl::parse(self.client.jwks_url.as_deref()?).ok()
    }

    /// Whether its keys are to be fetched before anything is said about an assertion that names a key.
    pub fn wants_fetch(&self, key_id: &str, now: Timestamp) -> bool {
        let Some(freshness) = self.freshness() else { return false };
        !freshness.is_believed(now) || freshness.is_stale(now) || self.keys.find(key_id).is_none()
    }

    fn freshness(&self) -> Option<Freshness> {
        let (stale_at, believed_until) = self.client.stale_at.zip(self.client.believed_until)?;
        Some(Freshness { stale_at: stale_at.to_jiff(), believed_until: believed_until.to_jiff() })
    }

    fn has_keys(&self, now: Timestamp) -> bool {
        self.freshness().is_none_or(|freshness| freshness.is_believed(now))
    }
}

/// The client of an id, if it may act.
///
/// # Errors
/// [`ClientError::Refused`] when it does not exist, is disabled, or its holder is no counselor any more.
pub async fn acting(accounts: &Accounts, client_id: Uuid) -> Result<Acting, Error> {
    let mut conn = accounts.pool.acquire().await?;
    let client = client::find(&mut conn, client_id).await?.filter(|client| client.acts);
    let client = client.ok_or(ClientError::Refused)?;
    let keys = client::keys(&mut conn, &[client_id]).await?;
    let keys = keys.into_iter().filter_map(|key| ClientKey::stored(key.key_id, &key.jwk));
    Ok(Acting { client, keys: KeySet::of(keys.collect()) })
}

/// Claims the fetch of a client's keys; false when somebody fetches them at this moment, or did so a moment ago.
///
/// # Errors
/// When the database fails.
pub async fn claim_fetch(accounts: &Accounts, acting: &Acting) -> Result<bool, Error> {
    let (now, client) = (accounts.clock.now(), &acting.client);
    let mut conn = accounts.pool.acquire().await?;
    Ok(client::claim_fetch(&mut conn, client.client_id, client.keys_version, now, now + FETCH_PAUSE).await?)
}

/// Keeps what a fetch brought, and answers with the client as it is then. Without keys those before go on to count for as
/// long as they do.
///
/// # Errors
/// When the database fails.
pub async fn keep_fetched(
    accounts: &Accounts,
    mut acting: Acting,
    url: &JwksUrl,
    fetched: Result<Fetched, FetchProblem>,
) -> Result<Acting, Error> {
    let (now, client) = (accounts.clock.now(), &mut acting.client);
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(problem) => {
            tracing::warn!(client_id = %client.client_id, ?problem, "a client's keys cannot be fetched");
            let mut conn = accounts.pool.acquire().await?;
            client::note_problem(&mut conn, client.client_id, client.keys_version, problem.number()).await?;
            return Ok(acting);
        }
    };
    let freshness = Freshness::of(fetched.max_age, now);
    let times = published(url, freshness, now + FETCH_PAUSE, now);
    let mut tx = accounts.pool.begin().await?;
    if client::note_fetched(&mut tx, client.client_id, client.keys_version, times).await? {
        keep_keys(&mut tx, client.client_id, &fetched.set).await?;
    }
    tx.commit().await?;
    client.stale_at = Some(freshness.stale_at.to_sqlx());
    client.believed_until = Some(freshness.believed_until.to_sqlx());
    acting.keys = fetched.set;
    Ok(acting)
}

/// Whether an assertion proves who a client is.
///
/// # Errors
/// [`ClientError::Refused`] without saying why; [`ClientError::KeysAway`] while there are no keys to look with.
pub fn prove(accounts: &Accounts, acting: &Acting, assertion: &Assertion<'_>) -> Result<Proof, Error> {
    let now = accounts.clock.now();
    if !acting.has_keys(now) {
        return Err(ClientError::KeysAway(FETCH_PAUSE.unsigned_abs()).into());
    }
    let (audience, jwks_url) = (accounts.token_endpoint(), acting.client.jwks_url.as_deref());
    let expected = Expected { audience: &audience, jwks_url, now };
    let proof = acting.keys.find(assertion.key_id()).and_then(|key| assertion.proves(key, &expected));
    Ok(proof.ok_or(ClientError::Refused)?)
}
