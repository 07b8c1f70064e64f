//! The queue of reports, and looking at one.

use super::record;
use crate::{
    Error, TrustError,
    app::{
        Accounts, audit,
        care::cut,
        report::house_note,
        trust::{Attached, at, moment, open},
    },
    domain::{
        Acquaintance, Cursor, Outcome, PageSize, ReportKind,
        audit::{Action, Details, Subject},
    },
    store::report::{self as store, Listed},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// A report without its words.
pub struct ReportSummary {
    /// Its id.
    pub report_id: Uuid,
    /// What it is about.
    pub kind: ReportKind,
    /// What they are to whoever reports, where that is known.
    pub relation: Option<Acquaintance>,
    /// The number of the reason.
    pub reason: i32,
    /// Whom it is about.
    pub about_id: Uuid,
    /// What came of it, if it was decided.
    pub outcome: Option<Outcome>,
    /// When it came.
    pub reported_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// A report with what was attached.
pub struct OpenedReport {
    /// Without its words.
    pub summary: ReportSummary,
    /// The note, or empty.
    pub note: String,
    /// What was attached.
    pub evidence: Vec<Attached>,
    /// The share, where it is about one.
    pub share_id: Option<Uuid>,
    /// The suspension of the account that holds.
    pub suspension_id: Option<Uuid>,
}

fn summary(listed: Listed) -> Result<ReportSummary, Error> {
    let relation = listed.relation.as_deref().map(|one| Acquaintance::stored(one).ok_or(Error::Unreadable));
    let outcome = listed.outcome.as_deref().map(|one| Outcome::stored(one).ok_or(Error::Unreadable));
    Ok(ReportSummary {
        report_id: listed.report_id,
        kind: ReportKind::stored(&listed.kind).ok_or(Error::Unreadable)?,
        relation: relation.transpose()?,
        reason: listed.reason,
        about_id: listed.about_id,
        outcome: outcome.transpose()?,
        reported_at: listed.reported_at.to_jiff(),
        decided_at: moment(listed.decided_at),
    })
}

/// A page of reports: those that wait, longest first, or those that were decided, latest first; and where the next begins.
/// That it is looked at is recorded.
///
/// # Errors
/// When the database fails.
pub async fn reports(
    accounts: &Accounts,
    by: &Passport,
    decided: bool,
    size: PageSize,
    after: Option<Cursor>,
) -> Result<(Vec<ReportSummary>, Option<Cursor>), Error> {
    let after = after.unwrap_or(if decided { Cursor::start() } else { Cursor::oldest() });
    let (operator_id, after, limit) = (by.account_id, (after.time, after.id), size.get() + 1);
    let mut conn = accounts.pool.acquire().await?;
    let mut found = if decided {
        store::decided(&mut conn, operator_id, after, limit).await?
    } else {
        store::waiting(&mut conn, operator_id, after, limit).await?
    };
    let next = cut(&mut found, size, |one| at(one.decided_at.unwrap_or(one.reported_at), one.report_id));
    let which = Details::none().code("which", if decided { "decided" } else { "waiting" });
    audit::listed(&mut conn, accounts, by, (Action::ReportsListed, which), found.len()).await?;
    Ok((found.into_iter().map(summary).collect::<Result<_, _>>()?, next))
}

/// One report with what was attached. Asks the vault; [`note_look`] records it.
///
/// # Errors
/// [`TrustError::ReportNotFound`].
pub async fn look_at(accounts: &Accounts, operator_id: Uuid, report_id: Uuid) -> Result<OpenedReport, Error> {
    let (found, attached) = {
        let (mut conn, now) = (accounts.pool.acquire().await?, accounts.clock.now());
        let found = store::find(&mut conn, operator_id, report_id, now).await?;
        (found.ok_or(TrustError::ReportNotFound)?, store::evidence(&mut conn, &[report_id]).await?)
    };
    let attached = attached.into_iter().map(|(_, position, kind, words)| (position, kind, words)).collect();
    let summary = summary(found.listed)?;
    let (note, evidence) = match summary.kind {
        ReportKind::Invitation => (house_note(accounts, report_id, found.note.as_deref()).await?, Vec::new()),
        ReportKind::Person | ReportKind::Item => {
            open(accounts, report_id, found.note.as_deref(), attached).await?
        }
    };
    let (share_id, suspension_id) = (found.share_id, found.suspension_id);
    Ok(OpenedReport { summary, note, evidence, share_id, suspension_id })
}

/// Records that an operator looked at a report.
///
/// # Errors
/// When the database fails.
pub async fn note_look(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    report_id: Uuid,
) -> Result<(), Error> {
    let subject = Subject::thing(report_id);
    record(accounts, conn, by, Action::ReportLookedAt, subject, Details::none()).await
}
