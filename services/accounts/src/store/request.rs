//! `address_request`: what was asked for with an address.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What `Register`, `ResendVerification`, `RequestPasswordReset` and `RequestEmailChange` leave behind.
pub struct NewRequest<'a> {
    /// Becomes the account's id if the address is new.
    pub request_id: Uuid,
    /// The address; of another address for an account, what that account's requests are one of.
    pub email_index: &'a [u8; 32],
    /// What is asked for.
    pub wish: Wish,
}

/// What is asked for with an address.
pub enum Wish {
    /// An account.
    Register(Registration),
    /// Another verification mail.
    Resend,
    /// A link that lets a password be set anew.
    Reset,
    /// Another address for an account; which, `email_change` says.
    Change,
}

impl Wish {
    /// The names in the table.
    pub const REGISTER: &'static str = "register";
    /// See above.
    pub const RESEND: &'static str = "resend";
    /// See above.
    pub const RESET: &'static str = "reset";
    /// See above.
    pub const CHANGE: &'static str = "change";

    fn kind(&self) -> &'static str {
        match self {
            Self::Register(_) => Self::REGISTER,
            Self::Resend => Self::RESEND,
            Self::Reset => Self::RESET,
            Self::Change => Self::CHANGE,
        }
    }

    fn registration(&self) -> Option<&Registration> {
        match self {
            Self::Register(registration) => Some(registration),
            Self::Resend | Self::Reset | Self::Change => None,
        }
    }
}

/// A registration's content, sealed where it must be.
pub struct Registration {
    /// The address, sealed.
    pub email: Vec<u8>,
    /// The password's hash, sealed.
    pub password_hash: Vec<u8>,
    /// The IANA zone.
    pub time_zone: String,
    /// The language tag.
    pub locale: String,
    /// Whether security notices may go by mail.
    pub notices_by_mail: bool,
    /// Which terms of use are accepted.
    pub terms_version: i32,
    /// Which privacy notice.
    pub privacy_version: i32,
}

/// A request that this replica has claimed.
pub struct Claimed {
    /// The request.
    pub request_id: Uuid,
    /// What is asked for, as stored.
    pub kind: String,
    /// The address.
    pub email_index: Vec<u8>,
    /// The address, sealed; `None` for a mail only, like the three below.
    pub email: Option<Vec<u8>>,
    /// The password's hash, sealed.
    pub password_hash: Option<Vec<u8>>,
    /// The IANA zone.
    pub time_zone: Option<String>,
    /// The language tag.
    pub locale: Option<String>,
    /// Whether security notices may go by mail.
    pub notices_by_mail: bool,
    /// Which terms of use are accepted.
    pub terms_version: Option<i32>,
    /// Which privacy notice.
    pub privacy_version: Option<i32>,
    /// Which attempt this is; with the id it proves the claim.
    pub attempts: i32,
}

/// Keeps a request; it takes the place of an earlier one of its kind for the same address.
pub async fn put(conn: &mut PgConnection, new: &NewRequest<'_>, now: Timestamp) -> Result<(), sqlx::Error> {
    let content = new.wish.registration();
    sqlx::query!(
        "INSERT INTO address_request (email_index, kind, request_id, email, password_hash, time_zone, locale,
                                      notices_by_mail, terms_version, privacy_version, requested_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $10, $11, $8, $8)
         ON CONFLICT (email_index, kind) DO UPDATE SET
             request_id = excluded.request_id, email = excluded.email, password_hash = excluded.password_hash,
             time_zone = excluded.time_zone, locale = excluded.locale,
             notices_by_mail = excluded.notices_by_mail, terms_version = excluded.terms_version,
             privacy_version = excluded.privacy_version, requested_at = excluded.requested_at,
             next_at = excluded.next_at, attempts = 0",
        &new.email_index[..],
        new.wish.kind(),
        new.request_id,
        content.map(|it| &it.email[..]),
        content.map(|it| &it.password_hash[..]),
        content.map(|it| it.time_zone.as_str()),
        content.map(|it| it.locale.as_str()),
        now.to_sqlx(),
        content.is_some_and(|it| it.notices_by_mail),
        content.map(|it| it.terms_version),
        content.map(|it| it.privacy_version),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims requests that are due, oldest first, until `lease`: nobody else sees them before that.
pub async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    lease: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        "UPDATE address_request SET next_at = $2, attempts = attempts + 1
         WHERE request_id IN (SELECT request_id FROM address_request WHERE next_at <= $1
                              ORDER BY next_at, request_id LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING request_id, kind, email_index, email, password_hash, time_zone, locale, notices_by_mail,
             terms_version, privacy_version, attempts",
        now.to_sqlx(),
        lease.to_sqlx(),
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Removes a claimed request; false when the claim is lost to another replica or to a newer request.
pub async fn finish(conn: &mut PgConnection, request_id: Uuid, attempts: i32) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM address_request WHERE request_id = $1 AND attempts = $2",
        request_id,
        attempts
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() == 1)
}

/// Lets a claimed request wait.
pub async fn postpone(
    conn: &mut PgConnection,
    request_id: Uuid,
    attempts: i32,
    next_at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE address_request SET next_at = $3 WHERE request_id = $1 AND attempts = $2",
        request_id,
        attempts,
        next_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes requests older than `before`, which nothing could be done about; returns how many.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM address_request WHERE request_id IN
             (SELECT request_id FROM address_request WHERE requested_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
