//! Whose invitations do not reach whom: kept by whoever left, said no, or blocked; seen and lifted by them alone.

use super::{
    Accounts,
    circle::{guest_name_place, host_name_place},
    counselor,
    couple::own_name_place,
    invitation::name_place,
    random_id, standing, text,
};
use crate::{
    Error,
    domain::{Cursor, InvitationCode, PageSize, PauseCause},
    store::{
        circle, counselor as store_counselor, couple, invitation,
        pause::{self, NewPause},
    },
};
use chassis::identity::Passport;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Whoever leaves so soon after the other had, did not see yet that they had.
const QUICKER_BY: SignedDuration = SignedDuration::from_mins(10);

/// Where the name of whoever a pause is about is sealed.
fn called_place(pause_id: Uuid) -> Place<'static> {
    Place { table: "invitation_block", column: "called", row: pause_id }
}

/// A pause that is ready to be kept.
pub struct Pause {
    pause_id: Uuid,
    keeper_id: Uuid,
    other_id: Uuid,
    called: Option<Vec<u8>>,
}

/// A pause as its keeper sees it.
pub struct MyPause {
    /// Its id.
    pub pause_id: Uuid,
    /// The name the keeper read of the other last; empty where none is known.
    pub name: String,
    /// Why.
    pub cause: PauseCause,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// Makes a pause ready about whoever made a code; `None` for a code that nobody made, or one's own. A code that is over
/// will do. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn pause_of_code(
    accounts: &Accounts,
    keeper_id: Uuid,
    code: &InvitationCode,
) -> Result<Option<Pause>, Error> {
    let found = invitation::find(&mut *accounts.pool.acquire().await?, &code.hash()).await?;
    let Some(found) = found.filter(|found| found.standing.inviter_id != keeper_id) else { return Ok(None) };
    let name = Named { place: name_place(found.invitation_id), sealed: &found.own_name };
    pause(accounts, keeper_id, found.standing.inviter_id, name).await.map(Some)
}

/// Makes a pause ready about somebody's partner, or about whoever was it until a moment ago and was quicker to leave; `None`
/// without either. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn pause_of_partner(accounts: &Accounts, keeper_id: Uuid) -> Result<Option<Pause>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    let Some(mine) = couple::mine(&mut conn, keeper_id).await? else {
        let parted = couple::parted(&mut conn, keeper_id, accounts.clock.now() - QUICKER_BY).await?;
        return parted.map(|other_id| nameless(keeper_id, other_id)).transpose();
    };
    drop(conn);
    let name = Named { place: own_name_place(mine.couple_id), sealed: &mine.partner_name };
    pause(accounts, keeper_id, mine.partner_id, name).await.map(Some)
}

/// Makes a pause ready about a counselor, whose name is sealed as the directory holds it. Asks the vault, so no transaction
/// may be open.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(super) async fn pause_of_counselor(
    accounts: &Accounts,
    keeper_id: Uuid,
    counselor_id: Uuid,
    sealed: &[u8],
) -> Result<Pause, Error> {
    let name = Named { place: counselor::name_place(counselor_id), sealed };
    pause(accounts, keeper_id, counselor_id, name).await
}

/// Makes a pause ready about somebody the keeper has or had to do with, under the name they read of them now, if there is
/// one. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database fails, or the operating system gives no random bytes.
pub(super) async fn pause_of_known(
    accounts: &Accounts,
    keeper_id: Uuid,
    other_id: Uuid,
) -> Result<Pause, Error> {
    let mut conn = accounts.pool.acquire().await?;
    let partner = couple::mine(&mut conn, keeper_id).await?.filter(|mine| mine.partner_id == other_id);
    let place = circle::name_between(&mut conn, keeper_id, other_id).await?;
    let counselor = store_counselor::find(&mut conn, other_id).await?;
    drop(conn);
    let (place, sealed) = match (partner, place, counselor) {
        (Some(mine), ..) => (own_name_place(mine.couple_id), mine.partner_name),
        (None, Some((circle_id, true, name)), _) => (host_name_place(circle_id), name),
        (None, Some((circle_id, false, name)), _) => (guest_name_place(circle_id), name),
        (None, None, Some(found)) if found.verified_at.is_some() => {
            (counselor::name_place(other_id), found.name)
        }
        (None, None, _) => return nameless(keeper_id, other_id),
    };
    pause(accounts, keeper_id, other_id, Named { place, sealed: &sealed }).await
}

