//! Software that reads with tokens of its own: who registers it, how it proves who it is, and what it gets for it.
//!
//! A client is one of the house, registered by an operator, or a counselor's own. Being registered opens nothing: what a
//! token may be used for is the most, and what is read with it takes the consent of whoever it belongs to.

mod change;
mod identify;
mod registration;
mod shown;
mod tokens;

pub(super) use change::end_with_holder;
pub use change::{disable, rotate_keys};
pub use identify::{Acting, acting, claim_fetch, keep_fetched, prove};
pub use registration::{Draft, Keys, Wish, count_address, draft, register};
pub use shown::{Shown, get, list, list_own, look_at};
pub use tokens::{Issued, OwnTokens, Ticket, issue, revoke, sign, ticket};

use super::Accounts;
use crate::{
    ClientError,
    domain::client::{Freshness, JwksUrl, KeySet},
    store::client::{self, Client, Published},
};
use chassis::identity::{Kind, Passport};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where a client's contact is sealed.
pub(super) fn contact_place(client_id: Uuid) -> Place<'static> {
    Place { table: "client", column: "contact", row: client_id }
}

/// Whose the clients are that somebody registers: the house's, or a counselor's own.
fn holder(by: &Passport) -> Option<Uuid> {
    (by.kind == Kind::Counselor).then_some(by.account_id)
}

/// A client that somebody may see: operators see all, counselors their own.
async fn visible(conn: &mut PgConnection, by: &Passport, client_id: Uuid) -> Result<Client, crate::Error> {
    let found = client::find(conn, client_id).await?;
    let own = holder(by);
    let found = found.filter(|client| by.kind == Kind::Operator || own.is_some() && client.holder_id == own);
    Ok(found.ok_or(ClientError::NotFound)?)
}

impl Accounts {
    /// What an assertion of a client must be for: the token endpoint, as it is published.
    pub fn token_endpoint(&self) -> String {
        format!("{}/oauth/token", self.public_url)
    }
}

/// The times of fetched keys, as they are stored.
fn published(url: &JwksUrl, freshness: Freshness, fetch_from: Timestamp, now: Timestamp) -> Published<'_> {
    Published {
        jwks_url: url.as_str(),
        fetched_at: now,
        stale_at: freshness.stale_at,
        believed_until: freshness.believed_until,
        fetch_from,
    }
}

/// Puts a set in the place of the keys before.
async fn keep_keys(conn: &mut PgConnection, client_id: Uuid, set: &KeySet) -> Result<(), sqlx::Error> {
    let (ids, jwks): (Vec<_>, Vec<_>) = set.iter().map(|key| (key.key_id.clone(), key.stored_as())).unzip();
    client::replace_keys(conn, client_id, &ids, &jwks).await
}
