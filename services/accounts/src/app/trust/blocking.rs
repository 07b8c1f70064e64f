//! Keeping somebody away for good: the one block there is, kept among the pauses and lifted there.

use super::known;
use crate::{
    Error, TrustError,
    app::{Accounts, care, circle, couple, pause::Pause, pause::pause_of_known, standing},
    domain::PauseCause,
    store,
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Makes a block of somebody ready whom the caller has or had to do with. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`TrustError::PersonNotKnown`].
pub async fn pause_of_person(accounts: &Accounts, keeper_id: Uuid, other_id: Uuid) -> Result<Pause, Error> {
    let now = accounts.clock.now();
    let mut conn = accounts.pool.acquire().await?;
    let known = known(&mut conn, keeper_id, other_id, now).await?;
    drop(conn);
    known.ok_or(TrustError::PersonNotKnown)?;
    pause_of_known(accounts, keeper_id, other_id).await
}

/// Ends all there is between the caller and somebody, and lets nothing of theirs reach the caller any more. The other is told
/// what they would be told of any end, and not why.
///
/// # Errors
/// [`Error::SessionOver`]; when the database fails.
pub async fn block(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    pause: &Pause,
) -> Result<(), Error> {
    standing::hold_with(accounts, conn, by, &[pause.other_id()]).await?;
    part(accounts, conn, pause).await
}

/// The same for two who are held, whoever of them says it how: what is between them ends, and a pause without an end is kept.
///
/// # Errors
/// When the database fails.
pub(in crate::app) async fn part(
    accounts: &Accounts,
    conn: &mut PgConnection,
    pause: &Pause,
) -> Result<(), Error> {
    let (now, me, other) = (accounts.clock.now(), pause.keeper_id(), pause.other_id());
    if store::couple::are_linked(conn, me, other).await? {
        couple::unlink(accounts, conn, me, None).await?;
    }
    let places = store::circle::end_between(conn, [me, other], now).await?;
    circle::tell_ended(accounts, conn, &places, now).await?;
    pause.keep(conn, PauseCause::Blocked, now).await?;
    care::end_between(accounts, conn, me, other).await
}
