//! Tokens: got for one assertion, good for five minutes, taken back at any time.

use super::{Acting, change::end_tokens};
use crate::{
    ClientError, Error,
    app::{Accounts, random_id, signing::Signer},
    domain::{CLIENT_TOKEN_PACE, client::Proof},
    store::{client, client_token, throttle},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::{
    Clock, Fault,
    identity::{ClientTokens, MOST_SCOPES, Scopes, claims::Claims},
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;
use zeroize::Zeroizing;

/// All that a token is made of, but for the moment.
pub struct Ticket {
    client_id: Uuid,
    keys_version: i64,
    proof: Proof,
    scopes: Scopes,
    token_id: Uuid,
    counted_as: [u8; 32],
    signer: Signer,
}

/// A token.
pub struct Issued {
    /// The token, signed.
    pub token: Zeroizing<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// How many seconds that is from when it was made.
    pub seconds: i64,
    /// What it may be used for.
    pub scopes: Scopes,
}

/// Makes a token ready for a client that proved who it is: with what of the scopes it asks for is registered. Asks the
/// vault, so no transaction may be open.
///
/// # Errors
/// [`Error::NoSigningKey`] in the first moments of an installation.
pub async fn ticket(
    accounts: &Accounts,
    acting: &Acting,
    proof: Proof,
    asked: &str,
) -> Result<Ticket, Error> {
    let client = &acting.client;
    let registered = Scopes::exactly(&client.scopes).ok_or(Error::Unreadable)?;
    // Where none is left, that is said once it is known that the assertion is good.
    let scopes = Scopes::asked(asked).map(|asked| asked.within(&registered)).unwrap_or_default();
    let counted_as = accounts.key().await?.mac("tokens of a client", client.client_id.as_bytes());
    let signer = accounts.signing.signer(accounts).await?;
    let (client_id, keys_version, token_id) = (client.client_id, client.keys_version, random_id()?);
    Ok(Ticket { client_id, keys_version, proof, scopes, token_id, counted_as, signer })
}

/// Uses the assertion up and keeps the token's id. Of many who come with one assertion, one gets here.
///
/// # Errors
/// [`ClientError::Refused`] when the assertion was used before, or the client was disabled or its keys changed meanwhile;
/// [`ClientError::ScopeRefused`] where no scope is left; [`ClientError::TooManyTokens`]. Whoever undoes the transaction for
/// one of the latter leaves the assertion good.
pub async fn issue(accounts: &Accounts, conn: &mut PgConnection, ticket: &Ticket) -> Result<Claims, Error> {
    let now = accounts.clock.now();
    use_up(conn, ticket.client_id, ticket.keys_version, ticket.proof, now).await?;
    if ticket.scopes.is_empty() || ticket.scopes.len() > MOST_SCOPES {
        return Err(ClientError::ScopeRefused.into());
    }
    if !throttle::take(conn, &ticket.counted_as, CLIENT_TOKEN_PACE, now).await? {
        return Err(ClientError::TooManyTokens(CLIENT_TOKEN_PACE.interval.unsigned_abs()).into());
    }
    let claims = Claims::of_client(ticket.client_id, ticket.token_id, &ticket.scopes, now);
    let expires_at = claims.expires_at().map_err(|_| Error::SigningKey)?;
    client_token::insert(conn, ticket.token_id, ticket.client_id, expires_at).await?;
    client::note_use(conn, ticket.client_id, now).await?;
    Ok(claims)
}

/// Holds the client, and uses an assertion of its up.
async fn use_up(
    conn: &mut PgConnection,
    client_id: Uuid,
    keys_version: i64,
    proof: Proof,
    now: Timestamp,
) -> Result<(), Error> {
    let is_first = client::hold(conn, client_id, keys_version).await?
        && client_token::use_up(conn, client_id, &proof.id_hash, proof.until, now).await?;
    if is_first { Ok(()) } else { Err(ClientError::Refused.into()) }
}

/// Signs a token whose id is kept.
///
/// # Errors
/// [`Error::SigningKey`] when the key cannot sign.
pub fn sign(ticket: Ticket, claims: &Claims) -> Result<Issued, Error> {
    let signer = &ticket.signer;
    let token = claims.sign(&signer.tokens).map_err(|_| Error::SigningKey)?;
    let expires_at = claims.expires_at().map_err(|_| Error::SigningKey)?;
    Ok(Issued {
        token: Zeroizing::new(token),
        expires_at,
        seconds: claims.exp - claims.iat,
        scopes: ticket.scopes,
    })
}

/// Takes a token of a client back that proved who it is. Whatever else it sends changes nothing.
///
/// # Errors
/// [`ClientError::Refused`] as for [`issue`].
pub async fn revoke(
    accounts: &Accounts,
    conn: &mut PgConnection,
    acting: &Acting,
    proof: Proof,
    token: &str,
) -> Result<(), Error> {
    let client = &acting.client;
    use_up(conn, client.client_id, client.keys_version, proof, accounts.clock.now()).await?;
    match claimed_id(token) {
        Some(token_id) => end_tokens(accounts, conn, client.client_id, Some(token_id)).await,
        None => Ok(()),
    }
}

/// The id that a token says it has. It need not be verified: whoever makes one up takes back a token of their own.
fn claimed_id(token: &str) -> Option<Uuid> {
    #[derive(Deserialize)]
    struct Claimed {
        sid: Uuid,
    }
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Claimed>(&claims).ok().map(|claimed| claimed.sid)
}

/// The tokens of clients as accounts itself knows them: those it keeps, of clients that may act.
pub struct OwnTokens {
    /// The service's database.
    pub pool: PgPool,
    /// Time.
    pub clock: Clock,
}

impl ClientTokens for OwnTokens {
    fn is_live(&self, token_id: Uuid) -> BoxFuture<'_, Result<bool, Fault>> {
        Box::pin(async move {
            let mut conn = self.pool.acquire().await?;
            Ok(client_token::is_live(&mut conn, token_id, self.clock.now()).await?)
        })
    }
}
