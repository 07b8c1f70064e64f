//! Suspensions that hold, appeals against them, and their end.

use super::record;
use crate::{
    Error, TrustError,
    app::{
        Accounts, audit,
        care::cut,
        notice, standing,
        trust::{MySuspension, at, open_suspension},
    },
    domain::{
        Appeal, Cursor, NoticeKind, PageSize,
        audit::{Action, Details, Subject},
    },
    store::suspension::{self as store, Stored},
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// A page of suspensions that hold, newest first, all or those whose appeal waits; and where the next one begins. That it is
/// looked at is recorded.
///
/// # Errors
/// When the database fails.
pub async fn suspensions(
    accounts: &Accounts,
    by: &Passport,
    appealed: bool,
    size: PageSize,
    after: Cursor,
) -> Result<(Vec<Stored>, Option<Cursor>), Error> {
    let (now, before) = (accounts.clock.now(), (after.time, after.id));
    let mut conn = accounts.pool.acquire().await?;
    let mut found = store::list(&mut conn, by.account_id, appealed, before, now, size.get() + 1).await?;
    let next = cut(&mut found, size, |one| at(one.suspended_at, one.suspension_id));
    let which = Details::none().code("which", if appealed { "appealed" } else { "all" });
    audit::listed(&mut conn, accounts, by, (Action::SuspensionsListed, which), found.len()).await?;
    Ok((found, next))
}

/// One suspension with its appeal. Asks the vault; [`note_case_look`] records it.
///
/// # Errors
/// [`TrustError::SuspensionNotFound`].
pub async fn case(
    accounts: &Accounts,
    operator_id: Uuid,
    suspension_id: Uuid,
) -> Result<MySuspension, Error> {
    let found = store::find(&mut *accounts.pool.acquire().await?, operator_id, suspension_id).await?;
    open_suspension(accounts, found.ok_or(TrustError::SuspensionNotFound)?).await
}

/// Records that an operator looked at a suspension and its appeal.
///
/// # Errors
/// When the database fails.
pub async fn note_case_look(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    suspension_id: Uuid,
) -> Result<(), Error> {
    let subject = Subject::thing(suspension_id);
    record(accounts, conn, by, Action::SuspensionLookedAt, subject, Details::none()).await
}

/// Holds whoever is suspended, and reads the suspension as it is then.
async fn hold(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    suspension_id: Uuid,
) -> Result<Stored, Error> {
    let found = store::find(conn, by.account_id, suspension_id).await?;
    let found = found.ok_or(TrustError::SuspensionNotFound)?;
    standing::hold_with(accounts, conn, by, &[found.account_id]).await?;
    // Once more, now that nobody else decides meanwhile.
    Ok(store::find(conn, by.account_id, suspension_id).await?.ok_or(TrustError::SuspensionNotFound)?)
}

/// Decides on an appeal: another operator than whoever suspended, unless there is no other; the audit says so then.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::SuspensionNotFound`], [`TrustError::NoAppealWaits`],
/// [`TrustError::AnotherOperator`].
pub async fn decide_appeal(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    suspension_id: Uuid,
    granted: bool,
) -> Result<(), Error> {
    let found = hold(accounts, conn, by, suspension_id).await?;
    let waits = Appeal::of(found.appeal.is_some(), found.appeal_granted) == Appeal::Waiting;
    if !waits || found.ended_at.is_some() {
        return Err(TrustError::NoAppealWaits.into());
    }
    let own = found.suspended_by == by.account_id;
    if own && store::other_operators(conn, by.account_id).await? {
        return Err(TrustError::AnotherOperator.into());
    }
    let (now, account_id) = (accounts.clock.now(), found.account_id);
    let told = if granted {
        store::end(conn, suspension_id, now).await?;
        NoticeKind::SuspensionLifted
    } else {
        store::refuse_appeal(conn, suspension_id).await?;
        NoticeKind::AppealRefused
    };
    notice::tell(accounts, conn, account_id, told, None).await?;
    let details = Details::none().id("suspension", suspension_id);
    let details = details.code("decision", if granted { "granted" } else { "refused" });
    let details = if own { details.code("operators", "one") } else { details };
    record(accounts, conn, by, Action::AppealDecided, Subject::account(account_id), details).await
}

/// Lifts a suspension. One that is over stays so.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::SuspensionNotFound`].
pub async fn lift(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    suspension_id: Uuid,
) -> Result<(), Error> {
    let found = hold(accounts, conn, by, suspension_id).await?;
    let now = accounts.clock.now();
    if found.ended_at.is_some() || found.until.is_some_and(|until| until.to_jiff() <= now) {
        return Ok(());
    }
    store::end(conn, suspension_id, now).await?;
    notice::tell(accounts, conn, found.account_id, NoticeKind::SuspensionLifted, None).await?;
    let details = Details::none().id("suspension", suspension_id);
    record(accounts, conn, by, Action::SuspensionLifted, Subject::account(found.account_id), details).await
}
