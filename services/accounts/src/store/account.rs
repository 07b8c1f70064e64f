//! `account`: the people who are here.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// An account as it is made, or made anew while it is unverified.
pub struct NewAccount<'a> {
    /// The account.
    pub account_id: Uuid,
    /// The address.
    pub email_index: &'a [u8],
    /// The address, sealed.
    pub email: &'a [u8],
    /// The password's hash, sealed.
    pub password_hash: &'a [u8],
    /// `member` or `operator`.
    pub kind: &'a str,
    /// The IANA zone.
    pub time_zone: &'a str,
    /// The language tag.
    pub locale: &'a str,
    /// Whether security notices go by mail as well.
    pub notices_by_mail: bool,
}

/// Whether an address is known.
pub struct Known {
    /// The account.
    pub account_id: Uuid,
    /// Its address, sealed.
    pub email: Vec<u8>,
    /// Whether the address is proven.
    pub verified: bool,
    /// Whether security notices go by mail as well.
    pub notices_by_mail: bool,
}

/// What the proof of an address is checked against.
pub struct Registrant {
    /// The account.
    pub account_id: Uuid,
    /// The password's hash, sealed anew at every registration: the same bytes are the same registration.
    pub password_hash: Vec<u8>,
}

/// What a sign-in is checked against.
pub struct Credentials {
    /// The account.
    pub account_id: Uuid,
    /// `member` or `operator`.
    pub kind: String,
    /// The password's hash, sealed.
    pub password_hash: Vec<u8>,
    /// Whether the address is proven.
    pub verified: bool,
}

/// An account as its owner sees it.
pub struct Profile {
    /// The account.
    pub account_id: Uuid,
    /// The address, sealed.
    pub email: Vec<u8>,
    /// `member` or `operator`.
    pub kind: String,
    /// The IANA zone.
    pub time_zone: String,
    /// The language tag.
    pub locale: String,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// The state an event tells of.
pub struct State {
    /// The account.
    pub account_id: Uuid,
    /// The version of the account's events.
    pub version: i64,
    /// The IANA zone.
    pub time_zone: String,
    /// The language tag.
    pub locale: String,
    /// Whether the address is proven.
    pub verified: bool,
}

/// The account of an address.
pub async fn find(conn: &mut PgConnection, email_index: &[u8]) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"SELECT account_id, email, verified_at IS NOT NULL AS "verified!", notices_by_mail FROM account
           WHERE email_index = $1"#,
        email_index
    )
    .fetch_optional(conn)
    .await
}

/// The account of an address, held until the transaction ends.
pub async fn lock(conn: &mut PgConnection, email_index: &[u8]) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        r#"SELECT account_id, email, verified_at IS NOT NULL AS "verified!", notices_by_mail FROM account
           WHERE email_index = $1 FOR UPDATE"#,
        email_index
    )
    .fetch_optional(conn)
    .await
}

/// Makes an account at version 1; false when the address was taken a moment ago.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewAccount<'_>,
    now: Timestamp,
    verified_at: Option<Timestamp>,
) -> Result<bool, sqlx::Error> {
    let made = sqlx::query!(
        "INSERT INTO account (account_id, email_index, email, password_hash, kind, time_zone, locale, version,
                              created_at, adult_attested_at, verified_at, password_set_at, notices_by_mail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $9, $8, $10)
         ON CONFLICT (email_index) DO NOTHING",
        new.account_id,
        new.email_index,
        new.email,
        new.password_hash,
        new.kind,
        new.time_zone,
        new.locale,
        now.to_sqlx(),
        verified_at.map(|at| at.to_sqlx()) as _,
        new.notices_by_mail,
    )
    .execute(conn)
    .await?;
    Ok(made.rows_affected() == 1)
}

/// Removes the account of an address that nobody has proven.
pub async fn delete_unverified(conn: &mut PgConnection, email_index: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM account WHERE email_index = $1 AND verified_at IS NULL", email_index)
        .execute(conn)
        .await?;
    Ok(())
}

