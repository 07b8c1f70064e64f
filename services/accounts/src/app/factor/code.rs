//! A code somebody types: of their app, or one of their recovery codes.

use super::secret_place;
use crate::{
    Error,
    app::{Accounts, notice},
    domain::{NoticeKind, RecoveryCode, Step, Totp},
    store::factor,
};
use sqlx::PgConnection;
use uuid::Uuid;

/// A code that fits, unless it was used before.
pub struct Checked {
    account_id: Uuid,
    with: With,
}

enum With {
    /// A step of the app with this sealed secret.
    App(Step, Vec<u8>),
    Recovery([u8; 32]),
}

/// Checks a code against what an account has. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::CodeRefused`].
pub async fn check_code(accounts: &Accounts, account_id: Uuid, typed: &str) -> Result<Checked, Error> {
    if let Some(code) = RecoveryCode::parse(typed) {
        return Ok(Checked { account_id, with: With::Recovery(code.hash()) });
    }
    let found = factor::app(&mut *accounts.pool.acquire().await?, account_id).await?;
    let found = found.ok_or(Error::CodeRefused)?;
    let key = accounts.vault.data_key(account_id).await?;
    let secret = key.open(&secret_place(account_id), &found.secret)?;
    let step = Totp::of(&secret).and_then(|totp| totp.step(typed, accounts.clock.now()));
    Ok(Checked { account_id, with: With::App(step.ok_or(Error::CodeRefused)?, found.secret) })
}

/// Uses a code up, in the transaction of what it lets through. Of two who show the same one, one gets through.
///
/// # Errors
/// [`Error::CodeRefused`] when it was used before, or is of an app that another took the place of meanwhile.
pub(in crate::app) async fn use_up(
    accounts: &Accounts,
    conn: &mut PgConnection,
    checked: &Checked,
    session_id: Option<Uuid>,
) -> Result<(), Error> {
    let account_id = checked.account_id;
    let used = match &checked.with {
        With::App(step, secret) => factor::use_step(conn, account_id, secret, step.0).await?,
        With::Recovery(hash) => factor::use_recovery_code(conn, account_id, hash).await?,
    };
    if !used {
        return Err(Error::CodeRefused);
    }
    if let With::Recovery(_) = checked.with {
        notice::tell(accounts, conn, account_id, NoticeKind::RecoveryCodeUsed, session_id).await?;
    }
    Ok(())
}
