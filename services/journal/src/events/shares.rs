//! Telling of shares again.

use super::PAGE;
use crate::app::shares::shares_after;
use crate::{Error, app};
use bus::Outbox;
use bus::resnapshot::{self, Page};
use chassis::{Clock, Ids};
use sqlx::PgPool;
use uuid::Uuid;

/// Tells of every share that it was made, and where it is so, that it was answered and that it was taken back; returns
/// how many events that is.
pub(super) async fn tell(pool: &PgPool, outbox: &Outbox, clock: &Clock, ids: &Ids) -> Result<u64, Error> {
    resnapshot::run(pool, outbox, |conn, after: Option<(Uuid, Uuid)>| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move {
            let shares = shares_after(conn, after.unwrap_or_default(), PAGE).await?;
            let is_full = i64::try_from(shares.len()).is_ok_and(|count| count == PAGE);
            let next = shares.last().filter(|_| is_full).map(|last| (last.account_id, last.share_id));
            let mut events = Vec::with_capacity(shares.len());
            for share in &shares {
                events.push(app::item_shared(ids.next(), now, share));
                if share.answer_time.is_some() {
                    events.push(app::share_answered(ids.next(), now, share));
                }
                if share.withdrawn {
                    events.push(app::share_withdrawn(ids.next(), now, share));
                }
            }
            Ok(Page { events, next })
        })
    })
    .await
}
