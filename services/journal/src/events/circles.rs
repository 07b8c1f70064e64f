//! Who is in whose circle. Duplicates and disorder change nothing: places have versions.

use super::{id, moment};
use crate::app;
use crate::store::circles::Place;
use bus::{HandlerError, Meta};
use candor_proto::accounts::v1::CircleChanged;
use chassis::Fault;
use sqlx::PgConnection;

/// Somebody is in a circle, or no more.
pub(super) async fn changed(
    conn: &mut PgConnection,
    meta: &Meta,
    event: CircleChanged,
) -> Result<(), HandlerError> {
    let place = Place {
        circle_id: id(&event.circle_id, "CIRCLE_ID")?,
        host_id: id(&event.host_account_id, "HOST_ACCOUNT_ID")?,
        guest_id: id(&event.guest_account_id, "GUEST_ACCOUNT_ID")?,
        // What it says counts, whatever the envelope says.
        version: if event.joined { 1 } else { 2 },
        changed_at: moment(event.change_time, "CHANGE_TIME")?.unwrap_or(meta.time),
    };
    if place.host_id == place.guest_id {
        return Err(HandlerError::Malformed("GUEST_ACCOUNT_ID"));
    }
    app::note_circle(conn, &place).await.map_err(Fault::from)?;
    Ok(())
}
