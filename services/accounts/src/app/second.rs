//! The second half of a sign-in: what follows the right password where there is a second factor.

use super::{
    Accounts, Checked, factor, random, session, sign_in,
    sign_in::{By, Started},
};
use crate::{
    Error,
    domain::{DeviceToken, FACTOR_PACE, PENDING_LIFE, PendingToken},
    store::{account::Credentials, pending_sign_in as pending, throttle},
};
use jiff::Timestamp;
use sqlx::PgConnection;

/// Half a sign-in, for its bearer to finish.
pub struct WaitingHalf {
    /// What it is finished with.
    pub token: PendingToken,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Keeps half a sign-in. The failed attempts before are forgotten only once it is whole.
///
/// # Errors
/// When the database fails.
pub async fn keep_half(
    accounts: &Accounts,
    conn: &mut PgConnection,
    proven: &Credentials,
    attempt: &sign_in::Attempt,
    label: &session::SealedLabel,
) -> Result<WaitingHalf, Error> {
    let token = PendingToken::of(random()?);
    let expires_at = accounts.clock.now() + PENDING_LIFE;
    let new = pending::NewPending {
        token_hash: &token.hash(),
        account_id: proven.account_id,
        session_id: label.session_id,
        device_label: &label.sealed,
        counted_as: attempt.counted_as(),
        expires_at,
    };
    pending::insert(conn, &new).await?;
    Ok(WaitingHalf { token, expires_at })
}

/// Half a sign-in whose bearer shows a second factor.
pub struct Half {
    token_hash: [u8; 32],
    counted_as: [u8; 32],
    found: pending::Pending,
}

impl Half {
    /// Whose it is.
    pub fn account_id(&self) -> uuid::Uuid {
        self.found.account_id
    }
}

/// Finds half a sign-in and takes a turn for its account.
///
/// # Errors
/// [`Error::SignInOver`]; [`Error::TooManyProofs`].
pub async fn half(accounts: &Accounts, conn: &mut PgConnection, token: &PendingToken) -> Result<Half, Error> {
    let token_hash = token.hash();
    let found = pending::find(conn, &token_hash, accounts.clock.now()).await?.ok_or(Error::SignInOver)?;
    let counted_as = accounts.key().await?.mac("second factor of an account", found.account_id.as_bytes());
    factor::admit_code(accounts, conn, found.account_id, &counted_as, FACTOR_PACE).await?;
    Ok(Half { token_hash, counted_as, found })
}

/// Starts the session, if the code was not used before and nobody finished this half meanwhile.
///
/// # Errors
/// [`Error::SignInOver`]; [`Error::CodeRefused`].
pub async fn complete(
    accounts: &Accounts,
    conn: &mut PgConnection,
    half: Half,
    checked: &Checked,
    device: Option<&DeviceToken>,
) -> Result<Started, Error> {
    // The account before what hangs on it, as everywhere.
    let kind = sign_in::hold(conn, half.found.account_id).await?;
    if !pending::take(conn, &half.token_hash).await? {
        return Err(Error::SignInOver);
    }
    let Half { found, counted_as, .. } = half;
    factor::use_up(accounts, conn, checked, Some(found.session_id)).await?;
    throttle::clear(conn, &counted_as).await?;
    let attempt: [u8; 32] = found.counted_as[..].try_into().map_err(|_| Error::Unreadable)?;
    throttle::clear(conn, &attempt).await?;
    let label = session::SealedLabel { session_id: found.session_id, sealed: found.device_label };
    let by = By { account_id: found.account_id, kind, strong: true };
    sign_in::begin(accounts, conn, by, &label, device).await
}
