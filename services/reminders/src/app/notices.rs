//! What one of a couple brings the other. Told twice, or in any order, the outcome is the same.

use crate::domain::{Couple, Kind, Notice};
use crate::error::Error;
use crate::store::{couples, schedules};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

/// What is told this long after it happened is told again, for somebody who lost what they knew: it announces nothing.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// Something was shared.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    /// The share.
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
    let over =
        couples::lock_ended(conn, couple, now).await? || couples::is_withdrawn(conn, shared.share_id).await?;
    let notice = Notice {
        kind: Kind::Share,
        account_id: shared.recipient_id,
        couple_id: couple.couple_id,
        subject_id: shared.share_id,
        due_at: shared.open_at,
        ends_at: shared.expire_at,
    };
    schedules::insert_notices(conn, &[notice], over, now).await
}

/// A share was withdrawn: its recipient is told nothing, and what they were told is gone.
///
/// # Errors
/// When the database fails.
pub async fn withdrawn(
    conn: &mut PgConnection,
    couple: &Couple,
    share_id: Uuid,
    recipient_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    couples::lock_ended(conn, couple, now).await?;
    couples::withdraw_share(conn, share_id, couple.couple_id).await?;
    schedules::retract(conn, Notice::id_of(Kind::Share, recipient_id, share_id), now).await
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
    let ended = couples::lock_ended(conn, couple, now).await?;
    let notice = Notice {
        kind: Kind::ShareAnswer,
        account_id: owner_id,
        couple_id: couple.couple_id,
        subject_id: share_id,
        due_at: answered_at,
        ends_at: None,
    };
    schedules::insert_notices(conn, &[notice], ended, now).await
}
