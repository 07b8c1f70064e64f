//! The link of two people: made when an invitation is accepted, seen by both, ended by either.

use super::{
    Accounts, announce, couple_care,
    pause::{self, Pause},
    text,
};
use crate::{
    Error,
    domain::PauseCause,
    store::{
        access,
        couple::{self, Ended},
        invitation,
    },
};
use bus::{Envelope, outbox};
use jiff::{SignedDuration, Timestamp};
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
    /// When the person said it ends.
    pub leaves_at: Option<Timestamp>,
}

/// What somebody sees of their link and their invitation.
pub struct Linkage {
    /// The link, if there is one.
    pub couple: Option<MyCouple>,
    /// The open invitation, if there is one, whatever its holder may have said to it.
    pub invitation: Option<invitation::Open>,
}

/// Somebody's link and open invitation. Asks the vault, so no transaction may be open. A name that cannot be read is empty:
/// nobody's way out of a link may depend on it.
///
/// # Errors
/// When the database fails.
pub async fn couple_of(accounts: &Accounts, account_id: Uuid) -> Result<Linkage, Error> {
    let (mine, invitation) = {
        let mut conn = accounts.pool.acquire().await?;
        let mine = couple::mine(&mut conn, account_id).await?;
        // Only then: an invitation that leads to a link in between is over, and never shows beside it.
        (mine, invitation::open_of(&mut conn, account_id, accounts.clock.now()).await?)
    };
    let Some(mine) = mine else { return Ok(Linkage { couple: None, invitation }) };
    let (own_name, partner_name) = tokio::join!(
        name(accounts, account_id, mine.couple_id, &mine.own_name),
        name(accounts, mine.partner_id, mine.couple_id, &mine.partner_name),
    );
    let couple = MyCouple {
        couple_id: mine.couple_id,
        partner_id: mine.partner_id,
        partner_name,
        own_name,
        linked_at: mine.linked_at,
        leaves_at: mine.leaves_at,
    };
    Ok(Linkage { couple: Some(couple), invitation: None })
}

async fn name(accounts: &Accounts, account_id: Uuid, couple_id: Uuid, sealed: &[u8]) -> String {
    let opened = async {
        let key = accounts.vault.data_key(account_id).await?;
        text(&key.open(&own_name_place(couple_id), sealed)?)
    };
    let opened: Result<String, Error> = opened.await;
    opened.unwrap_or_else(|error| {
        tracing::warn!(%error, "a name in a couple cannot be read; it is shown as empty");
        String::new()
    })
}

/// Links that are ended by plan in one turn at most.
const PLANS_AT_ONCE: i64 = 100;

/// Ends somebody's link, whoever of the two they are, and raises both access epochs with it, so that what was opened
/// before is good for nothing. Whoever it was does not hear of the other's invitations for a while, also where the other was
/// quicker, and neither does one who had said that they would leave.
///
/// # Errors
/// When the database fails.
pub async fn unlink(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    pause: Option<&Pause>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = couple::unlink(conn, account_id, now).await?;
    if let (None, Some(pause)) = (&ended, pause) {
        return pause.keep(conn, PauseCause::Left, now).await;
    }
    tell_ended(accounts, conn, ended.as_ref(), pause, now).await
}

/// Ends somebody's link if it is to end by now; as [`unlink`].
///
/// # Errors
/// When the database fails.
pub async fn unlink_as_planned(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    pause: Option<&Pause>,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let ended = couple::unlink_due(conn, account_id, now).await?;
    tell_ended(accounts, conn, ended.as_ref(), pause, now).await
}

async fn tell_ended(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended: Option<&Ended>,
    pause: Option<&Pause>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(Ended { couple, leavers }) = ended else { return Ok(()) };
    let (first, second) = (couple.first_id, couple.second_id);
    let told = announce::couple(&accounts.ids, now, couple);
    close_between(accounts, conn, (first, second), told, now).await?;
    couple_care::end_of_couple(accounts, conn, couple.couple_id).await?;
    // It was made ready before: if the two parted and one linked with somebody else in between, it is about nobody here.
    let pause = pause.filter(|pause| pause.is_about([first, second]));
    if let Some(pause) = pause {
        pause.keep(conn, PauseCause::Left, now).await?;
    }
    for leaver in leavers.iter().filter(|leaver| pause.is_none_or(|pause| pause.keeper_id() != **leaver)) {
        let other = if *leaver == first { second } else { first };
        pause::nameless(*leaver, other)?.keep(conn, PauseCause::Left, now).await?;
    }
    Ok(())
}

/// Notes that somebody's link is to end in so many hours, and returns when; `None` without a link. Only they are shown it.
///
/// # Errors
/// When the database fails.
pub async fn plan_unlink(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    hours: i32,
) -> Result<Option<Timestamp>, Error> {
    let at = accounts.clock.now() + SignedDuration::from_hours(hours.into());
    Ok(couple::set_leaving(conn, account_id, Some(at)).await?.then_some(at))
}

/// Takes back that somebody's link is to end. Without such a plan of theirs nothing changes.
///
/// # Errors
/// When the database fails.
pub async fn cancel_unlink(conn: &mut PgConnection, account_id: Uuid) -> Result<(), Error> {
    couple::set_leaving(conn, account_id, None).await?;
    Ok(())
}

/// Whose links are to end by now.
///
/// # Errors
/// When the database fails.
pub async fn planned_unlinks(accounts: &Accounts) -> Result<Vec<Uuid>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(couple::leaving(&mut conn, accounts.clock.now(), PLANS_AT_ONCE).await?)
}

/// Tells that what two people had is over, and raises both access epochs with it.
pub(super) async fn close_between(
    accounts: &Accounts,
    conn: &mut PgConnection,
    pair: (Uuid, Uuid),
    told: Envelope,
    now: Timestamp,
) -> Result<(), Error> {
    close_all(accounts, conn, &[pair], told, now).await
}

/// Tells that what several had is over, and raises both access epochs of each pair with it.
pub(super) async fn close_all(
    accounts: &Accounts,
    conn: &mut PgConnection,
    pairs: &[(Uuid, Uuid)],
    told: Envelope,
    now: Timestamp,
) -> Result<(), Error> {
    // In one order everywhere, so that two who raise the same at once wait for each other instead of deadlocking.
    let mut ordered: Vec<_> = pairs.iter().map(|(one, other)| (*one.min(other), *one.max(other))).collect();
    ordered.sort_unstable();
    let mut events = vec![told];
    for (first, second) in ordered {
        for (owner_id, reader_id) in [(first, second), (second, first)] {
            let raised = access::raise(conn, owner_id, reader_id).await?;
            events.push(announce::epoch_raised(&accounts.ids, now, &raised));
        }
    }
    Ok(outbox::append(conn, &events).await?)
}