/// Puts everything a newer registrant said in the place of what an unproven one said.
pub async fn replace_unverified(
    conn: &mut PgConnection,
    new: &NewAccount<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE account SET email = $2, password_hash = $3, kind = $4, time_zone = $5, locale = $6,
                            created_at = $7, adult_attested_at = $7, password_set_at = $7, notices_by_mail = $8
         WHERE account_id = $1 AND verified_at IS NULL",
        new.account_id,
        new.email,
        new.password_hash,
        new.kind,
        new.time_zone,
        new.locale,
        now.to_sqlx(),
        new.notices_by_mail,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The registration that a living verification token belongs to.
pub async fn find_by_token(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Registrant>, sqlx::Error> {
    sqlx::query_as!(
        Registrant,
        "SELECT account_id, a.password_hash FROM verification v JOIN account a USING (account_id)
         WHERE v.token_hash = $1 AND v.expires_at > $2",
        &token_hash[..],
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Holds the account that a verification token belongs to until the transaction ends. The account comes
/// before its tokens here and everywhere, so that nobody waits in a circle.
pub async fn lock_by_token(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
) -> Result<Option<Registrant>, sqlx::Error> {
    sqlx::query_as!(
        Registrant,
        "SELECT account_id, password_hash FROM account
         WHERE account_id = (SELECT account_id FROM verification WHERE token_hash = $1) FOR UPDATE",
        &token_hash[..]
    )
    .fetch_optional(conn)
    .await
}

/// Marks the address of an account as proven; `None` when it is already.
pub async fn verify(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        r#"UPDATE account SET verified_at = $2, version = version + 1
           WHERE account_id = $1 AND verified_at IS NULL
           RETURNING account_id, version, time_zone, locale, true AS "verified!""#,
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Corrects the zone or the language of an account, whichever is given; `None` when that is no change.
pub async fn correct(
    conn: &mut PgConnection,
    account_id: Uuid,
    time_zone: Option<&str>,
    locale: Option<&str>,
) -> Result<Option<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        r#"UPDATE account SET time_zone = coalesce($2, time_zone), locale = coalesce($3, locale), version = version + 1
           WHERE account_id = $1 AND (time_zone <> coalesce($2, time_zone) OR locale <> coalesce($3, locale))
           RETURNING account_id, version, time_zone, locale, verified_at IS NOT NULL AS "verified!""#,
        account_id,
        time_zone,
        locale
    )
    .fetch_optional(conn)
    .await
}

/// What a sign-in with an address is checked against.
pub async fn credentials(
    conn: &mut PgConnection,
    email_index: &[u8],
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"SELECT account_id, kind, password_hash, verified_at IS NOT NULL AS "verified!" FROM account
           WHERE email_index = $1"#,
        email_index
    )
    .fetch_optional(conn)
    .await
}

/// What an account stands with at a sign-in, held.
pub struct Held {
    /// What the account may do, as stored.
    pub kind: String,
    /// The password's hash, sealed.
    pub password_hash: Vec<u8>,
    /// What its address is looked up by.
    pub email_index: Vec<u8>,
}

/// Holds an account as it stands until the transaction ends, beside others who do; `None` when it is gone. Whoever changes it
/// waits, or was first.
pub async fn hold(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        "SELECT kind, password_hash, email_index FROM account WHERE account_id = $1 FOR SHARE",
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// What somebody who is signed in proves again with.
pub async fn credentials_of(
    conn: &mut PgConnection,
    account_id: Uuid,
) -> Result<Option<Credentials>, sqlx::Error> {
    sqlx::query_as!(
        Credentials,
        r#"SELECT account_id, kind, password_hash, verified_at IS NOT NULL AS "verified!" FROM account
           WHERE account_id = $1"#,
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// An account as its owner sees it.
pub async fn profile(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Profile>, sqlx::Error> {
    sqlx::query_as!(
        Profile,
        "SELECT account_id, email, kind, time_zone, locale, created_at FROM account WHERE account_id = $1",
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// The accounts after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        r#"SELECT account_id, version, time_zone, locale, verified_at IS NOT NULL AS "verified!" FROM account
           WHERE account_id > $1 ORDER BY account_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
