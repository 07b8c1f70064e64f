//! The link of two people: made when an invitation is accepted, seen by both, ended by either.

use super::{Accounts, announce, invitation::name_place, text};
use crate::{
    Error,
    domain::{InvitationCode, Name},
    store::{
        access,
        couple::{self, NewMember, State},
        invitation::{self, Found},
    },
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where the name that a partner reads is sealed.
fn own_name_place(couple_id: Uuid) -> Place<'static> {
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

/// A yes to an invitation: both names sealed for the link that is to be.
pub struct Acceptance {
    couple_id: Uuid,
    code_hash: [u8; 32],
    account_id: Uuid,
    own_name: (String, Vec<u8>),
    inviter_id: Uuid,
    inviter_name: (String, Vec<u8>),
}

/// Makes a yes ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::AlreadyLinked`], whatever the code; [`Error::InvitationNotFound`] without saying why.
pub async fn prepare_acceptance(
    accounts: &Accounts,
    account_id: Uuid,
    code: Option<&InvitationCode>,
    name: &Name,
) -> Result<Acceptance, Error> {
    let (code_hash, found) = {
        let mut conn = accounts.pool.acquire().await?;
        let looked_at = match code.map(InvitationCode::hash) {
            None => Err(Error::InvitationNotFound),
            Some(hash) => open_to(accounts, &mut conn, account_id, &hash).await.map(|found| (hash, found)),
        };
        // Asked last and answered first: a link that is made in between is told as one, not as a code that is over.
        if couple::is_linked(&mut conn, account_id).await? {
            return Err(Error::AlreadyLinked);
        }
        looked_at?
    };
    let (couple_id, inviter_id) = (accounts.ids.next(), found.standing.inviter_id);
    let place = own_name_place(couple_id);
    let inviter_key = accounts.vault.data_key(inviter_id).await?;
    let inviter_name = inviter_key.open(&name_place(found.invitation_id), &found.own_name)?;
    let own_key = accounts.vault.data_key(account_id).await?;
    Ok(Acceptance {
        couple_id,
        code_hash,
        account_id,
        own_name: (name.as_str().to_owned(), own_key.seal(&place, name.as_bytes())),
        inviter_id,
        inviter_name: (text(&inviter_name)?, inviter_key.seal(&place, &inviter_name)),
    })
}

/// Links the two. Both accounts are held, the lower id first, before anything is looked at once more: whatever else
/// either does with invitations and links waits, or has happened and is seen.
///
/// # Errors
/// As [`prepare_acceptance`].
pub async fn accept(
    accounts: &Accounts,
    conn: &mut PgConnection,
    acceptance: Acceptance,
) -> Result<MyCouple, Error> {
    let Acceptance { couple_id, account_id, inviter_id, .. } = acceptance;
    let held = couple::lock_accounts(conn, &[account_id, inviter_id]).await?;
    if couple::is_linked(conn, account_id).await? {
        return Err(Error::AlreadyLinked);
    }
    let found = open_to(accounts, conn, account_id, &acceptance.code_hash).await?;
    if held != 2 || found.standing.inviter_id != inviter_id {
        return Err(Error::InvitationNotFound);
    }
    let now = accounts.clock.now();
    let own = NewMember { account_id, own_name: &acceptance.own_name.1 };
    let inviter = NewMember { account_id: inviter_id, own_name: &acceptance.inviter_name.1 };
    let both = if account_id < inviter_id { [&own, &inviter] } else { [&inviter, &own] };
    couple::link(conn, couple_id, both, now).await?;
    // Whatever else the two have open is over with it: it must not open again when they part.
    invitation::end(conn, &[account_id, inviter_id], now).await?;
    let state = State {
        couple_id,
        first_id: both[0].account_id,
        second_id: both[1].account_id,
        linked_at: now,
        unlinked_at: None,
    };
    outbox::append(conn, &[announce::couple(&accounts.ids, now, &state)]).await?;
    Ok(MyCouple {
        couple_id,
        partner_id: inviter_id,
        partner_name: acceptance.inviter_name.0,
        own_name: acceptance.own_name.0,
        linked_at: now,
    })
}

async fn open_to(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    code_hash: &[u8; 32],
) -> Result<Found, Error> {
    let found = invitation::find(conn, code_hash).await?.ok_or(Error::InvitationNotFound)?;
    let has_said_no = invitation::has_said_no(conn, account_id, &found).await?;
    let is_open = found.standing.is_open_to(account_id, has_said_no, accounts.clock.now());
    if is_open { Ok(found) } else { Err(Error::InvitationNotFound) }
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
