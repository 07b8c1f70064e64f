//! The journal's part when everything of a person is destroyed.

use super::to_proto;
use crate::store::erasing;
use bus::Envelope;
use bus::erasure::{Answer, Participant, Tally};
use candor_proto::journal::v1::Erased;
use chassis::{Clock, Fault, Ids, audience, idempotency};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Vault;

/// The journal's own part.
pub struct OwnPart {
    /// The keys.
    pub vault: Vault,
    /// Time.
    pub clock: Clock,
    /// Ids of events.
    pub ids: Ids,
}

impl Participant for OwnPart {
    async fn shred(&self, account_id: Uuid) -> Result<bool, Fault> {
        self.vault.shred(account_id).await?;
        Ok(true)
    }

    async fn erase(&self, conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Fault> {
        let tally = erasing::destroy(conn, account_id).await?;
        erasing::end_links(conn, account_id, self.clock.now()).await?;
        idempotency::forget(conn, account_id).await?;
        audience::forget(conn, account_id).await?;
        Ok(tally)
    }

    async fn answer(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), Fault> {
        let (classes, counts) = answer.tally.columns();
        let event = Erased {
            erasure_id: answer.erasure_id.to_string(),
            classes,
            counts,
            shred_time: answer.shredded_at.map(to_proto),
        };
        let (id, now) = (self.ids.next(), self.clock.now());
        bus::outbox::append(conn, &[Envelope::new(id, now, answer.erasure_id, 1, &event)]).await?;
        Ok(())
    }
}
