//! `audit_record`: what has to be accounted for, and the chain over it.

pub mod chain;
pub mod reading;

use crate::domain::audit::Content;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A record as it is added.
pub struct NewRecord<'a> {
    /// Its id.
    pub record_id: Uuid,
    /// The commitment to it.
    pub commitment: &'a [u8; 32],
    /// Its salt.
    pub salt: &'a [u8; 32],
    /// What it says.
    pub content: &'a Content,
}

/// Adds a record. It waits for its place in the chain.
pub async fn insert(conn: &mut PgConnection, new: &NewRecord<'_>) -> Result<(), sqlx::Error> {
    let content = new.content;
    sqlx::query!(
        "INSERT INTO audit_record (record_id, commitment, salt, recorded_at, actor_kind, actor_id, session_id,
                                   action, subject_kind, subject_id, details, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        new.record_id,
        &new.commitment[..],
        &new.salt[..],
        content.recorded_at.to_sqlx(),
        content.actor_kind,
        content.actor_id,
        content.session_id,
        content.action,
        content.subject_kind,
        content.subject_id,
        content.details,
        content.note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes salt and content of every record of what an account did, or what was done to it; how many they were. What somebody
/// did as one of the staff stays, and that they were one: whoever is one no more could otherwise take it away.
pub async fn forget_account(conn: &mut PgConnection, account_id: Uuid) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "UPDATE audit_record
         SET salt = NULL, recorded_at = NULL, actor_kind = NULL, actor_id = NULL, session_id = NULL, action = NULL,
             subject_kind = NULL, subject_id = NULL, details = NULL, note = NULL
         WHERE salt IS NOT NULL
           AND (actor_id = $1 AND actor_kind NOT IN ('operator', 'editor', 'support')
                OR subject_id = $1 AND subject_kind = 'account' AND action NOT IN ('staff_created', 'staff_revoked'))",
        account_id
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
