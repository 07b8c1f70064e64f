//! Telling again of the assessments that are scored.

use super::PAGE;
use crate::{Error, app};
use bus::Outbox;
use bus::resnapshot::{self, Page};
use chassis::{Clock, Ids};
use sqlx::PgPool;
use uuid::Uuid;

/// Tells of every scored assessment again; returns how many.
pub(super) async fn tell_scored(
    pool: &PgPool,
    outbox: &Outbox,
    clock: &Clock,
    ids: &Ids,
) -> Result<u64, Error> {
    resnapshot::run(pool, outbox, |conn, after: Option<(Uuid, Uuid)>| {
        let (now, ids) = (clock.now(), ids.clone());
        Box::pin(async move {
            let after = after.unwrap_or_default();
            let scored = app::assessments::scored_assessments_after(conn, after, PAGE).await?;
            let is_full = i64::try_from(scored.len()).is_ok_and(|count| count == PAGE);
            let next = scored.last().filter(|_| is_full).map(|last| (last.account_id, last.assessment_id));
            let tell = |scored| app::assessments::self_check_scored(ids.next(), now, scored);
            Ok(Page { events: scored.iter().map(tell).collect(), next })
        })
    })
    .await
}
