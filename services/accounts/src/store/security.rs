//! What of `account` is about its security alone: the password, and how its owner is told.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// How an account is secured, as its owner sees it.
pub struct Security {
    /// Its address, sealed.
    pub email: Vec<u8>,
    /// When the password was chosen.
    pub password_set_at: Timestamp,
    /// Whether notices go by mail as well.
    pub notices_by_mail: bool,
    /// What the account may do, as stored.
    pub kind: String,
    /// When the authenticator app was set up.
    pub app_since: Option<Timestamp>,
}

/// How an account is secured.
pub async fn get(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Security>, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT a.email, a.password_set_at, a.notices_by_mail, a.kind, t.created_at AS "app_since?"
           FROM account a LEFT JOIN totp t ON t.account_id = a.account_id AND t.confirmed
           WHERE a.account_id = $1"#,
        account_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Security {
        email: row.email,
        password_set_at: row.password_set_at.to_jiff(),
        notices_by_mail: row.notices_by_mail,
        kind: row.kind,
        app_since: row.app_since.map(|at| at.to_jiff()),
    }))
}

/// Holds an account until the transaction ends; false when it is gone.
pub async fn hold(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let held =
        sqlx::query_scalar!("SELECT account_id FROM account WHERE account_id = $1 FOR UPDATE", account_id)
            .fetch_optional(conn)
            .await?;
    Ok(held.is_some())
}

/// Puts another password in the place of the one before.
pub async fn set_password(
    conn: &mut PgConnection,
    account_id: Uuid,
    password_hash: &[u8],
    stands_alone: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE account SET password_hash = $2, password_set_at = $3, password_alone = $4 WHERE account_id = $1",
        account_id,
        password_hash,
        now.to_sqlx(),
        stands_alone
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether the password of an account is long enough to be its only factor.
pub async fn password_stands_alone(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let alone = sqlx::query_scalar!("SELECT password_alone FROM account WHERE account_id = $1", account_id)
        .fetch_optional(conn)
        .await?;
    Ok(alone.unwrap_or(false))
}

/// Says whether notices go by mail; true when that is a change.
pub async fn set_notices_by_mail(
    conn: &mut PgConnection,
    account_id: Uuid,
    by_mail: bool,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        "UPDATE account SET notices_by_mail = $2 WHERE account_id = $1 AND notices_by_mail <> $2",
        account_id,
        by_mail
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Queues the mail that tells an account's owner to look, if they want such mails and none waits to be sent. What it
/// says is the same for everybody, so it holds nothing; the address is looked up when it is sent.
pub async fn queue_notice_mail(
    conn: &mut PgConnection,
    mail_id: Uuid,
    account_id: Uuid,
    kind: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let queued = sqlx::query!(
        "INSERT INTO mail_queue (mail_id, account_id, kind, letter, created_at, next_at)
         SELECT $1, a.account_id, $3, ''::bytea, $4, $4 FROM account a
         WHERE a.account_id = $2 AND a.notices_by_mail AND NOT EXISTS
             (SELECT FROM mail_queue m WHERE m.account_id = $2 AND m.kind = $3 AND m.attempts = 0)",
        mail_id,
        account_id,
        kind,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(queued.rows_affected() == 1)
}
