//! What accounts tells the others. It listens to nobody yet.

use crate::{Error, app};
use bus::{Outbox, key_of, resnapshot};
use candor_proto::accounts::v1::{AccountRegistered, AccountVerified, SessionEnded};
use chassis::{Clock, Ids};
use sqlx::PgPool;

/// The keys of the events that accounts emits.
pub fn emits() -> Vec<String> {
    vec![key_of::<AccountRegistered>(), key_of::<AccountVerified>(), key_of::<SessionEnded>()]
}

/// Tells every account's current state again, for consumers that lost what they knew; returns how many.
///
/// # Errors
/// When the database fails; what was told until then stays told.
pub async fn resnapshot(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    let told = resnapshot::run(pool, outbox, |conn, after| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move { app::current_state(conn, &ids, now, after).await })
    });
    Ok(told.await?)
}
