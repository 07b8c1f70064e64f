//! What accounts itself destroys, and what the parts say of what they destroyed.

use super::{end_ties, hold_with_ties};
use crate::{
    Error,
    app::{Accounts, announce, audit, ledger, trust},
    domain::{ERASURE_PARTS, ErasurePart},
    store::{erasure, session},
};
use bus::erasure::{Answer, Participant, Tally};
use chassis::Fault;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// Accounts' own part.
pub struct OwnPart(pub Arc<Accounts>);

impl Participant for OwnPart {
    async fn shred(&self, account_id: Uuid) -> Result<bool, Fault> {
        // What they reported, what was reported of them and what they objected has keys of its own.
        for key in trust::keys_of(&self.0, account_id).await? {
            self.0.vault.shred(key).await?;
        }
        self.0.vault.shred(account_id).await?;
        Ok(true)
    }

    async fn erase(&self, conn: &mut PgConnection, account_id: Uuid) -> Result<Tally, Fault> {
        Ok(erase(&self.0, conn, account_id).await?)
    }

    fn is_about(&self, key: &str, body: &[u8], account_id: Uuid) -> bool {
        ledger::is_about(key, body, account_id)
    }

    async fn answer(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), Fault> {
        let (classes, counts) = answer.tally.columns();
        let part = ErasurePart::told(crate::NAME, answer.shredded_at, classes, counts);
        let part = part.ok_or(Error::Unreadable)?;
        erasure::keep_part(conn, answer.erasure_id, &part, self.0.clock.now()).await?;
        Ok(())
    }
}

/// Destroys every row of somebody's, and with their sessions and ties tells of their end.
pub(super) async fn erase(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<Tally, Error> {
    // Whoever links with them holds both accounts first, and finds one of them gone.
    hold_with_ties(conn, account_id).await?;
    end_ties(accounts, conn, account_id, None).await?;
    let now = accounts.clock.now();
    let ended = session::end_all(conn, account_id, None, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    let mut tally = erasure::destroy(conn, account_id).await?;
    tally.add("audit_records", audit::forget_account(accounts, conn, account_id).await?);
    Ok(tally)
}

/// Keeps what a part said of an erasure. Twice, or in another order, comes to the same; of one that nobody waits for any
/// more nothing is kept.
///
/// # Errors
/// [`Error::Unreadable`] from a part that takes no part in erasures; when the database fails.
pub async fn keep_part(
    conn: &mut PgConnection,
    erasure_id: Uuid,
    part: &ErasurePart,
    said_at: Timestamp,
) -> Result<(), Error> {
    if !ERASURE_PARTS.contains(&part.service.as_str()) {
        return Err(Error::Unreadable);
    }
    Ok(erasure::keep_part(conn, erasure_id, part, said_at).await?)
}
