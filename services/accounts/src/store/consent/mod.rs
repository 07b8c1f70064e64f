//! `consent`: what members opened to their counselors. Whether one opens anything at a moment is asked in the statement of
//! [`access::open`](super::access::open).

mod lists;

pub use lists::{Granted, Mine, Of, State, granted, mine, states_after};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// The active care of a member by a counselor.
pub struct Care {
    /// The care.
    pub care_id: Uuid,
    /// Whether the counselor may act for the member, and neither keeps the other away.
    pub holds: bool,
}

/// What is opened.
pub struct NewConsent<'a> {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who may read it.
    pub counselor_id: Uuid,
    /// The care it belongs to.
    pub care_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The words that were agreed to.
    pub text_id: &'a str,
    /// Their version.
    pub text_version: i32,
    /// In which language they were read.
    pub text_locale: &'a str,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A consent that has just ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who could read it.
    pub counselor_id: Uuid,
}

/// The active care of a member by a counselor, if there is any.
pub async fn care_of(
    conn: &mut PgConnection,
    member_id: Uuid,
    counselor_id: Uuid,
    now: Timestamp,
) -> Result<Option<Care>, sqlx::Error> {
    sqlx::query_as!(
        Care,
        r#"SELECT care_id,
                  care_licensed(counselor_id, jurisdiction, $3) AND NOT care_kept_away(counselor_id, member_id, $3)
                  AND NOT care_kept_away(member_id, counselor_id, $3) AND NOT account_suspended(member_id, $3) AS "holds!"
           FROM care WHERE member_id = $1 AND counselor_id = $2 AND state = 'active'"#,
        member_id,
        counselor_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// The counselors to whom something of somebody's is open, in the order of their ids.
pub async fn readers_of(
    conn: &mut PgConnection,
    owner_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT counselor_id FROM consent WHERE owner_id = $1 AND ended_at IS NULL AND expires_at > $2
         ORDER BY counselor_id",
        owner_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// How many consents of somebody's are open.
pub async fn count_open(conn: &mut PgConnection, owner_id: Uuid, now: Timestamp) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM consent WHERE owner_id = $1 AND ended_at IS NULL AND expires_at > $2"#,
        owner_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Ends the consent to the same for the same, if there is one.
pub async fn replace(
    conn: &mut PgConnection,
    new: &NewConsent<'_>,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE consent SET ended_at = $5, ended_by = 'replaced'
         WHERE care_id = $1 AND scope = $2 AND item_id IS NOT DISTINCT FROM $3 AND purpose = $4 AND ended_at IS NULL
         RETURNING consent_id, owner_id, counselor_id",
        new.care_id,
        new.scope,
        new.item_id,
        new.purpose,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Keeps a consent.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewConsent<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO consent (consent_id, owner_id, counselor_id, care_id, scope, item_id, purpose, text_id, text_version,
                              text_locale, granted_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        new.consent_id,
        new.owner_id,
        new.counselor_id,
        new.care_id,
        new.scope,
        new.item_id,
        new.purpose,
        new.text_id,
        new.text_version,
        new.text_locale,
        now.to_sqlx(),
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes back a consent of its owner's. One that is over already stays as it is; `None` where there is no such consent.
pub async fn withdraw(
    conn: &mut PgConnection,
    owner_id: Uuid,
    consent_id: Uuid,
    now: Timestamp,
) -> Result<Option<Option<Ended>>, sqlx::Error> {
    let ended = sqlx::query_as!(
        Ended,
        "UPDATE consent SET ended_at = $3, ended_by = 'withdrawn'
         WHERE consent_id = $2 AND owner_id = $1 AND ended_at IS NULL AND expires_at > $3
         RETURNING consent_id, owner_id, counselor_id",
        owner_id,
        consent_id,
        now.to_sqlx()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if ended.is_some() {
        return Ok(Some(ended));
    }
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM consent WHERE consent_id = $2 AND owner_id = $1) AS "known!""#,
        owner_id,
        consent_id
    )
    .fetch_one(conn)
    .await?;
    Ok(known.then_some(None))
}

/// Ends what belongs to care that is over.
pub async fn end_of_care(
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE consent SET ended_at = $2, ended_by = 'care_over' WHERE care_id = $1 AND ended_at IS NULL
         RETURNING consent_id, owner_id, counselor_id",
        care_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}
