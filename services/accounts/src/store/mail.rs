//! `mail_queue`: mail that is to be sent.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A mail as it is queued.
pub struct NewMail<'a> {
    /// The mail.
    pub mail_id: Uuid,
    /// Whose; none for a mail of the house itself.
    pub account_id: Option<Uuid>,
    /// Why.
    pub kind: &'a str,
    /// What, sealed.
    pub letter: &'a [u8],
    /// Not before this.
    pub send_at: Timestamp,
}

/// A mail that this replica has claimed.
pub struct Claimed {
    /// The mail.
    pub mail_id: Uuid,
    /// Whose; none for a mail of the house itself.
    pub account_id: Option<Uuid>,
    /// Why.
    pub kind: String,
    /// What, sealed.
    pub letter: Vec<u8>,
    /// Which attempt this is; with the id it proves the claim.
    pub attempts: i32,
}

/// Queues a mail.
pub async fn insert(conn: &mut PgConnection, new: &NewMail<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO mail_queue (mail_id, account_id, kind, letter, created_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        new.mail_id,
        new.account_id,
        new.kind,
        new.letter,
        now.to_sqlx(),
        new.send_at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the verification mails of an account out of the queue, and says when the one that nobody has claimed
/// yet was to be sent. What is on its way at this moment still arrives.
pub async fn take_waiting(
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let taken = sqlx::query!(
        "DELETE FROM mail_queue WHERE account_id = $1 AND kind = 'verification' AND dead_at IS NULL
         RETURNING next_at, attempts",
        account_id
    )
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().filter(|mail| mail.attempts == 0).map(|mail| mail.next_at.to_jiff()).min())
}

/// Whether a verification mail of an account waits that nobody has claimed yet.
pub async fn is_waiting(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM mail_queue
                          WHERE account_id = $1 AND kind = 'verification' AND attempts = 0) AS "waits!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Claims mails that are due, oldest first, until `lease`: nobody else sees them before that.
pub async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    lease: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"UPDATE mail_queue SET next_at = $2, attempts = attempts + 1
           WHERE mail_id IN (SELECT mail_id FROM mail_queue WHERE next_at <= $1 AND dead_at IS NULL
                             ORDER BY next_at, mail_id LIMIT $3 FOR UPDATE SKIP LOCKED)
           RETURNING mail_id, account_id, kind, letter AS "letter!", attempts"#,
        now.to_sqlx(),
        lease.to_sqlx(),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Removes a mail that was sent.
pub async fn finish(conn: &mut PgConnection, mail_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM mail_queue WHERE mail_id = $1", mail_id).execute(conn).await?;
    Ok(())
}

/// Lets a claimed mail wait for its next attempt.
pub async fn postpone(
    conn: &mut PgConnection,
    mail_id: Uuid,
    attempts: i32,
    next_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mail_queue SET next_at = $3 WHERE mail_id = $1 AND attempts = $2",
        mail_id,
        attempts,
        next_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives a mail up; its text goes, so that only the count stays.
pub async fn bury(conn: &mut PgConnection, mail_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE mail_queue SET dead_at = $2, letter = NULL WHERE mail_id = $1 AND dead_at IS NULL",
        mail_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes mails that died before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM mail_queue WHERE mail_id IN
             (SELECT mail_id FROM mail_queue WHERE dead_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
