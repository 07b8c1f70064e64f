//! `audit_record`: what has to be accounted for, and the chain over it.

pub mod chain;
pub mod reading;

use crate::domain::audit::Content;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A record as it is added.
pub struct NewRecord {
    /// Its id.
    pub record_id: Uuid,
    /// The commitment to it.
    pub commitment: [u8; 32],
    /// Its salt.
    pub salt: [u8; 32],
    /// What it says.
    pub content: Content,
}

/// Adds records, however many, in one statement. They wait for their places in the chain.
pub async fn insert(conn: &mut PgConnection, new: &[NewRecord]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO audit_record (record_id, commitment, salt, recorded_at, actor_kind, actor_id, session_id,
                                   action, subject_kind, subject_id, details, note)
         SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::text[], $6::uuid[],
                              $7::uuid[], $8::text[], $9::text[], $10::uuid[], $11::text[], $12::bytea[])",
        &column(new, |one| one.record_id),
        &column(new, |one| &one.commitment[..]) as &[&[u8]],
        &column(new, |one| &one.salt[..]) as &[&[u8]],
        &column(new, |one| one.content.recorded_at.to_sqlx()) as _,
        &column(new, |one| one.content.actor_kind.as_str()) as &[&str],
        &column(new, |one| one.content.actor_id) as &[Option<Uuid>],
        &column(new, |one| one.content.session_id) as &[Option<Uuid>],
        &column(new, |one| one.content.action.as_str()) as &[&str],
        &column(new, |one| one.content.subject_kind.as_str()) as &[&str],
        &column(new, |one| one.content.subject_id),
        &column(new, |one| one.content.details.as_str()) as &[&str],
        &column(new, |one| one.content.note.as_deref()) as &[Option<&[u8]>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn column<'a, T>(records: &'a [NewRecord], of: impl Fn(&'a NewRecord) -> T) -> Vec<T> {
    records.iter().map(of).collect()
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

/// Takes salt and content of records; how many they were.
pub async fn forget(conn: &mut PgConnection, record_ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "UPDATE audit_record
         SET salt = NULL, recorded_at = NULL, actor_kind = NULL, actor_id = NULL, session_id = NULL, action = NULL,
             subject_kind = NULL, subject_id = NULL, details = NULL, note = NULL
         WHERE salt IS NOT NULL AND record_id = ANY($1)",
        record_ids
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
