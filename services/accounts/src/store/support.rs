//! `support_code` and `staff_look`: what lets somebody see how an account stands, and what they looked at.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// How an account stands, as whoever supports its owner sees it: no address, no name, no word of theirs.
pub struct Standing {
    /// What it may do, as stored.
    pub kind: String,
    /// Whether its address was confirmed.
    pub confirmed: bool,
    /// Whether it is suspended.
    pub suspended: bool,
    /// Whether wrong codes were given of late.
    pub codes_refused: bool,
    /// How many mails to its owner wait.
    pub mails_waiting: i64,
    /// Whether a mail to its owner was given up.
    pub mails_dead: bool,
    /// Whether it is asked for everything to be destroyed.
    pub erasing: bool,
    /// When what is to be taken along opens, if something is.
    pub export_opens_at: Option<jiff_sqlx::Timestamp>,
}

/// Something that somebody looked at.
pub struct Look {
    /// The look.
    pub look_id: Uuid,
    /// The word of the reason: said for a look at a ledger, and for no other.
    pub reason: Option<String>,
    /// When.
    pub looked_at: jiff_sqlx::Timestamp,
}

/// A look as it is noted.
pub struct NewLook {
    /// The look.
    pub look_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// Who looked.
    pub staff_id: Uuid,
    /// At a ledger: the word of the reason, and the request that another operator agreed to.
    pub ledger: Option<(&'static str, Uuid)>,
}

/// Keeps a code in the place of the account's one before.
pub async fn keep_code(
    conn: &mut PgConnection,
    account_id: Uuid,
    code_mac: &[u8; 32],
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO support_code (account_id, code_mac, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO UPDATE SET code_mac = excluded.code_mac, expires_at = excluded.expires_at",
        account_id,
        &code_mac[..],
        expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose code it is; `None` for one that is over, or never was.
pub async fn owner_of(
    conn: &mut PgConnection,
    code_mac: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT account_id FROM support_code WHERE code_mac = $1 AND expires_at > $2",
        &code_mac[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Uses an account's code up; false for one that is over, or was used.
pub async fn use_code(
    conn: &mut PgConnection,
    account_id: Uuid,
    code_mac: &[u8; 32],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let used = sqlx::query!(
        "DELETE FROM support_code WHERE account_id = $1 AND code_mac = $2 AND expires_at > $3",
        account_id,
        &code_mac[..],
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// How an account stands.
pub async fn standing(
    conn: &mut PgConnection,
    account_id: Uuid,
    trouble_since: Timestamp,
    now: Timestamp,
) -> Result<Option<Standing>, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"SELECT a.kind, a.verified_at IS NOT NULL AS "confirmed!", account_suspended(a.account_id, $3) AS "suspended!",
                  EXISTS (SELECT FROM security_notice n WHERE n.account_id = a.account_id AND n.kind = 'codes_refused'
                                                          AND n.happened_at > $2) AS "codes_refused!",
                  (SELECT count(*) FROM mail_queue m WHERE m.account_id = a.account_id AND m.dead_at IS NULL)
                      AS "mails_waiting!",
                  EXISTS (SELECT FROM mail_queue m WHERE m.account_id = a.account_id AND m.dead_at IS NOT NULL)
                      AS "mails_dead!",
                  EXISTS (SELECT FROM erasure e WHERE e.account_id = a.account_id) AS "erasing!",
                  (SELECT x.opens_at FROM export x WHERE x.account_id = a.account_id AND x.expires_at > $3)
                      AS "export_opens_at"
           FROM account a WHERE a.account_id = $1"#,
        account_id,
        trouble_since.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Notes that somebody looked.
pub async fn note_look(conn: &mut PgConnection, look: &NewLook, now: Timestamp) -> Result<(), sqlx::Error> {
    let (reason, request_id) = look.ledger.unzip();
    sqlx::query!(
        "INSERT INTO staff_look (look_id, account_id, staff_id, kind, reason, request_id, looked_at)
         VALUES ($1, $2, $3, CASE WHEN $5::uuid IS NULL THEN 'support' ELSE 'ledger' END, $4, $5, $6)",
        look.look_id,
        look.account_id,
        look.staff_id,
        reason,
        request_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether anything was looked at yet that a request asked for.
pub async fn was_looked_at(conn: &mut PgConnection, request_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM staff_look WHERE request_id = $1) AS "was!""#,
        request_id
    )
    .fetch_one(conn)
    .await
}

/// What staff looked at of somebody's, newest first, beginning before a time and an id.
pub async fn looks(
    conn: &mut PgConnection,
    account_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Look>, sqlx::Error> {
    sqlx::query_as!(
        Look,
        "SELECT look_id, reason, looked_at FROM staff_look
         WHERE account_id = $1 AND (looked_at, look_id) < ($2, $3) ORDER BY looked_at DESC, look_id DESC LIMIT $4",
        account_id,
        before.0.to_sqlx() as _,
        before.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Removes codes that were over before the given time.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM support_code WHERE account_id IN
             (SELECT account_id FROM support_code WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
