//! Content's part when everything of a person is destroyed.

use crate::store::erasing;
use bus::Envelope;
use bus::erasure::{Answer, Participant, Tally};
use candor_proto::content::v1::Erased;
use chassis::{Clock, Fault, Ids};
use sqlx::PgConnection;
use uuid::Uuid;

/// Content's own part.
pub struct OwnPart {
    /// Time.
    pub clock: Clock,
    /// Ids of events.
    pub ids: Ids,
}

impl Participant for OwnPart {
    /// There is no private text here, and no key.
    async fn shred(&self, _: Uuid) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn erase(&self, conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Fault> {
        Ok(erasing::destroy(conn, account_id, self.clock.now()).await?)
    }

    async fn answer(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), Fault> {
        let (classes, counts) = answer.tally.columns();
        let event = Erased { erasure_id: answer.erasure_id.to_string(), classes, counts, shred_time: None };
        let (id, now) = (self.ids.next(), self.clock.now());
        bus::outbox::append(conn, &[Envelope::new(id, now, answer.erasure_id, 1, &event)]).await?;
        Ok(())
    }
}
