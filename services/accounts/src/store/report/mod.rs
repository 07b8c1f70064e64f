//! `report`: what was reported of invitations, persons and things.

mod deciding;
mod person;

pub use deciding::{Decidable, Listed, Opened, decide, decided, evidence, find, hold, waiting};
pub use person::{
    About as Person, NewPersonReport, Own, insert_person, is_counselor, known, of_account, of_attempt, over,
    own, remove_all,
};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// The invitation that a report is about.
pub struct About {
    /// Its id.
    pub invitation_id: Uuid,
    /// Whoever made it.
    pub inviter_id: Uuid,
}

/// A report as it is kept.
pub struct NewReport<'a> {
    /// Its id.
    pub report_id: Uuid,
    /// What it is about.
    pub about: &'a About,
    /// The number of the reason.
    pub reason: i32,
    /// What was written, sealed.
    pub note: Option<&'a [u8]>,
}

/// The invitation of a code, held until the transaction ends: reports of one come one after the other. One that is
/// over will do.
pub async fn lock_invitation(
    conn: &mut PgConnection,
    code_hash: &[u8; 32],
) -> Result<Option<About>, sqlx::Error> {
    sqlx::query_as!(
        About,
        "SELECT invitation_id, inviter_id FROM invitation WHERE code_hash = $1 FOR NO KEY UPDATE",
        &code_hash[..]
    )
    .fetch_optional(conn)
    .await
}

/// The reports of an invitation with the numbers of their reasons, the oldest first.
pub async fn of_invitation(
    conn: &mut PgConnection,
    invitation_id: Uuid,
) -> Result<Vec<(Uuid, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT report_id, reason FROM report WHERE invitation_id = $1
         ORDER BY reported_at, report_id",
        invitation_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.report_id, row.reason)).collect())
}

/// Keeps a report.
pub async fn insert(conn: &mut PgConnection, new: &NewReport<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO report (report_id, kind, invitation_id, about_id, reason, note, reported_at)
         VALUES ($1, 'invitation', $2, $3, $4, $5, $6)",
        new.report_id,
        new.about.invitation_id,
        new.about.inviter_id,
        new.reason,
        new.note,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a report.
pub async fn remove(conn: &mut PgConnection, report_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM report WHERE report_id = $1", report_id).execute(conn).await?;
    Ok(())
}
