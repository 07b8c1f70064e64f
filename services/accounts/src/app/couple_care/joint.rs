//! Sessions of all three: locked until the counselor has seen each of the two alone, and whenever the counselor thinks so.
//! Neither of the two is ever told of whom it hangs, or why.

use super::{hold_for_counselor, record, store};
use crate::{
    CareError, Error,
    app::Accounts,
    domain::{CoupleCareState, audit::Action, audit::Details},
    store::couple_care::Parties,
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

async fn hold_active(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<Parties, Error> {
    let (parties, held) = hold_for_counselor(accounts, conn, by, care_id).await?;
    let is_active = held.state == CoupleCareState::Active.as_str();
    if is_active { Ok(parties) } else { Err(CareError::NotFound.into()) }
}

/// Notes that the counselor has seen one of the two alone. The first time counts.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`], also for somebody who is none of the two.
pub async fn confirm_seen_alone(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
    member_id: Uuid,
) -> Result<(), Error> {
    hold_active(accounts, conn, by, care_id).await?;
    if !store::confirm_seen_alone(conn, care_id, member_id, accounts.clock.now()).await? {
        return Err(CareError::NotFound.into());
    }
    record(accounts, conn, by, Action::SeenAloneConfirmed, care_id, Details::none()).await
}

/// Locks joint sessions until both are confirmed anew.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`].
pub async fn lock_joint_sessions(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(), Error> {
    hold_active(accounts, conn, by, care_id).await?;
    store::lock_joint_sessions(conn, care_id).await?;
    record(accounts, conn, by, Action::JointSessionsLocked, care_id, Details::none()).await
}
