//! `totp` and `recovery_code`: what somebody proves themself with besides a password.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Which second factors an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// An authenticator app.
    pub totp: bool,
    /// How many passkeys.
    pub passkeys: i64,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
}

impl Factors {
    /// Whether there is any: then a password alone lets nobody in. Recovery codes stand in for one and are none.
    pub fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }
}

/// An authenticator app.
pub struct App {
    /// The secret, sealed.
    pub secret: Vec<u8>,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// Which second factors an account has.
pub async fn of(conn: &mut PgConnection, account_id: Uuid) -> Result<Factors, sqlx::Error> {
    sqlx::query_as!(
        Factors,
        r#"SELECT EXISTS (SELECT FROM totp WHERE account_id = $1 AND confirmed) AS "totp!",
                  (SELECT count(*) FROM passkey WHERE account_id = $1) AS "passkeys!",
                  (SELECT count(*) FROM recovery_code WHERE account_id = $1) AS "recovery_codes!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// The app of an account that counts.
pub async fn app(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<App>, sqlx::Error> {
    sqlx::query_as!(
        App,
        "SELECT secret, created_at FROM totp WHERE account_id = $1 AND confirmed",
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// The app that waits for its first code, if it was proposed in this session.
pub async fn proposed_app(
    conn: &mut PgConnection,
    account_id: Uuid,
    session_id: Uuid,
) -> Result<Option<App>, sqlx::Error> {
    sqlx::query_as!(
        App,
        "SELECT secret, created_at FROM totp WHERE account_id = $1 AND NOT confirmed AND session_id = $2",
        account_id,
        session_id
    )
    .fetch_optional(conn)
    .await
}

/// Keeps an app that waits for its first code, in the place of one that waited before.
pub async fn propose_app(
    conn: &mut PgConnection,
    account_id: Uuid,
    session_id: Uuid,
    secret: &[u8],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO totp (account_id, confirmed, secret, created_at, last_step, session_id)
         VALUES ($1, false, $2, $3, 0, $4)
         ON CONFLICT (account_id, confirmed) DO UPDATE
             SET secret = excluded.secret, created_at = excluded.created_at, session_id = excluded.session_id",
        account_id,
        secret,
        now.to_sqlx(),
        session_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets an app that waits for its first code.
pub async fn withdraw_app(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM totp WHERE account_id = $1 AND NOT confirmed", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets the app that waited count, in the place of the one before; false when another one waits meanwhile, or none.
pub async fn confirm_app(
    conn: &mut PgConnection,
    account_id: Uuid,
    secret: &[u8],
    step: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query!(
        "DELETE FROM totp WHERE account_id = $1 AND confirmed
             AND EXISTS (SELECT FROM totp WHERE account_id = $1 AND NOT confirmed AND secret = $2)",
        account_id,
        secret
    )
    .execute(&mut *conn)
    .await?;
    let confirmed = sqlx::query!(
        "UPDATE totp SET confirmed = true, last_step = $3
         WHERE account_id = $1 AND NOT confirmed AND secret = $2",
        account_id,
        secret,
        step
    )
    .execute(conn)
    .await?;
    Ok(confirmed.rows_affected() == 1)
}

/// Uses the step of a code up; false when it or a later one was used already, or the app that showed it counts no more.
pub async fn use_step(
    conn: &mut PgConnection,
    account_id: Uuid,
    secret: &[u8],
    step: i64,
) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "UPDATE totp SET last_step = $3 WHERE account_id = $1 AND confirmed AND secret = $2 AND last_step < $3",
        account_id,
        secret,
        step
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Takes the app of an account away, and one that waits; false when none counted.
pub async fn remove_app(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query_scalar!("DELETE FROM totp WHERE account_id = $1 RETURNING confirmed", account_id)
        .fetch_all(conn)
        .await?;
    Ok(gone.contains(&true))
}

/// Puts recovery codes in the place of those before.
pub async fn replace_recovery_codes(
    conn: &mut PgConnection,
    account_id: Uuid,
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM recovery_code WHERE account_id = $1", account_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO recovery_code (account_id, code_hash) SELECT $1, hash FROM UNNEST($2::bytea[]) AS hash",
        account_id,
        hashes
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a recovery code up; false when it was used already or never was.
pub async fn use_recovery_code(
    conn: &mut PgConnection,
    account_id: Uuid,
    code_hash: &[u8; 32],
) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "DELETE FROM recovery_code WHERE account_id = $1 AND code_hash = $2",
        account_id,
        &code_hash[..]
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}
