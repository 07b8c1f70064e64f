//! Second factors: what somebody proves themself with besides a password.

mod app;
mod code;
mod recovery;

pub use app::{
    PreparedApp, ProposedApp, admit_confirmation, begin_app, confirm_app, prepare_app, remove_app,
};
pub(super) use code::use_up;
pub use code::{Checked, check_code};
pub(super) use recovery::first_codes;
pub use recovery::{FreshCodes, renew_recovery_codes};

use super::{Accounts, notice, session};
use crate::{
    Error,
    domain::{NoticeKind, Pace},
    store::{factor, security, session as sessions, throttle},
};
use chassis::{identity::Passport, rpc::STEP_UP_LIFE};
use jiff::SignedDuration;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

pub use crate::store::factor::Factors;

/// How often an owner is told that wrong codes come after the right password.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Where the secret of an app is sealed.
fn secret_place(account_id: Uuid) -> Place<'static> {
    Place { table: "totp", column: "secret", row: account_id }
}

/// Which second factors an account has.
///
/// # Errors
/// When the database fails.
pub async fn factors_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Factors, Error> {
    Ok(factor::of(conn, account_id).await?)
}

/// Lets an attempt with a second factor through. When there are too many, whoever makes them had the password right or
/// the mail in hand, so the owner is told.
///
/// # Errors
/// [`Error::TooManyProofs`].
pub(super) async fn admit_code(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    subject: &[u8; 32],
    pace: Pace,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    if throttle::take(conn, subject, pace, now).await? {
        return Ok(());
    }
    let kind = NoticeKind::CodesRefused;
    if !crate::store::notice::is_told(conn, account_id, kind.as_str(), now - TOLD_AGAIN).await? {
        notice::tell(accounts, conn, account_id, kind, None).await?;
        accounts.mails.notify_one();
    }
    Err(Error::TooManyProofs(pace.interval.unsigned_abs()))
}

/// After something that proves who somebody is was taken away, or another took its place. Which session began with it is not
/// kept, so every other one ends, and the account knows their devices no more. Where they are to go on they have proven
/// nothing any more, until they prove it with what there is now. Without any factor nothing is proven by two in this session
/// either, and recovery codes stand for nothing.
pub(super) async fn after_loss(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    others_go_on: bool,
) -> Result<(), Error> {
    let Passport { account_id, session_id, .. } = *by;
    if others_go_on {
        let stale = accounts.clock.now() - STEP_UP_LIFE - SignedDuration::from_secs(1);
        sessions::doubt_others(conn, account_id, session_id, stale).await?;
    } else {
        session::end_all(accounts, conn, account_id, Some(session_id)).await?;
    }
    if !factor::of(conn, account_id).await?.any() {
        factor::replace_recovery_codes(conn, account_id, &[]).await?;
        sessions::weaken(conn, account_id).await?;
    }
    Ok(())
}

/// Refuses to take the last factor of an account away where the password could not stand alone.
pub(super) async fn may_remove(
    conn: &mut PgConnection,
    account_id: Uuid,
    left: Factors,
) -> Result<(), Error> {
    if left.any() || security::password_stands_alone(conn, account_id).await? {
        Ok(())
    } else {
        Err(Error::PasswordTooShortAlone)
    }
}
