//! What operators decide, and what time decides by itself.

use super::reason_place;
use crate::{
    CounselorError, Error,
    app::{
        Accounts, announce,
        audit::{self, Record, SealedNote},
        care, notice, standing,
    },
    domain::{
        AccountKind, NoticeKind,
        audit::{Action, Actor, Details, Subject},
        counselor::{DecisionReason, Standing},
    },
    store::{client_token, counselor as store, couple, export, session, suspension},
};
use bus::outbox;
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// Counselors suspended at a time.
const AT_A_TIME: i64 = 100;

/// A reason, sealed for whom it is about and for the audit.
pub struct Decision {
    account_id: Uuid,
    reason: Vec<u8>,
    note: SealedNote,
}

/// Seals a reason. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`CounselorError::NotFound`]; or the key store is away.
pub async fn prepare_decision(
    accounts: &Accounts,
    account_id: Uuid,
    reason: &DecisionReason,
) -> Result<Decision, Error> {
    // Only who applied has a key: none is made for an id that somebody made up.
    let found = store::keeps_practice(&mut *accounts.pool.acquire().await?, account_id).await?;
    if !found {
        return Err(CounselorError::NotFound.into());
    }
    seal_decision(accounts, account_id, reason).await
}

/// Seals a reason for an account that there is, whether or not it applied by now: what it will be when the decision is made is
/// only known then. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub(in crate::app) async fn seal_decision(
    accounts: &Accounts,
    account_id: Uuid,
    reason: &DecisionReason,
) -> Result<Decision, Error> {
    let key = accounts.vault.data_key(account_id).await?;
    let sealed = key.seal(&reason_place(account_id), reason.as_str().as_bytes());
    Ok(Decision { account_id, reason: sealed, note: audit::seal_note(accounts, reason.as_str()).await? })
}

/// Makes somebody a counselor: every licence of theirs that holds was checked. They are signed out everywhere, so that
/// whatever they do next they do as one.
///
/// # Errors
/// [`Error::SessionOver`]; [`CounselorError::NotFound`], [`CounselorError::Changed`], [`CounselorError::NoLicenceHolds`],
/// [`CounselorError::AccountSuspended`].
pub async fn verify(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    account_id: Uuid,
    revision: i32,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    hold(accounts, conn, by, account_id).await?;
    if suspension::is_suspended(conn, account_id, now).await? {
        return Err(CounselorError::AccountSuspended.into());
    }
    if !store::verify(conn, account_id, revision, now).await? {
        return Err(CounselorError::Changed.into());
    }
    if store::check_licences(conn, account_id, now).await? == 0 {
        return Err(CounselorError::NoLicenceHolds.into());
    }
    become_one(accounts, conn, account_id, AccountKind::Counselor).await?;
    tell(accounts, conn, account_id).await?;
    notice::tell(accounts, conn, account_id, NoticeKind::CounselorVerified, None).await?;
    record(accounts, conn, audit::actor(by), Action::CounselorVerified, account_id, Details::none(), None)
        .await
}

/// Refuses what waits of somebody. Who is a counselor stays one on the licences that were checked before.
///
/// # Errors
/// [`Error::SessionOver`]; [`CounselorError::NotFound`], [`CounselorError::NothingWaits`], [`CounselorError::Changed`].
pub async fn refuse(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    decision: Decision,
    revision: i32,
) -> Result<(), Error> {
    let (now, account_id) = (accounts.clock.now(), decision.account_id);
    hold(accounts, conn, by, account_id).await?;
    let known = store::find(conn, account_id).await?.ok_or(CounselorError::NotFound)?;
    if known.review_since.is_none() {
        return Err(CounselorError::NothingWaits.into());
    }
    let standing = Standing::stored(&known.state).ok_or(Error::Unreadable)?.refused();
    if !store::refuse(conn, account_id, revision, standing.as_str(), &decision.reason, now).await? {
        return Err(CounselorError::Changed.into());
    }
    if standing == Standing::Verified {
        store::drop_unchecked(conn, account_id).await?;
    }
    notice::tell(accounts, conn, account_id, NoticeKind::CounselorRefused, None).await?;
    let (actor, note) = (audit::actor(by), Some(decision.note));
    record(accounts, conn, actor, Action::CounselorRefused, account_id, Details::none(), note).await
}

