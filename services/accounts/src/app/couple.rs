//! The link of two people: made when an invitation is accepted, seen by both, ended by either.

use super::{Accounts, announce, text};
use crate::{
    Error,
    store::{access, couple, invitation},
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where the name that a partner reads is sealed.
pub(super) fn own_name_place(couple_id: Uuid) -> Place<'static> {
    Place { table: "couple_member", column: "own_name", row: couple_id }
}

/// A link as one of the two sees it.
pub struct MyCouple {
    /// The link.
    pub couple_id: Uuid,
    /// The other.
    pub partner_id: Uuid,
    /// What the other is called here.
    pub partner_name: String,
    /// What the person is called here.
    pub own_name: String,
    /// Since when.
    pub linked_at: Timestamp,
}

/// What somebody sees of their link and their invitation.
pub struct Linkage {
    /// The link, if there is one.
    pub couple: Option<MyCouple>,
    /// The open invitation, if there is one, whatever its holder may have said to it.
    pub invitation: Option<invitation::Open>,
}

/// Somebody's link and open invitation. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn couple_of(accounts: &Accounts, account_id: Uuid) -> Result<Linkage, Error> {
    let (mine, invitation) = {
        let mut conn = accounts.pool.acquire().await?;
        let mine = couple::mine(&mut conn, account_id).await?;
        // Only then: an invitation that leads to a link in between is over, and never shows beside it.
        (mine, invitation::open_of(&mut conn, account_id, accounts.clock.now()).await?)
    };
    let Some(mine) = mine else { return Ok(Linkage { couple: None, invitation }) };
    let place = own_name_place(mine.couple_id);
    let own_key = accounts.vault.data_key(account_id).await?;
    let partner_key = accounts.vault.data_key(mine.partner_id).await?;
    let couple = MyCouple {
        couple_id: mine.couple_id,
        partner_id: mine.partner_id,
        partner_name: text(&partner_key.open(&place, &mine.partner_name)?)?,
        own_name: text(&own_key.open(&place, &mine.own_name)?)?,
        linked_at: mine.linked_at,
    };
    Ok(Linkage { couple: Some(couple), invitation: None })
}

/// Ends somebody's link, whoever of the two they are, and raises both access epochs with it, so that what was opened
/// before is good for nothing. Without a link nothing changes.
///
/// # Errors
/// When the database fails.
pub async fn unlink(accounts: &Accounts, conn: &mut PgConnection, account_id: Uuid) -> Result<(), Error> {
    let now = accounts.clock.now();
    let Some(ended) = couple::unlink(conn, account_id, now).await? else { return Ok(()) };
    let (first, second) = (ended.first_id, ended.second_id);
    let raised = [access::raise(conn, first, second).await?, access::raise(conn, second, first).await?];
    let [one, other] = raised.map(|epoch| announce::epoch_raised(&accounts.ids, now, &epoch));
    Ok(outbox::append(conn, &[announce::couple(&accounts.ids, now, &ended), one, other]).await?)
}
