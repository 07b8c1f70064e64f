//! A client's key for a write, kept in the write's own transaction, so that a retry changes nothing.
//! The answer is rebuilt from the resource, never stored.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A write and the key its client chose for it.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose write.
    pub account_id: Uuid,
    /// Which RPC, such as `WriteEntry`; keys of different RPCs do not meet.
    pub method: &'static str,
    /// The client's key.
    pub key: Uuid,
    /// HMAC of the request under the account's key, to notice another body.
    pub body_mac: [u8; 32],
    /// What the write makes.
    pub resource_id: Uuid,
    /// When the key may be forgotten (24 h from now).
    pub expires_at: Timestamp,
}

/// What a claim found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The key is new: write.
    Fresh,
    /// The same write happened before and made this resource: answer from it.
    Replay(Uuid),
    /// The key was used for another body: ALREADY_EXISTS.
    Mismatch,
}

/// Claims a key inside the write's own transaction. A concurrent write with the same key is waited for.
///
/// # Errors
/// When the database fails.
pub async fn claim(connection: &mut PgConnection, claim: &Claim) -> Result<Outcome, sqlx::Error> {
    let outcomes = claim_many(connection, std::slice::from_ref(claim)).await?;
    Ok(outcomes.into_iter().next().unwrap_or(Outcome::Mismatch))
}

/// Claims many keys in one statement; the outcomes come in the order of the claims. Of claims with the same key
/// the first may be fresh, the others find it.
///
/// # Errors
/// When the database fails.
pub async fn claim_many(
    connection: &mut PgConnection,
    claims: &[Claim],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut distinct: Vec<&Claim> = claims.iter().collect();
    // One order for all writers, so that two batches never wait for each other.
    distinct.sort_by_key(|claim| name(claim));
    distinct.dedup_by_key(|claim| name(claim));
    let accounts: Vec<Uuid> = distinct.iter().map(|claim| claim.account_id).collect();
    let methods: Vec<String> = distinct.iter().map(|claim| claim.method.to_owned()).collect();
    let keys: Vec<Uuid> = distinct.iter().map(|claim| claim.key).collect();
    let macs: Vec<Vec<u8>> = distinct.iter().map(|claim| claim.body_mac.to_vec()).collect();
    let resources: Vec<Uuid> = distinct.iter().map(|claim| claim.resource_id).collect();
    let expiries: Vec<jiff_sqlx::Timestamp> =
        distinct.iter().map(|claim| claim.expires_at.to_sqlx()).collect();
    let rows = sqlx::query!(
        r#"INSERT INTO chassis.idempotency AS kept (account_id, method, key, body_mac, resource_id, expires_at)
           SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::uuid[], $6::timestamptz[])
           ON CONFLICT (account_id, method, key) DO UPDATE SET claims = kept.claims + 1
           RETURNING account_id, method, key, body_mac, resource_id, claims"#,
        &accounts,
        &methods,
        &keys,
        &macs,
        &resources,
        &expiries as &[jiff_sqlx::Timestamp],
    )
    .fetch_all(connection)
    .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert((row.account_id, row.method, row.key), (row.body_mac, row.resource_id, row.claims == 1));
    }
    let outcome = |claim: &Claim| {
        let Some((mac, resource, fresh)) =
            found.get_mut(&(claim.account_id, claim.method.to_owned(), claim.key))
        else {
            return Outcome::Mismatch; // cannot be: the statement returns every key it was given
        };
        if mac.as_slice() != claim.body_mac {
            Outcome::Mismatch
        } else if std::mem::take(fresh) {
            Outcome::Fresh
        } else {
            Outcome::Replay(*resource)
        }
    };
    Ok(claims.iter().map(outcome).collect())
}

/// Takes back claims of this same transaction, for writes that were refused after all: a refused write must not
/// look like one that happened.
///
/// # Errors
/// When the database fails.
pub async fn release(connection: &mut PgConnection, claims: &[Claim]) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let accounts: Vec<Uuid> = claims.iter().map(|claim| claim.account_id).collect();
    let methods: Vec<String> = claims.iter().map(|claim| claim.method.to_owned()).collect();
    let keys: Vec<Uuid> = claims.iter().map(|claim| claim.key).collect();
    sqlx::query!(
        "DELETE FROM chassis.idempotency kept
         USING UNNEST($1::uuid[], $2::text[], $3::uuid[]) AS refused (account_id, method, key)
         WHERE kept.account_id = refused.account_id AND kept.method = refused.method AND kept.key = refused.key",
        &accounts,
        &methods,
        &keys,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn name(claim: &Claim) -> (Uuid, &'static str, Uuid) {
    (claim.account_id, claim.method, claim.key)
}

/// Forgets every key of a person; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn forget(connection: &mut PgConnection, account_id: Uuid) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!("DELETE FROM chassis.idempotency WHERE account_id = $1", account_id)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// Forgets keys that have expired, at most `limit` of them; returns how many.
///
/// # Errors
/// When the database fails.
pub async fn sweep(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH old AS (
             SELECT account_id, method, key FROM chassis.idempotency
             WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )
         DELETE FROM chassis.idempotency kept USING old
         WHERE kept.account_id = old.account_id AND kept.method = old.method AND kept.key = old.key",
        now.to_sqlx() as jiff_sqlx::Timestamp,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
