//! How an account is secured, as its owner sees it.

use super::{
    Accounts,
    email_change::{self, WaitingAddress},
};
use crate::{
    Error,
    domain::AccountKind,
    store::{factor, security},
};
use jiff::Timestamp;
use uuid::Uuid;

/// How an account is secured.
pub struct OwnSecurity {
    /// When the password was chosen.
    pub password_set_at: Timestamp,
    /// Whether notices go by mail as well.
    pub notices_by_mail: bool,
    /// When the authenticator app was set up.
    pub app_since: Option<Timestamp>,
    /// How many passkeys there are.
    pub passkeys: i64,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// Whether the account can do nothing else before it has a second factor.
    pub second_factor_missing: bool,
    /// Another address that waits for its proof.
    pub waiting_address: Option<WaitingAddress>,
}

/// How an account is secured.
///
/// # Errors
/// [`Error::AccountGone`] when it was erased while the passport lives.
pub async fn security_of(accounts: &Accounts, account_id: Uuid) -> Result<OwnSecurity, Error> {
    let (found, factors) = {
        let mut conn = accounts.pool.acquire().await?;
        let found = security::get(&mut conn, account_id).await?.ok_or(Error::AccountGone)?;
        (found, factor::of(&mut conn, account_id).await?)
    };
    let waiting_address = email_change::waiting(accounts, account_id).await?;
    Ok(OwnSecurity {
        password_set_at: found.password_set_at,
        notices_by_mail: found.notices_by_mail,
        app_since: found.app_since,
        passkeys: factors.passkeys,
        recovery_codes: factors.recovery_codes,
        second_factor_missing: AccountKind::stored(&found.kind).needs_second_factor() && !factors.any(),
        waiting_address,
    })
}
