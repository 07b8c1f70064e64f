//! `ledger_look`: who asks to read whose ledger, and who agreed. To whose ledger it is, and to who reported, there is no such
//! request; whether the two operators may still act is decided by `operator_acts`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A request as it begins.
pub struct NewLook<'a> {
    /// Its id.
    pub request_id: Uuid,
    /// Whose ledger.
    pub account_id: Uuid,
    /// The report it rests on.
    pub report_id: Option<Uuid>,
    /// The look of support it rests on.
    pub look_id: Option<Uuid>,
    /// The word of the reason.
    pub reason: &'static str,
    /// What the other operator has to know, sealed.
    pub note: &'a [u8],
    /// To know a retry.
    pub attempt_mac: &'a [u8; 32],
    /// Who asks.
    pub asked_by: Uuid,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

/// A request.
pub struct Stored {
    /// Its id.
    pub request_id: Uuid,
    /// Whose ledger.
    pub account_id: Uuid,
    /// The report it rests on.
    pub report_id: Option<Uuid>,
    /// The look of support it rests on.
    pub look_id: Option<Uuid>,
    /// The word of the reason.
    pub reason: String,
    /// What the other operator has to know, sealed.
    pub note: Vec<u8>,
    /// Who asks.
    pub asked_by: Uuid,
    /// When.
    pub asked_at: jiff_sqlx::Timestamp,
    /// Until when it waits.
    pub expires_at: jiff_sqlx::Timestamp,
    /// Who answered.
    pub answered_by: Option<Uuid>,
    /// When.
    pub answered_at: Option<jiff_sqlx::Timestamp>,
    /// What they said.
    pub agreed: Option<bool>,
    /// Until when it can be read.
    pub read_until: Option<jiff_sqlx::Timestamp>,
    /// When either took it back.
    pub ended_at: Option<jiff_sqlx::Timestamp>,
    /// Whether whoever asked may still act as an operator, and whoever agreed, if somebody did.
    pub both_act: bool,
}

/// Whom a report is about, if they are one of those who are here to be helped, and the operator is neither they nor who
/// reported.
pub async fn reported(
    conn: &mut PgConnection,
    operator_id: Uuid,
    report_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT r.about_id FROM report r JOIN account a ON a.account_id = r.about_id
         WHERE r.report_id = $2 AND r.about_id <> $1 AND r.reporter_id IS DISTINCT FROM $1
           AND a.kind IN ('member', 'counselor')",
        operator_id,
        report_id
    )
    .fetch_optional(conn)
    .await
}

/// Who gave support the code of a look since the given time.
pub async fn looked_at(
    conn: &mut PgConnection,
    operator_id: Uuid,
    look_id: Uuid,
    since: Timestamp,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.account_id FROM staff_look l JOIN account a ON a.account_id = l.account_id
         WHERE l.look_id = $2 AND l.kind = 'support' AND l.looked_at > $3 AND l.account_id <> $1
           AND a.kind IN ('member', 'counselor')",
        operator_id,
        look_id,
        since.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Keeps a request; false when the id is in use.
pub async fn insert(conn: &mut PgConnection, new: &NewLook<'_>, now: Timestamp) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "INSERT INTO ledger_look (request_id, account_id, report_id, look_id, reason, note, attempt_mac, asked_by,
                                  asked_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (request_id) DO NOTHING",
        new.request_id,
        new.account_id,
        new.report_id,
        new.look_id,
        new.reason,
        new.note,
        &new.attempt_mac[..],
        new.asked_by,
        now.to_sqlx(),
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Whether a request of an operator's is what they ask for again; `None` where there is none of theirs.
pub async fn is_retry(
    conn: &mut PgConnection,
    operator_id: Uuid,
    request_id: Uuid,
    attempt_mac: &[u8; 32],
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT attempt_mac = $3 AS "same!" FROM ledger_look WHERE request_id = $2 AND asked_by = $1"#,
        operator_id,
        request_id,
        &attempt_mac[..]
    )
    .fetch_optional(conn)
    .await
}

/// Requests that an operator may know of, asked for after the one time, newest first, beginning before the other and an id.
pub async fn list(
    conn: &mut PgConnection,
    operator_id: Uuid,
    since: Timestamp,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        r#"SELECT l.request_id, l.account_id, l.report_id, l.look_id, l.reason, l.note, l.asked_by, l.asked_at,
                  l.expires_at, l.answered_by, l.answered_at, l.agreed, l.read_until, l.ended_at,
                  operator_acts(l.asked_by, $5)
                      AND (l.answered_by IS NULL OR operator_acts(l.answered_by, $5)) AS "both_act!"
           FROM ledger_look l
           WHERE l.asked_at > $2 AND (l.asked_at, l.request_id) < ($3, $4) AND l.account_id <> $1
             AND NOT EXISTS (SELECT FROM report r WHERE r.report_id = l.report_id AND r.reporter_id = $1)
           ORDER BY l.asked_at DESC, l.request_id DESC LIMIT $6"#,
        operator_id,
        since.to_sqlx() as _,
        before.0.to_sqlx() as _,
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// One request that an operator may know of.
pub async fn find(
    conn: &mut PgConnection,
    operator_id: Uuid,
    request_id: Uuid,
    now: Timestamp,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        r#"SELECT l.request_id, l.account_id, l.report_id, l.look_id, l.reason, l.note, l.asked_by, l.asked_at,
                  l.expires_at, l.answered_by, l.answered_at, l.agreed, l.read_until, l.ended_at,
                  operator_acts(l.asked_by, $3)
                      AND (l.answered_by IS NULL OR operator_acts(l.answered_by, $3)) AS "both_act!"
           FROM ledger_look l
           WHERE l.request_id = $2 AND l.account_id <> $1
             AND NOT EXISTS (SELECT FROM report r WHERE r.report_id = l.report_id AND r.reporter_id = $1)"#,
        operator_id,
        request_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Keeps what another operator said, if it waits still; false when it does not.
pub async fn answer(
    conn: &mut PgConnection,
    request_id: Uuid,
    by: Uuid,
    read_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let answered = sqlx::query!(
        "UPDATE ledger_look SET answered_by = $2, answered_at = $4, agreed = $3::timestamptz IS NOT NULL, read_until = $3
         WHERE request_id = $1 AND answered_at IS NULL AND ended_at IS NULL AND expires_at > $4
           AND asked_by <> $2 AND account_id <> $2",
        request_id,
        by,
        read_until.map(|until| until.to_sqlx()) as _,
        now.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(answered.rows_affected() == 1)
}

/// Takes a request back, or the agreement to it; false when there is nothing to take back any more.
pub async fn withdraw(
    conn: &mut PgConnection,
    request_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        "UPDATE ledger_look SET ended_at = $2
         WHERE request_id = $1 AND ended_at IS NULL
           AND (agreed IS NULL AND expires_at > $2 OR agreed AND read_until > $2)",
        request_id,
        now.to_sqlx() as _
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Removes requests that were made before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM ledger_look WHERE request_id IN
             (SELECT request_id FROM ledger_look WHERE asked_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