/// Ends that somebody is a counselor, at once, until they are verified again.
///
/// # Errors
/// [`Error::SessionOver`]; [`CounselorError::NotFound`] where they are none.
pub async fn suspend(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    decision: Decision,
) -> Result<(), Error> {
    let account_id = decision.account_id;
    hold(accounts, conn, by, account_id).await?;
    if !store::suspend(conn, account_id, Some(&decision.reason), accounts.clock.now()).await? {
        return Err(CounselorError::NotFound.into());
    }
    end_authority(accounts, conn, account_id, NoticeKind::CounselorSuspended).await?;
    let details = Details::none().code("cause", "decision");
    let (actor, note) = (audit::actor(by), Some(decision.note));
    record(accounts, conn, actor, Action::CounselorSuspended, account_id, details, note).await
}

/// Ends that somebody is a counselor whose account is being suspended; whoever is none stays so.
///
/// # Errors
/// When the database fails.
pub async fn suspend_with_account(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    decision: Decision,
) -> Result<(), Error> {
    let account_id = decision.account_id;
    if !store::suspend(conn, account_id, Some(&decision.reason), accounts.clock.now()).await? {
        return Ok(());
    }
    end_authority(accounts, conn, account_id, NoticeKind::CounselorSuspended).await?;
    let details = Details::none().code("cause", "account");
    let (actor, note) = (audit::actor(by), Some(decision.note));
    record(accounts, conn, actor, Action::CounselorSuspended, account_id, details, note).await
}

/// Counselors of whom no licence holds any more, some at a time.
///
/// # Errors
/// When the database fails.
pub async fn expired(accounts: &Accounts) -> Result<Vec<Uuid>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(store::expired(&mut conn, None, accounts.clock.now(), AT_A_TIME).await?)
}

/// Ends that somebody is a counselor, if no licence of theirs holds any more.
///
/// # Errors
/// When the database fails.
pub async fn suspend_expired(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    couple::lock_accounts(conn, &[account_id]).await?;
    // Once more, now that nobody can verify them meanwhile.
    if store::expired(conn, Some(account_id), now, 1).await?.is_empty() {
        return Ok(());
    }
    store::suspend(conn, account_id, None, now).await?;
    end_authority(accounts, conn, account_id, NoticeKind::CounselorExpired).await?;
    let details = Details::none().code("cause", "expired");
    record(accounts, conn, Actor::HOUSE, Action::CounselorSuspended, account_id, details, None).await
}

/// Whoever decides may still do so; and nobody else decides on the same person meanwhile.
async fn hold(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    account_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    couple::lock_accounts(conn, &[account_id]).await?;
    if store::keeps_practice(conn, account_id).await? { Ok(()) } else { Err(CounselorError::NotFound.into()) }
}

/// Takes away what only a counselor may do, with the tokens of their software and all that members opened to them, and
/// tells them.
async fn end_authority(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    told: NoticeKind,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    become_one(accounts, conn, account_id, AccountKind::Member).await?;
    let tokens = client_token::end_of_holder(conn, account_id, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &tokens).await?;
    care::hold_all_of(accounts, conn, account_id).await?;
    tell(accounts, conn, account_id).await?;
    notice::tell(accounts, conn, account_id, told, None).await
}

/// Tells the others how somebody stands now.
async fn tell(accounts: &Accounts, conn: &mut PgConnection, account_id: Uuid) -> Result<(), Error> {
    let Some(state) = store::state(conn, account_id).await? else { return Ok(()) };
    let told = announce::counselor(&accounts.ids, accounts.clock.now(), &state);
    Ok(outbox::append(conn, &[told]).await?)
}

/// Makes an account one of another kind. Its sessions end, because a passport of before would go on saying what it was, and so
/// does an export.
async fn become_one(
    accounts: &Accounts,
    conn: &mut PgConnection,
    account_id: Uuid,
    kind: AccountKind,
) -> Result<(), Error> {
    if !store::set_kind(conn, account_id, kind.as_str()).await? {
        return Ok(());
    }
    let now = accounts.clock.now();
    // What a member asked to take along does not wait for a counselor, nor for whoever was one.
    export::cancel(conn, account_id, now).await?;
    let ended = session::end_all(conn, account_id, None, now).await?;
    Ok(announce::sessions_ended(conn, &accounts.ids, now, &ended).await?)
}

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    actor: Actor,
    action: Action,
    account_id: Uuid,
    details: Details,
    note: Option<SealedNote>,
) -> Result<(), Error> {
    let subject = Subject::account(account_id);
    audit::record(conn, accounts, Record { actor, action, subject, details, note }).await
}
