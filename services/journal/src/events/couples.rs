//! Who is linked with whom, and what accounts took back. Duplicates and disorder change nothing: couples have
//! versions, epochs only grow, and a session ends once.

use super::{id, moment};
use crate::app;
use crate::store::couples::Couple;
use bus::{HandlerError, Meta};
use candor_proto::accounts::v1::{AccessEpochRaised, CoupleLinked, CoupleUnlinked, SessionEnded};
use chassis::{Fault, audience};
use sqlx::PgConnection;

/// Two are linked.
pub(super) async fn linked(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleLinked,
) -> Result<(), HandlerError> {
    let couple = Couple {
        couple_id: id(&event.couple_id, "COUPLE_ID")?,
        first_id: id(&event.first_account_id, "FIRST_ACCOUNT_ID")?,
        second_id: id(&event.second_account_id, "SECOND_ACCOUNT_ID")?,
        version: meta.version,
        changed_at: moment(event.link_time, "LINK_TIME")?.unwrap_or(meta.time),
    };
    note(conn, couple).await
}

/// Two are linked no more. A check-in that opened here before this was heard is called off, if its time came later.
pub(super) async fn unlinked(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CoupleUnlinked,
) -> Result<(), HandlerError> {
    let couple = Couple {
        couple_id: id(&event.couple_id, "COUPLE_ID")?,
        first_id: id(&event.first_account_id, "FIRST_ACCOUNT_ID")?,
        second_id: id(&event.second_account_id, "SECOND_ACCOUNT_ID")?,
        version: meta.version,
        changed_at: moment(event.unlink_time, "UNLINK_TIME")?.unwrap_or(meta.time),
    };
    note(conn, couple).await?;
    app::call_off_check_ins(conn, couple.couple_id, couple.changed_at).await.map_err(Fault::from)?;
    Ok(())
}

async fn note(conn: &mut PgConnection, couple: Couple) -> Result<(), HandlerError> {
    if couple.first_id >= couple.second_id {
        return Err(HandlerError::Malformed("FIRST_ACCOUNT_ID"));
    }
    app::note_couple(conn, &couple).await.map_err(Fault::from)?;
    Ok(())
}

/// Something that was open to a reader is open no more.
pub(super) async fn epoch_raised(
    conn: &mut PgConnection,
    event: AccessEpochRaised,
) -> Result<(), HandlerError> {
    let owner_id = id(&event.owner_account_id, "OWNER_ACCOUNT_ID")?;
    let reader_id = id(&event.reader_account_id, "READER_ACCOUNT_ID")?;
    audience::raise_epoch(conn, owner_id, reader_id, event.epoch).await.map_err(Fault::from)?;
    Ok(())
}

/// A session ended: nothing of another's is read in it any more.
pub(super) async fn session_ended(
    conn: &mut PgConnection,
    meta: &Meta,
    event: SessionEnded,
) -> Result<(), HandlerError> {
    let session_id = id(&event.session_id, "SESSION_ID")?;
    audience::end_session(conn, session_id, meta.time).await.map_err(Fault::from)?;
    Ok(())
}
