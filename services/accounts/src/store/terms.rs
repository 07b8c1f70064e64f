//! `terms_acceptance`: who accepted which text.

use crate::domain::RequiredTerms;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// An acceptance as it is kept.
pub struct NewAcceptance<'a> {
    /// Whose.
    pub account_id: Uuid,
    /// Which text, as stored.
    pub kind: &'a str,
    /// Its version.
    pub version: i32,
    /// In which language it was read.
    pub locale: &'a str,
}

/// An acceptance.
pub struct Accepted {
    /// Which text, as stored.
    pub kind: String,
    /// Its version.
    pub version: i32,
    /// In which language it was read.
    pub locale: String,
    /// When.
    pub accepted_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

/// Keeps an acceptance; one that stands already stays as it is. It is later than any that was taken back, even in the same
/// moment: so the two are two.
pub async fn accept(
    conn: &mut PgConnection,
    new: &NewAcceptance<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO terms_acceptance (account_id, kind, version, locale, accepted_at)
         SELECT $1, $2, $3, $4, GREATEST($5::timestamptz, max(withdrawn_at) + INTERVAL '1 microsecond')
         FROM terms_acceptance WHERE account_id = $1 AND kind = $2 AND version = $3
         ON CONFLICT (account_id, kind, version) WHERE withdrawn_at IS NULL DO NOTHING",
        new.account_id,
        new.kind,
        new.version,
        new.locale,
        now.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes every acceptance of a kind back; false where none stands.
pub async fn withdraw(
    conn: &mut PgConnection,
    account_id: Uuid,
    kind: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let withdrawn = sqlx::query!(
        "UPDATE terms_acceptance SET withdrawn_at = $3
         WHERE account_id = $1 AND kind = $2 AND withdrawn_at IS NULL",
        account_id,
        kind,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(withdrawn.rows_affected() > 0)
}

/// Forgets what an unproven account accepted: somebody else may have registered it.
pub async fn forget(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM terms_acceptance WHERE account_id = $1", account_id).execute(conn).await?;
    Ok(())
}

/// What an account accepted, the newest first.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Uuid,
    limit: i64,
) -> Result<Vec<Accepted>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT kind, version, locale, accepted_at, withdrawn_at FROM terms_acceptance
         WHERE account_id = $1 ORDER BY accepted_at DESC, kind, version DESC LIMIT $2",
        account_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    let accepted = rows.into_iter().map(|row| Accepted {
        kind: row.kind,
        version: row.version,
        locale: row.locale,
        accepted_at: row.accepted_at.to_jiff(),
        withdrawn_at: row.withdrawn_at.map(|at| at.to_jiff()),
    });
    Ok(accepted.collect())
}

/// Whether an account has yet to accept a text.
pub async fn is_due(
    conn: &mut PgConnection,
    account_id: Uuid,
    required: &RequiredTerms,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT account_terms_due($1, $2, $3) AS "due!""#,
        account_id,
        &required.kinds,
        &required.versions
    )
    .fetch_one(conn)
    .await
}
