//! Whether somebody who wants to change what keeps their account theirs may still speak for it. A passport says so for a
//! minute; this asks the database, and holds the answer until the transaction ends.

use super::Accounts;
use crate::{
    Error,
    store::{couple, factor, security, session},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Holds the account, and demands that the session lives. Where the account has a second factor, one must have been part
/// of a proof in this session: a password that was proven before there was one is not enough any more.
///
/// # Errors
/// [`Error::AccountGone`]; [`Error::SessionOver`]; [`Error::ProofTooWeak`].
pub(super) async fn hold(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
) -> Result<(), Error> {
    // The account before its sessions, as everywhere.
    if !security::hold(conn, passport.account_id).await? {
        return Err(Error::AccountGone);
    }
    speaks(accounts, conn, passport).await
}

/// As [`hold`], of somebody whose act is about others as well: all are held, the lower id first, so that nobody waits in a
/// circle. Rows that refer to the accounts can still be added meanwhile.
///
/// # Errors
/// As [`hold`].
pub(super) async fn hold_with(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    others: &[Uuid],
) -> Result<(), Error> {
    let all: Vec<_> = others.iter().copied().chain([passport.account_id]).collect();
    couple::lock_accounts(conn, &all).await?;
    speaks(accounts, conn, passport).await
}

/// Whether the session of somebody who is held lives, and was proven as strongly as the account can be.
async fn speaks(accounts: &Accounts, conn: &mut PgConnection, passport: &Passport) -> Result<(), Error> {
    let now = accounts.clock.now();
    let strong = session::hold(conn, passport.session_id, passport.account_id, now).await?;
    let strong = strong.ok_or(Error::SessionOver)?;
    if !strong && factor::of(conn, passport.account_id).await?.any() {
        return Err(Error::ProofTooWeak);
    }
    Ok(())
}
