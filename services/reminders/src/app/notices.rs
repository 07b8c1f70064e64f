//! What one of a couple brings the other. Told twice, or in any order, the outcome is the same.

use crate::domain::{Couple, Kind, Notice};
use crate::error::Error;
use crate::store::{couples, schedules, schedules::Standing};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// What is told this long after it happened is told again, for somebody who lost what they knew: it announces nothing.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Something was shared.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    /// Who shared it.
    pub owner_id: Uuid,
    /// The share, as its owner names it.
    pub share_id: Uuid,
    /// With whom.
    pub recipient_id: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it opens.
    pub open_at: Timestamp,
    /// When it ends by itself.
    pub expire_at: Option<Timestamp>,
    /// When this was told.
    pub told_at: Timestamp,
}

/// Plans to tell the recipient of a share, at the time it opens. Not when it was withdrawn or the link ended, whichever
/// was told of first.
///
/// # Errors
/// When the database fails.
pub async fn shared(
    conn: &mut PgConnection,
    couple: &Couple,
    shared: &Shared,
    now: Timestamp,
) -> Result<(), Error> {
    if shared.told_at.duration_since(shared.open_at.max(shared.created_at)) > TOLD_AGAIN {
        return Ok(());
    }
    let mut standing = lock(conn, couple, now).await?;
    if couples::is_withdrawn(conn, couple.couple_id, shared.owner_id, shared.share_id).await? {
        standing = Standing::Over;
    }
    let notice = Notice {
        kind: Kind::Share,
        account_id: shared.recipient_id,
        couple_id: couple.couple_id,
        subject_id: shared.share_id,
        due_at: shared.open_at,
        ends_at: shared.expire_at,
    };
    schedules::insert_notices(conn, &[notice], standing, now).await
}

/// A share was withdrawn: its recipient is told nothing of it, and what they were told is gone, unless it tells of another
/// share too.
///
/// # Errors
/// When the database fails.
pub async fn withdrawn(
    conn: &mut PgConnection,
    couple: &Couple,
    [owner_id, recipient_id]: [Uuid; 2],
    share_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    lock(conn, couple, now).await?;
    couples::withdraw_share(conn, couple.couple_id, owner_id, share_id).await?;
    let notice = Notice::id_of(Kind::Share, recipient_id, couple.couple_id, share_id);
    schedules::retract(conn, notice, now).await
}

/// A share was answered: its owner is told at once. The answer stays the owner's, also when the share is withdrawn.
///
/// # Errors
/// When the database fails.
pub async fn answered(
    conn: &mut PgConnection,
    couple: &Couple,
    share_id: Uuid,
    owner_id: Uuid,
    [answered_at, told_at]: [Timestamp; 2],
    now: Timestamp,
) -> Result<(), Error> {
    if told_at.duration_since(answered_at) > TOLD_AGAIN {
        return Ok(());
    }
    let standing = lock(conn, couple, now).await?;
    let notice = Notice {
        kind: Kind::ShareAnswer,
        account_id: owner_id,
        couple_id: couple.couple_id,
        subject_id: share_id,
        due_at: answered_at,
        ends_at: None,
    };
    schedules::insert_notices(conn, &[notice], standing, now).await
}

/// Takes the link, so that nobody else changes it or what rests on it meanwhile; says what it lets a notice do.
async fn lock(conn: &mut PgConnection, couple: &Couple, now: Timestamp) -> Result<Standing, Error> {
    Ok(match couples::lock_version(conn, couple, now).await? {
        couples::LINKED => Standing::Runs,
        version if version < couples::LINKED => Standing::Waits,
        _ => Standing::Over,
    })
}
