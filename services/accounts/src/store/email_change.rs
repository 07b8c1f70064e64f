//! `email_change` and `email_undo`: addresses that are to become an account's, and those that can become it again.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Another address as it is asked for.
pub struct NewChange<'a> {
    /// Whose.
    pub account_id: Uuid,
    /// The change, and the request that settles it.
    pub change_id: Uuid,
    /// The address.
    pub email_index: &'a [u8; 32],
    /// The address, sealed.
    pub email: &'a [u8],
    /// How long it waits.
    pub expires_at: Timestamp,
}

/// Another address that waits.
pub struct Asked {
    /// Whose.
    pub account_id: Uuid,
    /// The change.
    pub change_id: Uuid,
    /// The address.
    pub email_index: Vec<u8>,
    /// The address, sealed.
    pub email: Vec<u8>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How long it waits.
    pub expires_at: Timestamp,
}

/// An address of an account.
pub struct Owned {
    /// The address.
    pub email_index: Vec<u8>,
    /// The address, sealed.
    pub email: Vec<u8>,
}

/// An address as it is given up.
pub struct NewUndo<'a> {
    /// The hash of the token that puts it back.
    pub token_hash: &'a [u8; 32],
    /// Whose.
    pub account_id: Uuid,
    /// The address.
    pub email_index: &'a [u8],
    /// The address, sealed.
    pub email: &'a [u8],
    /// How long it can be put back.
    pub expires_at: Timestamp,
}

/// Keeps what somebody asks for, in the place of what they asked for before.
pub async fn ask(conn: &mut PgConnection, new: &NewChange<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO email_change (account_id, change_id, email_index, email, requested_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (account_id) DO UPDATE SET
             change_id = excluded.change_id, email_index = excluded.email_index, email = excluded.email,
             token_hash = NULL, requested_at = excluded.requested_at, expires_at = excluded.expires_at",
        new.account_id,
        new.change_id,
        &new.email_index[..],
        new.email,
        now.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A change, unless another took its place or it was called off.
pub async fn find(conn: &mut PgConnection, change_id: Uuid) -> Result<Option<Asked>, sqlx::Error> {
    sqlx::query_as!(
        Asked,
        "SELECT account_id, change_id, email_index, email, requested_at, expires_at FROM email_change
         WHERE change_id = $1",
        change_id
    )
    .fetch_optional(conn)
    .await
}

/// What an account waits for.
pub async fn of(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Asked>, sqlx::Error> {
    sqlx::query_as!(
        Asked,
        "SELECT account_id, change_id, email_index, email, requested_at, expires_at FROM email_change
         WHERE account_id = $1 AND expires_at > $2",
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Gives a change its token; false when another took its place or it was called off.
pub async fn offer(
    conn: &mut PgConnection,
    change_id: Uuid,
    token_hash: &[u8; 32],
) -> Result<bool, sqlx::Error> {
    let offered = sqlx::query!(
        "UPDATE email_change SET token_hash = $2 WHERE change_id = $1",
        change_id,
        &token_hash[..]
    )
    .execute(conn)
    .await?;
    Ok(offered.rows_affected() == 1)
}

/// Uses a token of an account up; `None` when it is another's, gone or too old.
pub async fn take(
    conn: &mut PgConnection,
    account_id: Uuid,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Asked>, sqlx::Error> {
    sqlx::query_as!(
        Asked,
        "DELETE FROM email_change WHERE account_id = $1 AND token_hash = $2 AND expires_at > $3
         RETURNING account_id, change_id, email_index, email, requested_at, expires_at",
        account_id,
        &token_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Calls off what an account waits for; false when it waits for nothing.
pub async fn clear(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let gone =
        sqlx::query!("DELETE FROM email_change WHERE account_id = $1", account_id).execute(conn).await?;
    Ok(gone.rows_affected() == 1)
}

/// The address that an account has now.
pub async fn current(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Owned>, sqlx::Error> {
    sqlx::query_as!(Owned, "SELECT email_index, email FROM account WHERE account_id = $1", account_id)
        .fetch_optional(conn)
        .await
}

/// Gives an account that is held another address; false when somebody took it a moment ago, after which the transaction is
/// good for nothing but to be given up.
pub async fn replace(
    conn: &mut PgConnection,
    account_id: Uuid,
    email_index: &[u8],
    email: &[u8],
) -> Result<bool, sqlx::Error> {
    let moved = sqlx::query!(
        "UPDATE account SET email_index = $2, email = $3 WHERE account_id = $1",
        account_id,
        email_index,
        email
    )
    .execute(conn)
    .await;
    match moved {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Keeps an address that an account gave up; the account is held. It counts as given up after those before it, whatever the
/// clock says: putting it back must not undo what came earlier.
pub async fn keep(conn: &mut PgConnection, new: &NewUndo<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO email_undo (token_hash, account_id, email_index, email, changed_at, expires_at)
         VALUES ($1, $2, $3, $4,
                 GREATEST($5, (SELECT max(changed_at) + interval '1 microsecond' FROM email_undo WHERE account_id = $2)), $6)",
        &new.token_hash[..],
        new.account_id,
        new.email_index,
        new.email,
        now.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose address a token puts back, while it does.
pub async fn undoes(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM email_undo WHERE token_hash = $1 AND expires_at > $2",
        &token_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Uses a token up, and every later one of the account; `None` when it is gone or too old.
pub async fn take_back(
    conn: &mut PgConnection,
    account_id: Uuid,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Owned>, sqlx::Error> {
    sqlx::query_as!(
        Owned,
        r#"WITH this AS (
             DELETE FROM email_undo WHERE token_hash = $1 AND account_id = $2 AND expires_at > $3
             RETURNING email_index, email, changed_at
         ), later AS (
             DELETE FROM email_undo u USING this
             WHERE u.account_id = $2 AND u.changed_at >= this.changed_at AND u.token_hash <> $1
         )
         SELECT email_index AS "email_index!", email AS "email!" FROM this"#,
        &token_hash[..],
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// The account that had an address until lately and can put it back; `but` does not count.
pub async fn holder(
    conn: &mut PgConnection,
    email_index: &[u8],
    but: Option<Uuid>,
    now: Timestamp,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM email_undo
         WHERE email_index = $1 AND expires_at > $2 AND ($3::uuid IS NULL OR account_id <> $3) LIMIT 1",
        email_index,
        now.to_sqlx(),
        but
    )
    .fetch_optional(conn)
    .await
}

/// Removes what waited too long, and addresses that cannot be put back any more.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let asked = sqlx::query!(
        "DELETE FROM email_change WHERE account_id IN
             (SELECT account_id FROM email_change WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(&mut *conn)
    .await?;
    let given_up = sqlx::query!(
        "DELETE FROM email_undo WHERE token_hash IN
             (SELECT token_hash FROM email_undo WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(asked.rows_affected() + given_up.rows_affected())
}
