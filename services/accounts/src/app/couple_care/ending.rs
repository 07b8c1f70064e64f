//! The end of care of a couple: by any of the three, with the link, with a counselor who is none any more.

use super::{hold_for_counselor, store};
use crate::{
    CareError, Error,
    app::{Accounts, announce, couple::close_all, notice},
    domain::{CoupleCareState, NoticeKind},
    store::{couple, couple_care::Ended},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Proposals that are over ended at a time.
const AT_A_TIME: i64 = 200;

/// Does not take a couple on. Both learn that it was answered.
///
/// # Errors
/// [`Error::SessionOver`]; [`CareError::NotFound`].
pub async fn decline(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    care_id: Uuid,
) -> Result<(), Error> {
    let (parties, held) = hold_for_counselor(accounts, conn, by, care_id).await?;
    if held.state != CoupleCareState::Asked.as_str() {
        return Err(CareError::NotFound.into());
    }
    store::end(conn, &[care_id], "declined", accounts.clock.now()).await?;
    for member_id in &parties.member_ids {
        notice::tell(accounts, conn, *member_id, NoticeKind::CareAnswered, None).await?;
    }
    Ok(())
}

/// Ends care for any of the three, with everything that was open in it. For whoever was asked to agree it is a no, which
/// nobody else is told. Without one nothing changes.
///
/// # Errors
/// When the database fails.
pub async fn end(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    care_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let Some(parties) = store::parties(conn, care_id, account_id).await? else { return Ok(()) };
    couple::lock_accounts(conn, &parties.all()).await?;
    let Some(held) = store::hold(conn, care_id, now).await? else { return Ok(()) };
    let is_member = parties.member_ids.contains(&account_id);
    if held.state == CoupleCareState::Proposed.as_str() {
        if held.proposer_id == account_id {
            store::end(conn, &[care_id], "ended", now).await?;
        } else if is_member {
            store::say_no(conn, care_id, account_id).await?;
        }
        return Ok(());
    }
    let ended = store::end(conn, &[care_id], "ended", now).await?;
    if is_member {
        tell_counselors(accounts, conn, &ended).await?;
    }
    close(accounts, conn, &ended, now).await
}

/// Ends what a couple has with counselors, because its link is over.
pub(in crate::app) async fn end_of_couple(
    accounts: &Accounts,
    conn: &mut PgConnection,
    couple_id: Uuid,
) -> Result<(), Error> {
    let open = store::open_of_couple(conn, couple_id).await?;
    end_these(accounts, conn, &open, true).await
}

/// Ends what somebody's couple has with a counselor whom they keep away.
pub(in crate::app) async fn end_between(
    accounts: &Accounts,
    conn: &mut PgConnection,
    member_id: Uuid,
    counselor_id: Uuid,
) -> Result<(), Error> {
    let open = store::open_between(conn, member_id, counselor_id).await?;
    end_these(accounts, conn, &open, true).await
}

/// Ends what couples have with a counselor who leaves.
pub(in crate::app) async fn end_all_of(
    accounts: &Accounts,
    conn: &mut PgConnection,
    counselor_id: Uuid,
) -> Result<(), Error> {
    let open = store::open_of_counselor(conn, counselor_id).await?;
    end_these(accounts, conn, &open, false).await
}

async fn end_these(
    accounts: &Accounts,
    conn: &mut PgConnection,
    care_ids: &[Uuid],
    tell: bool,
) -> Result<(), Error> {
    if care_ids.is_empty() {
        return Ok(());
    }
    let now = accounts.clock.now();
    let ended = store::end(conn, care_ids, "ended", now).await?;
    if tell {
        tell_counselors(accounts, conn, &ended).await?;
    }
    close(accounts, conn, &ended, now).await
}

/// Tells the counselors of what began and is over. A partner is never told: they see that there is nothing any more.
async fn tell_counselors(accounts: &Accounts, conn: &mut PgConnection, ended: &[Ended]) -> Result<(), Error> {
    for care in ended.iter().filter(|care| care.started_at.is_some()) {
        notice::tell(accounts, conn, care.counselor_id, NoticeKind::CareOver, None).await?;
    }
    Ok(())
}

/// Raises the access epochs between each of the two and the counselor, of what began, and tells of it.
async fn close(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended: &[Ended],
    now: Timestamp,
) -> Result<(), Error> {
    for care in ended {
        let Some(state) = care.state(now) else { continue };
        let told = announce::care(&accounts.ids, now, &state);
        let pairs: Vec<_> = care.member_ids.iter().map(|member_id| (*member_id, care.counselor_id)).collect();
        close_all(accounts, conn, &pairs, told, now).await?;
    }
    Ok(())
}

/// Ends proposals and requests whose time is over, some at a time; returns how many. Nobody is told: silence stays silence.
///
/// # Errors
/// When the database fails.
pub async fn expire(accounts: &Accounts, conn: &mut PgConnection) -> Result<u64, Error> {
    Ok(store::expire(conn, accounts.clock.now(), AT_A_TIME).await?)
}
