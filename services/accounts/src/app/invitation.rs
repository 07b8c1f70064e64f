//! Invitations to link and to a circle: made by one person, answered by whoever holds the code. What becomes of one shows
//! to its inviter only where it was accepted.

use super::{Accounts, pause::Pause, random, text, trust};
use crate::{
    CounselorError, Error,
    domain::{
        CIRCLE_ROOM, INVITATION_LIFE, INVITATION_PACE, InvitationCode, InvitationKind, Name, PauseCause,
        TrustReason,
    },
    store::{circle, counselor, couple, invitation, throttle},
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;
use zeroize::Zeroizing;

/// An invitation, sealed and not kept yet.
pub struct Draft {
    inviter_id: Uuid,
    invitation_id: Uuid,
    code: InvitationCode,
    own_name: Vec<u8>,
    to_circle: Option<ToCircle>,
    counted_as: [u8; 32],
}

/// What an invitation to a circle holds besides.
struct ToCircle {
    called: Vec<u8>,
    reason: Option<Vec<u8>>,
}

/// An invitation that is open now. Its code is told to its inviter, once.
pub struct Invited {
    /// Its id.
    pub invitation_id: Uuid,
    /// The code.
    pub code: Zeroizing<String>,
    /// The invited person's page, the code in its fragment.
    pub link: Zeroizing<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What an invited person learns before saying anything.
pub struct Preview {
    /// What to.
    pub kind: InvitationKind,
    /// Whoever invites.
    pub inviter_name: String,
    /// When the invitation ends.
    pub expires_at: Timestamp,
}

/// Where an inviter's name is sealed.
pub(super) fn name_place(invitation_id: Uuid) -> Place<'static> {
    Place { table: "invitation", column: "own_name", row: invitation_id }
}

/// Where what an inviter calls somebody is sealed.
pub(super) fn called_place(invitation_id: Uuid) -> Place<'static> {
    Place { table: "invitation", column: "called", row: invitation_id }
}

/// Where an inviter's reason to trust somebody is sealed.
pub(super) fn reason_place(invitation_id: Uuid) -> Place<'static> {
    Place { table: "invitation", column: "reason", row: invitation_id }
}

/// Makes an invitation to a circle ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn draft_circle_invitation(
    accounts: &Accounts,
    inviter_id: Uuid,
    name: &Name,
    called: &Name,
    reason: Option<&TrustReason>,
) -> Result<Draft, Error> {
    let draft = draft_invitation(accounts, inviter_id, name).await?;
    let (key, id) = (accounts.vault.data_key(inviter_id).await?, draft.invitation_id);
    let to_circle = ToCircle {
        called: key.seal(&called_place(id), called.as_bytes()),
        reason: reason.map(|reason| key.seal(&reason_place(id), reason.as_bytes())),
    };
    Ok(Draft { to_circle: Some(to_circle), ..draft })
}

/// Makes an invitation to link ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn draft_invitation(accounts: &Accounts, inviter_id: Uuid, name: &Name) -> Result<Draft, Error> {
    let invitation_id = accounts.ids.next();
    let key = accounts.vault.data_key(inviter_id).await?;
    Ok(Draft {
        inviter_id,
        invitation_id,
        code: InvitationCode::of(random()?),
        own_name: key.seal(&name_place(invitation_id), name.as_bytes()),
        to_circle: None,
        counted_as: accounts.key().await?.mac("invitations of an account", inviter_id.as_bytes()),
    })
}

/// Opens an invitation: to link, in the place of whichever was open before; to a circle, where there is room.
///
/// # Errors
/// [`Error::AlreadyLinked`]; [`Error::CircleFull`]; [`Error::TooManyInvitations`].
pub async fn invite(accounts: &Accounts, conn: &mut PgConnection, draft: Draft) -> Result<Invited, Error> {
    let now = accounts.clock.now();
    couple::lock_accounts(conn, &[draft.inviter_id]).await?;
    if counselor::keeps_practice(conn, draft.inviter_id).await? {
        return Err(CounselorError::KeepsPractice.into());
    }
    let to_circle = draft.to_circle.as_ref();
    if to_circle.is_none() && couple::is_linked(conn, draft.inviter_id).await? {
        return Err(Error::AlreadyLinked);
    }
    if to_circle.is_some() && circle::taken(conn, draft.inviter_id, now).await? >= CIRCLE_ROOM {
        return Err(Error::CircleFull);
    }
    if !throttle::take(conn, &draft.counted_as, INVITATION_PACE, now).await? {
        return Err(Error::TooManyInvitations(INVITATION_PACE.interval.unsigned_abs()));
    }
    if to_circle.is_none() {
        invitation::end(conn, &[draft.inviter_id], now).await?;
    }
    let new = invitation::NewInvitation {
        invitation_id: draft.invitation_id,
        inviter_id: draft.inviter_id,
        code_hash: &draft.code.hash(),
        own_name: &draft.own_name,
        kind: if to_circle.is_some() { InvitationKind::Circle } else { InvitationKind::Couple },
        called: to_circle.map(|to| &to.called[..]),
        reason: to_circle.and_then(|to| to.reason.as_deref()),
        expires_at: now + INVITATION_LIFE,
    };
    invitation::insert(conn, &new, now).await?;
    let code = draft.code.text();
    let link = Zeroizing::new(format!("{}/invitation#{}", accounts.public_url, *code));
    Ok(Invited { invitation_id: draft.invitation_id, code, link, expires_at: new.expires_at })
}

/// Ends somebody's open invitation to link, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn cancel_invitation(
    accounts: &Accounts,
    conn: &mut PgConnection,
    inviter_id: Uuid,
) -> Result<(), Error> {
    couple::lock_accounts(conn, &[inviter_id]).await?;
    Ok(invitation::end(conn, &[inviter_id], accounts.clock.now()).await?)
}

/// Who invites with a code. Looks are not counted, lest whoever made the code counts them with it: nobody can guess a
/// hundred bits however often they try.
///
/// # Errors
/// [`Error::InvitationNotFound`] without saying why.
pub async fn preview_invitation(accounts: &Accounts, code: &InvitationCode) -> Result<Preview, Error> {
    let now = accounts.clock.now();
    let found = {
        let mut conn = accounts.pool.acquire().await?;
        let found = invitation::find(&mut conn, &code.hash()).await?;
        found.filter(|found| found.standing.is_shown(now)).ok_or(Error::InvitationNotFound)?
    };
    let key = accounts.vault.data_key(found.standing.inviter_id).await?;
    let inviter_name = text(&key.open(&name_place(found.invitation_id), &found.own_name)?)?;
    Ok(Preview { kind: found.standing.kind, inviter_name, expires_at: found.standing.expires_at })
}

/// Says no to a code, for one person, and for a while to every other one of whoever made it; to everybody else it stays
/// what it was.
///
/// # Errors
/// When the database fails.
pub async fn decline_invitation(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    code: &InvitationCode,
    pause: &Pause,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    invitation::decline(conn, account_id, &code.hash(), now).await?;
    pause.keep(conn, PauseCause::Declined, now).await
}

/// Says no to a code and to every later one of whoever made it, for one person, until they lift it. All there is between the
/// two ends with it, as with any block. It asks for no living session: that would tell whether the code is one.
///
/// # Errors
/// When the database fails.
pub async fn block_inviter(accounts: &Accounts, conn: &mut PgConnection, pause: &Pause) -> Result<(), Error> {
    couple::lock_accounts(conn, &[pause.keeper_id(), pause.other_id()]).await?;
    trust::part(accounts, conn, pause).await
}
