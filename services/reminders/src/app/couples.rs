//! Links begin and end. What rests on a link ends with it, in the same transaction.

use crate::domain::{Bond, Couple};
use crate::error::Error;
use crate::store::{check_ins, couples, schedules};
use jiff::Timestamp;
use sqlx::PgConnection;

/// Two people are linked: what was told under their link before takes its course. A link that is known to have ended
/// stays ended.
///
/// # Errors
/// When the database fails.
pub async fn linked(
    conn: &mut PgConnection,
    couple: &Couple,
    bond: Bond,
    linked_at: Timestamp,
) -> Result<(), Error> {
    if couples::upsert(conn, couple, bond, couples::LINKED, linked_at).await? {
        schedules::release(conn, couple.couple_id).await?;
    }
    Ok(())
}

/// They are linked no more: their check-ins end, nothing that was to come arrives, and what had arrived leaves both
/// inboxes. The others hear of the link's end from accounts, as this service does.
///
/// # Errors
/// When the database fails.
pub async fn unlinked(
    conn: &mut PgConnection,
    couple: &Couple,
    bond: Bond,
    unlinked_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    if couples::upsert(conn, couple, bond, couples::ENDED, unlinked_at).await? {
        // In this order: a replica that fires a check-in plans notices.
        check_ins::end_all(conn, couple.couple_id).await?;
        schedules::retract_of_couple(conn, couple.couple_id, now).await?;
    }
    Ok(())
}
