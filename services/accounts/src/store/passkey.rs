//! `passkey`: what devices an account is signed in to with.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A passkey as it is kept.
pub struct NewPasskey<'a> {
    /// The passkey.
    pub passkey_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// What it is found by.
    pub credential_index: &'a [u8; 32],
    /// The passkey itself, sealed.
    pub credential: &'a [u8],
    /// What its owner calls it, sealed.
    pub name: &'a [u8],
}

/// A passkey in its owner's list.
pub struct Listed {
    /// The passkey.
    pub passkey_id: Uuid,
    /// The passkey itself, sealed.
    pub credential: Vec<u8>,
    /// What its owner calls it, sealed.
    pub name: Vec<u8>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it proved something last.
    pub used_at: Option<Timestamp>,
}

/// A passkey that a device's answer names, and the account that it is of.
pub struct Found {
    /// The passkey.
    pub passkey_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The passkey itself, sealed.
    pub credential: Vec<u8>,
}

/// Keeps a passkey; false when it is kept already, be it of whom it may.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewPasskey<'_>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "INSERT INTO passkey (passkey_id, account_id, credential_index, credential, name, counter, created_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (credential_index) DO NOTHING",
        new.passkey_id,
        new.account_id,
        &new.credential_index[..],
        new.credential,
        new.name,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// The passkeys of an account, oldest first.
pub async fn list(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<Listed>, sqlx::Error> {
    let listed = sqlx::query!(
        "SELECT passkey_id, credential, name, created_at, used_at FROM passkey
         WHERE account_id = $1 ORDER BY passkey_id",
        account_id
    )
    .fetch_all(conn)
    .await?;
    let listed = listed.into_iter().map(|row| Listed {
        passkey_id: row.passkey_id,
        credential: row.credential,
        name: row.name,
        created_at: row.created_at.to_jiff(),
        used_at: row.used_at.map(|at| at.to_jiff()),
    });
    Ok(listed.collect())
}

/// How many passkeys an account has.
pub async fn count(conn: &mut PgConnection, account_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM passkey WHERE account_id = $1"#, account_id)
        .fetch_one(conn)
        .await
}

/// The passkey that a device's answer names.
pub async fn find(
    conn: &mut PgConnection,
    credential_index: &[u8; 32],
) -> Result<Option<Found>, sqlx::Error> {
    sqlx::query_as!(
        Found,
        "SELECT p.passkey_id, p.account_id, p.credential FROM passkey p JOIN account a USING (account_id)
         WHERE p.credential_index = $1 AND a.verified_at IS NOT NULL",
        &credential_index[..]
    )
    .fetch_optional(conn)
    .await
}

/// Notes a proof; false when the passkey is gone, or a later count of its device was taken already.
pub async fn prove(
    conn: &mut PgConnection,
    passkey_id: Uuid,
    counter: i64,
    credential: &[u8],
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE passkey SET counter = $2, credential = $3, used_at = GREATEST(used_at, $4)
         WHERE passkey_id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))",
        passkey_id,
        counter,
        credential,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Names a passkey of an account; false when there is none.
pub async fn rename(
    conn: &mut PgConnection,
    account_id: Uuid,
    passkey_id: Uuid,
    name: &[u8],
) -> Result<bool, sqlx::Error> {
    let named = sqlx::query!(
        "UPDATE passkey SET name = $3 WHERE passkey_id = $2 AND account_id = $1",
        account_id,
        passkey_id,
        name
    )
    .execute(conn)
    .await?;
    Ok(named.rows_affected() == 1)
}

/// Takes a passkey of an account away; false when there is none.
pub async fn remove(
    conn: &mut PgConnection,
    account_id: Uuid,
    passkey_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let gone =
        sqlx::query!("DELETE FROM passkey WHERE passkey_id = $2 AND account_id = $1", account_id, passkey_id)
            .execute(conn)
            .await?;
    Ok(gone.rows_affected() == 1)
}
