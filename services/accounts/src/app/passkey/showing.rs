//! Showing a passkey: whose it is, whether the answer fits, and a proof in the middle of a session.

use super::{AskedDevice, Wish, index, keep, open, open_all, seal, site, take};
use crate::{
    Error, PasskeyError,
    app::{Accounts, notice},
    domain::{Answer, ChallengeToken, NoticeKind, Unfit},
    store::{
        passkey::{self, Found},
        passkey_challenge::{Purpose, Taken},
        session::{self, Live},
    },
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// A passkey whose device's answer fits, before that is noted.
pub struct Proven {
    passkey_id: Uuid,
    /// Whose it is.
    pub(super) account_id: Uuid,
    counter: i64,
    credential: Vec<u8>,
}

/// Checks an answer to a challenge that was just used up. Asks the vault, so no transaction may be open. Whatever does
/// not fit is one refusal; a counter that went back is told to the owner.
///
/// # Errors
/// [`PasskeyError::Refused`].
pub(super) async fn check(
    accounts: &Accounts,
    taken: &Taken,
    state: &[u8],
    answer: &str,
) -> Result<Proven, Error> {
    let answer = Answer::parse(answer).ok_or(PasskeyError::Refused)?;
    let index = index(accounts, answer.id()).await?;
    let found = passkey::find(&mut *accounts.pool.acquire().await?, &index).await?;
    let found = found.filter(|found| is_whose(found, taken, &answer)).ok_or(PasskeyError::Refused)?;
    let Found { passkey_id, account_id, credential } = found;
    let key = accounts.vault.data_key(account_id).await?;
    let fit = match site(accounts)?.check(state, &answer, open(&key, passkey_id, &credential)?) {
        Ok(fit) => fit,
        Err(Unfit::Wrong) => return Err(PasskeyError::Refused.into()),
        Err(Unfit::CountedBack) => {
            doubt(accounts, account_id).await?;
            return Err(PasskeyError::Refused.into());
        }
    };
    let credential = seal(&key, passkey_id, &fit.passkey)?;
    Ok(Proven { passkey_id, account_id, counter: i64::from(fit.counter), credential })
}

/// Whether the passkey is of whoever was asked. Where nobody was, its device has to say whose it is.
fn is_whose(found: &Found, taken: &Taken, answer: &Answer) -> bool {
    let named = answer.names(found.account_id);
    match taken.account_id {
        Some(asked) => asked == found.account_id && named != Some(false),
        None => named == Some(true),
    }
}

async fn doubt(accounts: &Accounts, account_id: Uuid) -> Result<(), Error> {
    let mut tx = accounts.pool.begin().await?;
    notice::tell(accounts, &mut tx, account_id, NoticeKind::PasskeyDoubted, None).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

/// Notes a proof, in the transaction of what it lets through.
///
/// # Errors
/// [`PasskeyError::Refused`] when the passkey is gone, or a later count of its device was taken already.
pub(super) async fn note(accounts: &Accounts, conn: &mut PgConnection, proven: &Proven) -> Result<(), Error> {
    let Proven { passkey_id, counter, credential, .. } = proven;
    if passkey::prove(conn, *passkey_id, *counter, credential, accounts.clock.now()).await? {
        Ok(())
    } else {
        Err(PasskeyError::Refused.into())
    }
}

/// Asks for one of the account's own passkeys. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`PasskeyError::NotHere`]; [`Error::NoSuchFactor`].
pub async fn begin_passkey_step_up(accounts: &Accounts, passport: &Passport) -> Result<AskedDevice, Error> {
    let (account_id, session_id) = (passport.account_id, Some(passport.session_id));
    ask_of(accounts, account_id, Purpose::StepUp, session_id, None).await
}

/// Asks for one of an account's passkeys.
pub(super) async fn ask_of(
    accounts: &Accounts,
    account_id: Uuid,
    purpose: Purpose,
    session_id: Option<Uuid>,
    pending_hash: Option<&[u8; 32]>,
) -> Result<AskedDevice, Error> {
    let site = site(accounts)?;
    let listed = passkey::list(&mut *accounts.pool.acquire().await?, account_id).await?;
    if listed.is_empty() {
        return Err(Error::NoSuchFactor);
    }
    let own = open_all(&accounts.vault.data_key(account_id).await?, &listed)?;
    let asked = site.ask(&own).ok_or(PasskeyError::Unaskable)?;
    let (challenge_id, account_id) = (accounts.ids.next(), Some(account_id));
    let wish = Wish { challenge_id, purpose, account_id, session_id, pending_hash, name: None };
    let key = accounts.key().await?;
    let mut tx = accounts.pool.begin().await?;
    let asked = keep(accounts, key, &mut tx, asked, &wish).await?;
    tx.commit().await?;
    Ok(asked)
}

/// Checks a device's answer for whoever is signed in, and uses its challenge up. No transaction may be open.
///
/// # Errors
/// [`PasskeyError::Over`]; [`Error::ProofRefused`].
pub async fn check_step_up(
    accounts: &Accounts,
    passport: &Passport,
    token: &ChallengeToken,
    answer: &str,
) -> Result<Proven, Error> {
    let (taken, state) = take(accounts, token, Purpose::StepUp).await?.ok_or(PasskeyError::Over)?;
    if taken.account_id != Some(passport.account_id) || taken.session_id != Some(passport.session_id) {
        return Err(PasskeyError::Over.into());
    }
    check(accounts, &taken, &state, answer).await.map_err(refused)
}

/// Notes the proof in the session: of two factors, since the device verified its person.
///
/// # Errors
/// [`Error::ProofRefused`]; [`Error::SessionOver`] when it ended meanwhile.
pub async fn step_up_with_passkey(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    proven: &Proven,
) -> Result<Live, Error> {
    note(accounts, conn, proven).await.map_err(refused)?;
    let now = accounts.clock.now();
    let (session_id, account_id) = (passport.session_id, passport.account_id);
    let live = session::prove(conn, session_id, account_id, true, now, accounts.terms.required()).await?;
    live.ok_or(Error::SessionOver)
}

/// Whoever is signed in is told that it did not fit, not that they are not signed in.
fn refused(error: Error) -> Error {
    match error {
        Error::Passkey(PasskeyError::Refused) => Error::ProofRefused,
        other => other,
    }
}
