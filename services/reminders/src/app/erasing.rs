//! Reminders' part when everything of a person is destroyed.

use super::couples;
use crate::error::Error;
use crate::store::erasing;
use bus::Envelope;
use bus::erasure::{Answer, Participant, Tally};
use candor_proto::reminders::v1::Erased;
use chassis::{Clock, Fault, Ids, audience};
use sqlx::PgConnection;
use uuid::Uuid;

/// Reminders' own part.
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
        Ok(self.destroy(conn, account_id).await?)
    }

    async fn answer(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), Fault> {
        let (classes, counts) = answer.tally.columns();
        let event = Erased { erasure_id: answer.erasure_id.to_string(), classes, counts, shred_time: None };
        let (id, now) = (self.ids.next(), self.clock.now());
        bus::outbox::append(conn, &[Envelope::new(id, now, answer.erasure_id, 1, &event)]).await?;
        Ok(())
    }
}

impl OwnPart {
    async fn destroy(&self, conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Error> {
        let now = self.clock.now();
        // What rests on a link leaves the other's inbox with it, in case nobody has told of its end yet.
        for (couple, bond) in erasing::links(conn, account_id).await? {
            couples::unlinked(conn, &couple, bond, now, now).await?;
        }
        let tally = erasing::destroy(conn, account_id).await?;
        audience::forget(conn, account_id).await?;
        Ok(tally)
    }
}
