//! `couple_care_policy`: versions of how confidentiality is, each from the moment on at which all three agreed.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A version that counts or counted, or one that is proposed.
pub struct Version {
    /// The care.
    pub care_id: Uuid,
    /// 1, 2, …
    pub version: i32,
    /// What it is.
    pub policy: String,
    /// Who proposed it.
    pub proposer_id: Uuid,
    /// Who of the three agreed.
    pub agreed_ids: Vec<Uuid>,
    /// When a proposal is over by itself.
    pub expires_at: Timestamp,
    /// From when on it counts.
    pub counts_from: Option<jiff_sqlx::Timestamp>,
}

/// The versions of these that count or counted, oldest first, and what is proposed last.
pub async fn versions(
    conn: &mut PgConnection,
    care_ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Version>, sqlx::Error> {
    sqlx::query_as!(
        Version,
        "SELECT care_id, version, policy, proposer_id, agreed_ids, expires_at, counts_from FROM couple_care_policy
         WHERE care_id = ANY($1) AND (counts_from IS NOT NULL OR expires_at > $2) ORDER BY care_id, version",
        care_ids,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Keeps the next version as a proposal, which its proposer agrees to, and returns its number.
pub async fn propose(
    conn: &mut PgConnection,
    care_id: Uuid,
    proposer_id: Uuid,
    policy: &str,
    expires_at: Timestamp,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO couple_care_policy (care_id, version, policy, proposer_id, agreed_ids, expires_at)
         SELECT $1, COALESCE(max(version), 0) + 1, $2, $3, ARRAY[$3::uuid], $4
         FROM couple_care_policy WHERE care_id = $1
         RETURNING version",
        care_id,
        policy,
        proposer_id,
        expires_at.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// What is proposed in a care that is held. One whose time is over is removed.
pub async fn hold_proposal(
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<Option<Version>, sqlx::Error> {
    sqlx::query!(
        "DELETE FROM couple_care_policy WHERE care_id = $1 AND counts_from IS NULL AND expires_at <= $2",
        care_id,
        now.to_sqlx()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        Version,
        "SELECT care_id, version, policy, proposer_id, agreed_ids, expires_at, counts_from FROM couple_care_policy
         WHERE care_id = $1 AND counts_from IS NULL FOR UPDATE",
        care_id
    )
    .fetch_optional(conn)
    .await
}

/// Notes that somebody agreed to what is proposed; with the third it counts from now on, which is returned.
pub async fn add_agreement(
    conn: &mut PgConnection,
    care_id: Uuid,
    account_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let counts = sqlx::query_scalar!(
        r#"UPDATE couple_care_policy
           SET agreed_ids = agreed_ids || $2::uuid,
               counts_from = CASE WHEN cardinality(agreed_ids) = 2 THEN $3::timestamptz END
           WHERE care_id = $1 AND counts_from IS NULL AND NOT agreed_ids @> ARRAY[$2::uuid]
           RETURNING counts_from IS NOT NULL AS "counts!""#,
        care_id,
        account_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(counts.unwrap_or(false))
}

/// Takes back what is proposed; it never counted, so its number is free again.
pub async fn remove_proposal(conn: &mut PgConnection, care_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM couple_care_policy WHERE care_id = $1 AND counts_from IS NULL", care_id)
        .execute(conn)
        .await?;
    Ok(())
}
