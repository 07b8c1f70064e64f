//! Helping people with the use of the place, without seeing anything of theirs: somebody reads a code to whoever supports
//! them, who sees with it, once, how the account stands. Nothing can be looked up without its owner, and nothing changed.

use super::{
    Accounts,
    audit::{self, Record},
    care::cut,
    notice, random, random_id, standing,
};
use crate::{
    Error, SupportError,
    domain::{
        Cursor, NoticeKind, PageSize, SUPPORT_CODE_LIFE, SUPPORT_LOOK_PACE, SupportCode, TROUBLE_WITHIN,
        audit::{Action, Details, Subject},
    },
    store::{
        factor::{self, Factors},
        support::{self as store, Look, NewLook, Standing},
        throttle,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A code as it is shown, this once.
pub struct Code {
    /// The code.
    pub text: Zeroizing<String>,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// What a look with a code shows.
pub struct Seen {
    /// The number of the look.
    pub look_id: Uuid,
    /// How the account stands.
    pub standing: Standing,
    /// Which second factors it has.
    pub factors: Factors,
}

async fn mac(accounts: &Accounts, code: &SupportCode) -> Result<[u8; 32], Error> {
    Ok(accounts.key().await?.mac("support code", code.as_bytes()))
}

/// A new code, and the MAC it is kept as. May ask the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn make_code(accounts: &Accounts) -> Result<(SupportCode, [u8; 32]), Error> {
    let code = SupportCode::of(random()?);
    let mac = mac(accounts, &code).await?;
    Ok((code, mac))
}

/// The MAC of a code that somebody typed; `None` for what was never one. May ask the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn typed_code(accounts: &Accounts, typed: &str) -> Result<Option<[u8; 32]>, Error> {
    match SupportCode::parse(typed) {
        Some(code) => Ok(Some(mac(accounts, &code).await?)),
        None => Ok(None),
    }
}

/// Keeps a code in the place of the one before.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; when the database fails.
pub async fn keep_code(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    (code, code_mac): &(SupportCode, [u8; 32]),
) -> Result<Code, Error> {
    standing::hold(accounts, conn, by).await?;
    let expires_at = accounts.clock.now() + SUPPORT_CODE_LIFE;
    store::keep_code(conn, by.account_id, code_mac, expires_at).await?;
    Ok(Code { text: code.text(), expires_at })
}

/// Looks, once, how the account stands whose owner gave the code. The owner is told, and the look is in the audit.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`SupportError::CodeNotFound`].
pub async fn look(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    code_mac: Option<[u8; 32]>,
) -> Result<Seen, Error> {
    let now = accounts.clock.now();
    let owner = match &code_mac {
        Some(mac) => store::owner_of(conn, mac, now).await?.map(|account_id| (account_id, mac)),
        None => None,
    };
    let Some((account_id, mac)) = owner else {
        standing::hold(accounts, conn, by).await?;
        return Err(SupportError::CodeNotFound.into());
    };
    // The accounts before the code, as whoever makes one does.
    standing::hold_with(accounts, conn, by, &[account_id]).await?;
    if !store::use_code(conn, account_id, mac, now).await? {
        return Err(SupportError::CodeNotFound.into());
    }
    let standing = store::standing(conn, account_id, now - TROUBLE_WITHIN, now).await?;
    let standing = standing.ok_or(SupportError::CodeNotFound)?;
    let factors = factor::of(conn, account_id).await?;
    let look_id = random_id()?;
    let new = NewLook { look_id, account_id, staff_id: by.account_id, ledger: None };
    store::note_look(conn, &new, now).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::SupportLooked, None).await?;
    let looked = Record {
        actor: audit::actor(by),
        action: Action::SupportLooked,
        subject: Subject::account(account_id),
        details: Details::none().id("look", look_id),
        note: None,
    };
    audit::record(conn, accounts, looked).await?;
    Ok(Seen { look_id, standing, factors })
}

/// Takes a turn to look, right code or wrong.
///
/// # Errors
/// [`SupportError::TooManyLooks`].
pub async fn take_turn(accounts: &Accounts, by: &Passport) -> Result<(), Error> {
    let counted_as = accounts.key().await?.mac("support looks by an account", by.account_id.as_bytes());
    let mut conn = accounts.pool.acquire().await?;
    if throttle::take(&mut conn, &counted_as, SUPPORT_LOOK_PACE, accounts.clock.now()).await? {
        return Ok(());
    }
    Err(SupportError::TooManyLooks(SUPPORT_LOOK_PACE.interval.unsigned_abs()).into())
}

/// A page of what staff looked at of somebody's, newest first, and where the next one begins.
///
/// # Errors
/// When the database fails.
pub async fn looks(
    conn: &mut PgConnection,
    account_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Look>, Option<Cursor>), Error> {
    let mut found = store::looks(conn, account_id, (after.time, after.id), size.get() + 1).await?;
    let next = cut(&mut found, size, |look| Cursor { time: look.looked_at.to_jiff(), id: look.look_id });
    Ok((found, next))
}
