//! `known_device`: where somebody signed in before.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Whether a device is known to an account.
pub async fn is_known(
    conn: &mut PgConnection,
    account_id: Uuid,
    device_hash: &[u8; 32],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM known_device
                          WHERE account_id = $1 AND device_hash = $2 AND expires_at > $3) AS "is_known!""#,
        account_id,
        &device_hash[..],
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// A session that begins on a device.
pub struct Seen<'a> {
    /// What the device gets to be called where the account did not know it.
    pub device_id: Uuid,
    /// Whose session.
    pub account_id: Uuid,
    /// What the device is recognised by.
    pub device_hash: &'a [u8; 32],
    /// The session.
    pub session_id: Uuid,
    /// The session's label, sealed for it.
    pub device_label: &'a [u8],
    /// When.
    pub at: Timestamp,
    /// The device is known until then.
    pub expires_at: Timestamp,
}

/// A device in its owner's list.
pub struct Listed {
    /// The device.
    pub device_id: Uuid,
    /// The newest session that began there.
    pub session_id: Uuid,
    /// That session's label, sealed for it.
    pub device_label: Vec<u8>,
    /// Since when it is known.
    pub created_at: Timestamp,
    /// When somebody signed in there last.
    pub used_at: Timestamp,
}

/// Notes a session that begins on a device; false when the account did not know the device until now.
pub async fn note(conn: &mut PgConnection, seen: &Seen<'_>) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE known_device SET session_id = $3, device_label = $4, used_at = $5, expires_at = $6
         WHERE account_id = $1 AND device_hash = $2 AND expires_at > $5",
        seen.account_id,
        &seen.device_hash[..],
        seen.session_id,
        seen.device_label,
        seen.at.to_sqlx(),
        seen.expires_at.to_sqlx()
    )
    .execute(&mut *conn)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(true);
    }
    sqlx::query!(
        "INSERT INTO known_device (device_id, account_id, device_hash, session_id, device_label, created_at, used_at,
                                   expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
         ON CONFLICT (account_id, device_hash) DO UPDATE
             SET session_id = excluded.session_id, device_label = excluded.device_label,
                 created_at = excluded.created_at, used_at = excluded.used_at, expires_at = excluded.expires_at",
        seen.device_id,
        seen.account_id,
        &seen.device_hash[..],
        seen.session_id,
        seen.device_label,
        seen.at.to_sqlx(),
        seen.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(false)
}

/// The devices that an account knows, the one that was signed in from last first.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT device_id, session_id, device_label, created_at, used_at FROM known_device
         WHERE account_id = $1 AND expires_at > $2 ORDER BY used_at DESC, device_id",
        account_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        device_id: row.device_id,
        session_id: row.session_id,
        device_label: row.device_label,
        created_at: row.created_at.to_jiff(),
        used_at: row.used_at.to_jiff(),
    });
    Ok(listed.collect())
}

/// Forgets a device of an account; false when there is none.
pub async fn forget(conn: &mut PgConnection, account_id: Uuid, device_id: Uuid) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM known_device WHERE account_id = $1 AND device_id = $2",
        account_id,
        device_id
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() == 1)
}

/// Forgets the devices that came last, beyond the given number besides the one that a session began on.
pub async fn trim(
    conn: &mut PgConnection,
    account_id: Uuid,
    newest: Uuid,
    besides: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM known_device WHERE account_id = $1 AND device_id IN
             (SELECT device_id FROM known_device WHERE account_id = $1 AND session_id <> $2
              ORDER BY created_at, device_id OFFSET $3)",
        account_id,
        newest,
        besides
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether this session is the first of an account whose address was proven after the given moment. Of one that is older
/// nobody can say: what there was may be swept.
pub async fn is_untouched(
    conn: &mut PgConnection,
    account_id: Uuid,
    first: Uuid,
    proven_after: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM session WHERE account_id = $1 AND session_id <> $2)
                  AND NOT EXISTS (SELECT FROM known_device WHERE account_id = $1)
                  AND EXISTS (SELECT FROM account WHERE account_id = $1 AND verified_at > $3) AS "is_untouched!""#,
        account_id,
        first,
        proven_after.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Forgets the device that a session began on.
pub async fn forget_of(
    conn: &mut PgConnection,
    account_id: Uuid,
    session_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM known_device WHERE account_id = $1 AND session_id = $2",
        account_id,
        session_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets every device of an account, but the one that a session began on.
pub async fn forget_all(
    conn: &mut PgConnection,
    account_id: Uuid,
    but: Option<Uuid>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM known_device WHERE account_id = $1 AND ($2::uuid IS NULL OR session_id <> $2)",
        account_id,
        but
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes those that nobody signed in from for long.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM known_device WHERE device_id IN
             (SELECT device_id FROM known_device WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
