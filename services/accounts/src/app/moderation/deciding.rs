//! Deciding on a report: nothing follows, or the account it is about is suspended.

use super::record;
use crate::{
    Error, TrustError,
    app::{
        Accounts, announce, consent,
        counselor::{self, Decision},
        notice, random_id, standing,
    },
    domain::{
        AccountKind, NoticeKind, Outcome, SuspensionReason,
        audit::{Action, Details, Subject},
        counselor::DecisionReason,
        suspended_until,
    },
    store::{
        erasure,
        report::{self as store, Decidable},
        session,
        suspension::{self, NewSuspension},
    },
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a counselor whose account is suspended reads as the reason why they are none any more.
const AS_A_COUNSELOR: &str = "The account was suspended.";

/// A suspension that is ready to begin.
pub struct Sentence {
    report_id: Uuid,
    about_id: Uuid,
    reason: SuspensionReason,
    days: i32,
    /// Ends that they are a counselor, should they be one by then; none where the account is nobody's to suspend.
    practice: Option<Decision>,
}

/// Makes a suspension ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`TrustError::ReportNotFound`]; when the key store is away.
pub async fn prepare_sentence(
    accounts: &Accounts,
    operator_id: Uuid,
    report_id: Uuid,
    reason: SuspensionReason,
    days: i32,
) -> Result<Sentence, Error> {
    let (about_id, kind) = {
        let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
        let found = store::find(&mut conn, operator_id, report_id, now).await?;
        let about_id = found.ok_or(TrustError::ReportNotFound)?.listed.about_id;
        (about_id, suspension::kind_of(&mut conn, about_id).await?)
    };
    // Sealed whether or not they are a counselor now: they may be verified before the suspension begins.
    let practice = if is_to_suspend(kind.as_deref()) {
        let why = DecisionReason::parse(AS_A_COUNSELOR)?;
        Some(counselor::seal_decision(accounts, about_id, &why).await?)
    } else {
        None
    };
    Ok(Sentence { report_id, about_id, reason, days, practice })
}

/// Whether an account can be suspended: those who run the place, or work for it, are taken away at the machine.
fn is_to_suspend(kind: Option<&str>) -> bool {
    let kind = kind.map(AccountKind::stored);
    matches!(kind, Some(AccountKind::Member | AccountKind::Counselor))
}

/// Holds a report to decide on it.
async fn hold(conn: &mut PgConnection, by: &Passport, report_id: Uuid) -> Result<Decidable, Error> {
    let held = store::hold(conn, by.account_id, report_id).await?.ok_or(TrustError::ReportNotFound)?;
    if held.waits { Ok(held) } else { Err(TrustError::DecidedAlready.into()) }
}

/// Decides that nothing follows from a report.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::ReportNotFound`], [`TrustError::DecidedAlready`].
pub async fn dismiss(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    report_id: Uuid,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    hold(conn, by, report_id).await?;
    store::decide(conn, report_id, by.account_id, Outcome::Dismissed, accounts.clock.now()).await?;
    let subject = Subject::thing(report_id);
    record(accounts, conn, by, Action::ReportDismissed, subject, Details::none()).await
}

/// Suspends the account that a report is about, and returns the suspension's id. Its sessions end, with all that was open in
/// them; so do its invitations; what it opened to counselors and software is held; and whoever is a counselor is none any more,
/// until they are verified anew.
///
/// # Errors
/// [`Error::SessionOver`]; [`TrustError::ReportNotFound`], [`TrustError::DecidedAlready`], [`TrustError::NotToSuspend`].
pub async fn suspend(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    sentence: Sentence,
) -> Result<Uuid, Error> {
    let (now, about_id, report_id) = (accounts.clock.now(), sentence.about_id, sentence.report_id);
    standing::hold_with(accounts, conn, by, &[about_id]).await?;
    if hold(conn, by, report_id).await?.about_id != about_id {
        return Err(TrustError::ReportNotFound.into());
    }
    let kind = suspension::kind_of(conn, about_id).await?;
    let practice = sentence.practice.filter(|_| is_to_suspend(kind.as_deref()));
    let practice = practice.ok_or(TrustError::NotToSuspend)?;
    // Verifying holds the account as well: whoever is a counselor at this moment is none afterwards, and nobody becomes one.
    counselor::suspend_with_account(accounts, conn, by, practice).await?;
    let suspension_id = random_id()?;
    let until = suspended_until(sentence.days, now);
    let reason = sentence.reason.as_str();
    let new =
        NewSuspension { suspension_id, account_id: about_id, report_id, reason, by: by.account_id, until };
    suspension::begin(conn, &new, now).await?;
    store::decide(conn, report_id, by.account_id, Outcome::Suspended, now).await?;
    erasure::end_invitations(conn, about_id, now).await?;
    let ended = session::end_all(conn, about_id, None, now).await?;
    announce::sessions_ended(conn, &accounts.ids, now, &ended).await?;
    notice::tell(accounts, conn, about_id, NoticeKind::AccountSuspended, None).await?;
    consent::hold_all_of(accounts, conn, about_id).await?;
    let details = Details::none().id("report", report_id).id("suspension", suspension_id);
    let details = details.code("reason", reason).number("days", sentence.days.into());
    record(accounts, conn, by, Action::AccountSuspended, Subject::account(about_id), details).await?;
    Ok(suspension_id)
}
