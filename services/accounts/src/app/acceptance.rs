//! A yes to an invitation: it links two people as a couple, or puts one into the circle of the other.

use super::{
    Accounts, announce,
    circle::{self, MyPlace},
    couple::{MyCouple, own_name_place},
    invitation::{called_place, name_place, reason_place},
    text,
};
use crate::{
    CounselorError, Error,
    domain::{InvitationCode, InvitationKind, MOST_PLACES, Name},
    store::{
        circle::{self as circles, NewPlace},
        counselor,
        couple::{self, NewMember, State},
        invitation::{self, Found},
        pause,
    },
};
use bus::outbox;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A yes to an invitation: everything sealed for what is to be.
pub struct Acceptance {
    code_hash: [u8; 32],
    account_id: Uuid,
    inviter_id: Uuid,
    own_name: String,
    inviter_name: String,
    sealed: Sealed,
}

/// The names as the new rows hold them.
enum Sealed {
    Couple { couple_id: Uuid, own_name: Vec<u8>, inviter_name: Vec<u8> },
    Circle(SealedPlace),
}

struct SealedPlace {
    circle_id: Uuid,
    host_name: Vec<u8>,
    guest_name: Vec<u8>,
    called: Vec<u8>,
    reason: Option<Vec<u8>>,
}

/// What a yes came to.
pub enum Accepted {
    /// The two are linked.
    Couple(MyCouple),
    /// The person is in the circle of whoever invited.
    Place(MyPlace),
}

/// Makes a yes ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::AlreadyLinked`], whatever the code, unless it is one to a circle; [`Error::InvitationNotFound`] without saying
/// why.
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
        let to_circle =
            looked_at.as_ref().is_ok_and(|(_, found)| found.standing.kind == InvitationKind::Circle);
        // Asked last and answered first: a link that is made in between is told as one, not as a code that is over.
        if !to_circle && couple::is_linked(&mut conn, account_id).await? {
            return Err(Error::AlreadyLinked);
        }
        looked_at?
    };
    let (sealed, inviter_name) = seal(accounts, account_id, &found, name).await?;
    let inviter_id = found.standing.inviter_id;
    Ok(Acceptance {
        code_hash,
        account_id,
        inviter_id,
        own_name: name.as_str().to_owned(),
        inviter_name,
        sealed,
    })
}

async fn seal(
    accounts: &Accounts,
    account_id: Uuid,
    found: &Found,
    name: &Name,
) -> Result<(Sealed, String), Error> {
    let inviter_key = accounts.vault.data_key(found.standing.inviter_id).await?;
    let own_key = accounts.vault.data_key(account_id).await?;
    let inviter_name = inviter_key.open(&name_place(found.invitation_id), &found.own_name)?;
    let sealed = match found.standing.kind {
        InvitationKind::Couple => {
            let couple_id = accounts.ids.next();
            let place = own_name_place(couple_id);
            Sealed::Couple {
                couple_id,
                own_name: own_key.seal(&place, name.as_bytes()),
                inviter_name: inviter_key.seal(&place, &inviter_name),
            }
        }
        InvitationKind::Circle => {
            let circle_id = accounts.ids.next_opaque();
            let resealed = |from, to, sealed: &[u8]| {
                Ok::<_, Error>(inviter_key.seal(&to, &inviter_key.open(&from, sealed)?))
            };
            let called = found.called.as_deref().ok_or(Error::Unreadable)?;
            let called =
                resealed(called_place(found.invitation_id), circle::called_place(circle_id), called)?;
            let reason = found.reason.as_deref().map(|reason| {
                resealed(reason_place(found.invitation_id), circle::reason_place(circle_id), reason)
            });
            Sealed::Circle(SealedPlace {
                circle_id,
                host_name: inviter_key.seal(&circle::host_name_place(circle_id), &inviter_name),
                guest_name: own_key.seal(&circle::guest_name_place(circle_id), name.as_bytes()),
                called,
                reason: reason.transpose()?,
            })
        }
    };
    Ok((sealed, text(&inviter_name)?))
}

