//! Passkeys: added, named and taken away by their owner, and shown in the place of a password and a code.

mod adding;
mod own;
mod showing;
mod sign_in;

pub use adding::{PreparedPasskey, add_passkey, begin_passkey, prepare_passkey};
pub use own::{MyPasskey, passkeys_of, remove_passkey, rename_passkey, seal_passkey_name};
pub use showing::{Proven, begin_passkey_step_up, check_step_up, step_up_with_passkey};
pub use sign_in::{PasskeySignIn, begin_passkey_sign_in, check_sign_in, sign_in_with_passkey};

use super::{Accounts, random};
use crate::{
    Error, PasskeyError,
    domain::{Asked, CHALLENGE_LIFE, ChallengeToken, KeptPasskey, Site},
    store::{
        passkey::Listed,
        passkey_challenge::{self as challenge, NewChallenge, Purpose, Taken},
    },
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};
use zeroize::Zeroizing;

/// What a device is asked, for whoever holds it.
pub struct AskedDevice {
    /// Options for the browser, in the JSON form of the standard.
    pub options: Zeroizing<String>,
    /// What the answer comes with.
    pub token: ChallengeToken,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The place that passkeys are for.
fn site(accounts: &Accounts) -> Result<&Site, Error> {
    accounts.site.as_ref().ok_or(PasskeyError::NotHere.into())
}

/// Where a passkey is sealed.
fn credential_place(passkey_id: Uuid) -> Place<'static> {
    Place { table: "passkey", column: "credential", row: passkey_id }
}

/// Where its name is sealed.
fn name_place(passkey_id: Uuid) -> Place<'static> {
    Place { table: "passkey", column: "name", row: passkey_id }
}

/// Where a challenge is sealed.
fn state_place(challenge_id: Uuid) -> Place<'static> {
    Place { table: "passkey_challenge", column: "state", row: challenge_id }
}

/// What a passkey is found by.
async fn index(accounts: &Accounts, id: &[u8]) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("passkey", id))
}

fn open(key: &DataKey, passkey_id: Uuid, sealed: &[u8]) -> Result<KeptPasskey, Error> {
    KeptPasskey::stored(&key.open(&credential_place(passkey_id), sealed)?).ok_or(Error::Unreadable)
}

fn open_all(key: &DataKey, listed: &[Listed]) -> Result<Vec<KeptPasskey>, Error> {
    listed.iter().map(|row| open(key, row.passkey_id, &row.credential)).collect()
}

fn seal(key: &DataKey, passkey_id: Uuid, passkey: &KeptPasskey) -> Result<Vec<u8>, Error> {
    let bytes = passkey.to_bytes().ok_or(Error::Unreadable)?;
    Ok(key.seal(&credential_place(passkey_id), &bytes))
}

/// For what, whose and where a device is asked.
struct Wish<'a> {
    challenge_id: Uuid,
    purpose: Purpose,
    account_id: Option<Uuid>,
    session_id: Option<Uuid>,
    pending_hash: Option<&'a [u8; 32]>,
    name: Option<&'a [u8]>,
}

/// Keeps what is asked until its answer, sealed with the service's own key.
async fn keep(
    accounts: &Accounts,
    key: &DataKey,
    conn: &mut PgConnection,
    asked: Asked,
    wish: &Wish<'_>,
) -> Result<AskedDevice, Error> {
    let token = ChallengeToken::of(random()?);
    let expires_at = accounts.clock.now() + CHALLENGE_LIFE;
    let state = key.seal(&state_place(wish.challenge_id), &asked.state);
    let new = NewChallenge {
        token_hash: &token.hash(),
        challenge_id: wish.challenge_id,
        purpose: wish.purpose,
        account_id: wish.account_id,
        session_id: wish.session_id,
        pending_hash: wish.pending_hash,
        state: &state,
        name: wish.name,
        expires_at,
    };
    challenge::insert(conn, &new).await?;
    Ok(AskedDevice { options: asked.options, token, expires_at })
}

/// Uses a challenge up, before anybody looks at the answer: none is answered twice.
async fn take(
    accounts: &Accounts,
    token: &ChallengeToken,
    purpose: Purpose,
) -> Result<Option<(Taken, Zeroizing<Vec<u8>>)>, Error> {
    // May ask the vault, so before a connection is held.
    let key = accounts.key().await?;
    let mut conn = accounts.pool.acquire().await?;
    let taken = challenge::take(&mut conn, &token.hash(), purpose, accounts.clock.now()).await?;
    let Some(taken) = taken else { return Ok(None) };
    let state = key.open(&state_place(taken.challenge_id), &taken.state)?;
    Ok(Some((taken, state)))
}
