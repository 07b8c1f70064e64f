//! Signing in with a passkey: in the place of address, password and code, or of the code alone.

use super::{
    AskedDevice, Proven, Wish, keep,
    showing::{ask_of, check, note},
    site, take,
};
use crate::{
    Error, PasskeyError,
    app::{
        Accounts, seal_label,
        session::SealedLabel,
        sign_in::{By, Started, begin, hold},
    },
    domain::{ChallengeToken, DeviceLabel, DeviceToken, PendingToken},
    store::{passkey_challenge::Purpose, pending_sign_in as pending, throttle},
};
use sqlx::PgConnection;

/// Asks a device for a passkey: whichever it has for this place, or one of the account whose password was right. Asks the
/// vault, so no transaction may be open.
///
/// # Errors
/// [`PasskeyError::NotHere`]; [`Error::SignInOver`]; [`Error::NoSuchFactor`] where that account has none.
pub async fn begin_passkey_sign_in(
    accounts: &Accounts,
    half: Option<&PendingToken>,
) -> Result<AskedDevice, Error> {
    let purpose = Purpose::SignIn;
    if let Some(half) = half {
        let (hash, now) = (half.hash(), accounts.clock.now());
        let found = pending::find(&mut *accounts.pool.acquire().await?, &hash, now).await?;
        let account_id = found.ok_or(Error::SignInOver)?.account_id;
        return ask_of(accounts, account_id, purpose, None, Some(&hash)).await;
    }
    let asked = site(accounts)?.ask(&[]).ok_or(PasskeyError::Unaskable)?;
    let challenge_id = accounts.ids.next();
    let wish =
        Wish { challenge_id, purpose, account_id: None, session_id: None, pending_hash: None, name: None };
    let key = accounts.key().await?;
    keep(accounts, key, &mut *accounts.pool.acquire().await?, asked, &wish).await
}

/// A sign-in whose passkey fits.
pub struct PasskeySignIn {
    proven: Proven,
    half: Option<[u8; 32]>,
    label: SealedLabel,
}

/// Checks a device's answer, and uses its challenge up. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::SignInOver`]; [`PasskeyError::Refused`], whether or not there is such a passkey.
pub async fn check_sign_in(
    accounts: &Accounts,
    token: &ChallengeToken,
    answer: &str,
    label: &DeviceLabel,
) -> Result<PasskeySignIn, Error> {
    let (taken, state) = take(accounts, token, Purpose::SignIn).await?.ok_or(Error::SignInOver)?;
    let proven = check(accounts, &taken, &state, answer).await?;
    let half = taken.pending_hash.map(|hash| hash.try_into().map_err(|_| Error::Unreadable)).transpose()?;
    let label = seal_label(accounts, proven.account_id, label).await?;
    Ok(PasskeySignIn { proven, half, label })
}

/// Starts the session; the half that it finishes is used up.
///
/// # Errors
/// [`PasskeyError::Refused`]; [`Error::SignInOver`] when somebody finished that half meanwhile.
pub async fn sign_in_with_passkey(
    accounts: &Accounts,
    conn: &mut PgConnection,
    checked: PasskeySignIn,
    device: Option<&DeviceToken>,
) -> Result<Started, Error> {
    let PasskeySignIn { proven, half, label } = checked;
    let kind = hold(conn, proven.account_id).await?;
    if let Some(hash) = half {
        let found = pending::find(conn, &hash, accounts.clock.now()).await?.ok_or(Error::SignInOver)?;
        if !pending::take(conn, &hash).await? {
            return Err(Error::SignInOver);
        }
        let attempt: [u8; 32] = found.counted_as[..].try_into().map_err(|_| Error::Unreadable)?;
        throttle::clear(conn, &attempt).await?;
    }
    note(accounts, conn, &proven).await?;
    let by = By { account_id: proven.account_id, kind, strong: true };
    begin(accounts, conn, by, &label, device).await
}
