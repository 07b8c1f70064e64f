//! Reports of invitations, for the people who run this place.

use super::{Accounts, text};
use crate::{
    Error,
    domain::{InvitationCode, KeptReport, ReportReason, Room, room},
    store::report,
};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;
use zeroize::Zeroizing;

/// What somebody reports.
pub struct Complaint {
    /// Why.
    pub reason: ReportReason,
    /// What they wrote; may be empty.
    pub note: Zeroizing<String>,
}

/// A report, sealed and not kept yet.
pub struct Report {
    report_id: Uuid,
    reason: ReportReason,
    note: Option<Vec<u8>>,
}

/// Where the note of an invitation's report is sealed, under the service's own key: anybody with a code may report, and a key
/// for each would let them fill the key store.
fn place(report_id: Uuid) -> Place<'static> {
    Place { table: "invitation_report", column: "note", row: report_id }
}

/// The note of an invitation's report, or nothing.
pub(super) async fn house_note(
    accounts: &Accounts,
    report_id: Uuid,
    sealed: Option<&[u8]>,
) -> Result<String, Error> {
    let Some(sealed) = sealed else { return Ok(String::new()) };
    text(&accounts.key().await?.open(&place(report_id), sealed)?)
}

/// Seals a report for the people who run this place. May ask the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_report(accounts: &Accounts, complaint: &Complaint) -> Result<Report, Error> {
    let report_id = accounts.ids.next();
    let key = accounts.key().await?;
    let note = complaint.note.trim();
    let note = (!note.is_empty()).then(|| key.seal(&place(report_id), note.as_bytes()));
    Ok(Report { report_id, reason: complaint.reason, note })
}

/// Keeps a report of a code, if there is [`room`] for it. It is no answer: whoever reports may be anybody, also whoever
/// made the code. Comes to the same whether there is such an invitation or not, and whatever else was reported of it.
///
/// # Errors
/// When the database fails.
pub async fn report_invitation(
    accounts: &Accounts,
    conn: &mut PgConnection,
    code: &InvitationCode,
    report: &Report,
) -> Result<(), Error> {
    let Some(about) = report::lock_invitation(conn, &code.hash()).await? else { return Ok(()) };
    let mut kept = Vec::new();
    for (report_id, number) in report::of_invitation(conn, about.invitation_id).await? {
        kept.push(KeptReport { report_id, reason: ReportReason::of(number).ok_or(Error::Unreadable)? });
    }
    match room(&kept, report.reason) {
        Room::Free => {}
        Room::InPlaceOf(weakest) => report::remove(conn, weakest).await?,
        Room::None => return Ok(()),
    }
    let new = report::NewReport {
        report_id: report.report_id,
        about: &about,
        reason: report.reason.number(),
        note: report.note.as_deref(),
    };
    Ok(report::insert(conn, &new, accounts.clock.now()).await?)
}