/// A pause about somebody of whom no name is known any more.
pub(super) fn nameless(keeper_id: Uuid, other_id: Uuid) -> Result<Pause, Error> {
    Ok(Pause { pause_id: random_id()?, keeper_id, other_id, called: None })
}

/// A name as somebody else sealed it.
struct Named<'a> {
    place: Place<'static>,
    sealed: &'a [u8],
}

/// Nobody's no, and nobody's leaving, waits for a name: where the keys are away, or one was destroyed, there is none.
async fn pause(
    accounts: &Accounts,
    keeper_id: Uuid,
    other_id: Uuid,
    name: Named<'_>,
) -> Result<Pause, Error> {
    let pause_id = random_id()?;
    let called = renamed(accounts, pause_id, keeper_id, other_id, name).await;
    let called = called.inspect_err(|error| tracing::warn!(%error, "a pause is kept without a name")).ok();
    Ok(Pause { pause_id, keeper_id, other_id, called })
}

/// The name, sealed anew for the keeper alone.
async fn renamed(
    accounts: &Accounts,
    pause_id: Uuid,
    keeper_id: Uuid,
    other_id: Uuid,
    name: Named<'_>,
) -> Result<Vec<u8>, Error> {
    let name = accounts.vault.data_key(other_id).await?.open(&name.place, name.sealed)?;
    Ok(accounts.vault.data_key(keeper_id).await?.seal(&called_place(pause_id), &name))
}

impl Pause {
    /// Whether it is about one of these two.
    pub(super) fn is_about(&self, ids: [Uuid; 2]) -> bool {
        ids.contains(&self.other_id)
    }

    /// Whom it is about.
    pub(super) fn other_id(&self) -> Uuid {
        self.other_id
    }

    /// Whose it is.
    pub(super) fn keeper_id(&self) -> Uuid {
        self.keeper_id
    }

    /// Keeps it.
    pub(super) async fn keep(
        &self,
        conn: &mut PgConnection,
        cause: PauseCause,
        now: Timestamp,
    ) -> Result<(), Error> {
        let called = self.called.as_deref();
        let Self { pause_id, keeper_id, other_id, .. } = *self;
        Ok(pause::keep(conn, &NewPause { pause_id, keeper_id, other_id, cause, called }, now).await?)
    }
}

/// A page of whose invitations do not reach somebody, newest first, and where the next one begins. Asks the vault, so no
/// transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn pauses_of(
    accounts: &Accounts,
    keeper_id: Uuid,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<MyPause>, Option<Cursor>), Error> {
    let (now, after) = (accounts.clock.now(), (after.time, after.id));
    // One more than a page holds: whether there is a next one.
    let mut conn = accounts.pool.acquire().await?;
    let mut listed = pause::list(&mut conn, keeper_id, now, after, size.get() + 1).await?;
    drop(conn);
    let has_more = listed.len() > usize::try_from(size.get()).unwrap_or(usize::MAX);
    if has_more {
        listed.pop();
    }
    let last = listed.last().map(|row| Cursor { time: row.since, id: row.pause_id });
    let key = accounts.vault.data_key(keeper_id).await?;
    let mine = listed.into_iter().map(|row| {
        let name = row.called.map(|sealed| text(&key.open(&called_place(row.pause_id), &sealed)?));
        Ok(MyPause {
            pause_id: row.pause_id,
            name: name.transpose()?.unwrap_or_default(),
            cause: PauseCause::stored(&row.cause).ok_or(Error::Unreadable)?,
            since: row.since,
            until: row.until,
        })
    });
    Ok((mine.collect::<Result<_, Error>>()?, last.filter(|_| has_more)))
}

/// Lets somebody's invitations reach the caller again; the same whether there is such a pause or not.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn lift_pause(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    pause_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    Ok(pause::lift(conn, by.account_id, pause_id).await?)
}