/// Keeps a yes. Both accounts are held, the lower id first, before anything is looked at once more: whatever else
/// either does with invitations, links and circles waits, or has happened and is seen.
///
/// # Errors
/// As [`prepare_acceptance`]; to a circle also [`Error::AlreadyPartners`], [`Error::AlreadyInCircle`] and
/// [`Error::TooManyPlaces`].
pub async fn accept(
    accounts: &Accounts,
    conn: &mut PgConnection,
    acceptance: Acceptance,
) -> Result<Accepted, Error> {
    let Acceptance { account_id, inviter_id, code_hash, own_name, inviter_name, sealed } = acceptance;
    let held = couple::lock_accounts(conn, &[account_id, inviter_id]).await?;
    if counselor::keeps_practice(conn, account_id).await? {
        return Err(CounselorError::KeepsPractice.into());
    }
    let to_couple = matches!(sealed, Sealed::Couple { .. });
    if to_couple && couple::is_linked(conn, account_id).await? {
        return Err(Error::AlreadyLinked);
    }
    let found = open_to(accounts, conn, account_id, &code_hash).await?;
    if held != 2 || found.standing.inviter_id != inviter_id {
        return Err(Error::InvitationNotFound);
    }
    let now = accounts.clock.now();
    match sealed {
        Sealed::Couple { couple_id, own_name: own, inviter_name: inviters } => {
            let own = NewMember { account_id, own_name: &own };
            let inviter = NewMember { account_id: inviter_id, own_name: &inviters };
            link(accounts, conn, couple_id, [&own, &inviter], now).await?;
            let partner_name = inviter_name;
            let couple = MyCouple {
                couple_id,
                partner_id: inviter_id,
                partner_name,
                own_name,
                linked_at: now,
                leaves_at: None,
            };
            Ok(Accepted::Couple(couple))
        }
        Sealed::Circle(place) => {
            let circle_id = place.circle_id;
            join(accounts, conn, &found, account_id, &place, now).await?;
            let host_name = inviter_name;
            let place = MyPlace { circle_id, host_id: inviter_id, host_name, own_name, joined_at: now };
            Ok(Accepted::Place(place))
        }
    }
}

/// Links two people. Whatever else the two have open is over with it: it must not open again when they part. That goes for
/// their places in each other's circles, too: a couple shares as a couple.
async fn link(
    accounts: &Accounts,
    conn: &mut PgConnection,
    couple_id: Uuid,
    [own, inviter]: [&NewMember<'_>; 2],
    now: Timestamp,
) -> Result<(), Error> {
    let both = if own.account_id < inviter.account_id { [own, inviter] } else { [inviter, own] };
    couple::link(conn, couple_id, both, now).await?;
    let ids = both.map(|member| member.account_id);
    invitation::end(conn, &ids, now).await?;
    pause::end_between(conn, ids).await?;
    let ended = circles::end_between(conn, ids, now).await?;
    circle::tell_ended(accounts, conn, &ended, now).await?;
    let state = State { couple_id, first_id: ids[0], second_id: ids[1], linked_at: now, unlinked_at: None };
    Ok(outbox::append(conn, &[announce::couple(&accounts.ids, now, &state)]).await?)
}

/// Puts somebody into the circle of whoever invited them; the invitation is used up.
async fn join(
    accounts: &Accounts,
    conn: &mut PgConnection,
    found: &Found,
    guest_id: Uuid,
    place: &SealedPlace,
    now: Timestamp,
) -> Result<(), Error> {
    let host_id = found.standing.inviter_id;
    if couple::are_linked(conn, guest_id, host_id).await? {
        return Err(Error::AlreadyPartners);
    }
    if circles::is_in(conn, host_id, guest_id).await? {
        return Err(Error::AlreadyInCircle);
    }
    if circles::count_places(conn, guest_id).await? >= MOST_PLACES {
        return Err(Error::TooManyPlaces);
    }
    let new = NewPlace {
        circle_id: place.circle_id,
        host_id,
        guest_id,
        host_name: &place.host_name,
        guest_name: &place.guest_name,
        called: &place.called,
        reason: place.reason.as_deref(),
    };
    circles::join(conn, &new, now).await?;
    invitation::end_to_circle(conn, host_id, found.invitation_id, now).await?;
    let state =
        circles::State { circle_id: place.circle_id, host_id, guest_id, joined_at: now, ended_at: None };
    Ok(outbox::append(conn, &[announce::circle(&accounts.ids, now, &state)]).await?)
}

async fn open_to(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    code_hash: &[u8; 32],
) -> Result<Found, Error> {
    let found = invitation::find(conn, code_hash).await?.ok_or(Error::InvitationNotFound)?;
    let now = accounts.clock.now();
    let has_said_no = invitation::has_said_no(conn, account_id, &found, now).await?;
    let is_open = found.standing.is_open_to(account_id, has_said_no, now);
    if is_open { Ok(found) } else { Err(Error::InvitationNotFound) }
}
