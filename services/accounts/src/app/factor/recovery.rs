//! Recovery codes: made with the first factor, shown once, each good once.

use super::after_loss;
use crate::{
    Error,
    app::{Accounts, notice, random, standing},
    domain::{NoticeKind, RECOVERY_CODES, RecoveryCode},
    store::{factor, factor::Factors},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Codes as they are shown this once.
pub type FreshCodes = Vec<Zeroizing<String>>;

/// Puts new codes in the place of those before. Other sessions end unless they are to go on.
///
/// # Errors
/// [`Error::NoSuchFactor`] where there is no factor that they would stand in for; [`Error::SessionOver`];
/// [`Error::ProofTooWeak`].
pub async fn renew_recovery_codes(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    others_go_on: bool,
) -> Result<FreshCodes, Error> {
    let account_id = passport.account_id;
    standing::hold(accounts, conn, passport).await?;
    if !factor::of(conn, account_id).await?.any() {
        return Err(Error::NoSuchFactor);
    }
    let codes = renew(conn, account_id).await?;
    after_loss(accounts, conn, passport, others_go_on).await?;
    let kind = NoticeKind::RecoveryCodesRenewed;
    notice::tell(accounts, conn, account_id, kind, Some(passport.session_id)).await?;
    Ok(codes)
}

/// The codes that come with a first factor; none where there are some.
pub(in crate::app) async fn first_codes(
    conn: &mut PgConnection,
    account_id: Uuid,
    before: Factors,
) -> Result<Option<FreshCodes>, Error> {
    if before.recovery_codes > 0 { Ok(None) } else { renew(conn, account_id).await.map(Some) }
}

async fn renew(conn: &mut PgConnection, account_id: Uuid) -> Result<FreshCodes, Error> {
    let codes: Vec<_> =
        (0..RECOVERY_CODES).map(|_| random().map(RecoveryCode::of)).collect::<Result<_, _>>()?;
    let hashes: Vec<_> = codes.iter().map(|code| code.hash().to_vec()).collect();
    factor::replace_recovery_codes(conn, account_id, &hashes).await?;
    Ok(codes.iter().map(RecoveryCode::text).collect())
}
