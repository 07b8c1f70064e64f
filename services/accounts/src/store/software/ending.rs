//! How consents to software end before their time.

use super::NewConsent;
use crate::store::access::Epoch;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A consent that has just ended.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who could read it.
    pub client_id: Uuid,
}

/// Ends the consent to the same for the same, if there is one.
pub async fn replace(
    conn: &mut PgConnection,
    new: &NewConsent<'_>,
    now: Timestamp,
) -> Result<Option<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE software_consent SET ended_at = $6, ended_by = 'replaced'
         WHERE owner_id = $1 AND client_id = $2 AND scope = $3 AND item_id IS NOT DISTINCT FROM $4 AND purpose = $5
           AND ended_at IS NULL
         RETURNING consent_id, owner_id, client_id",
        new.owner_id,
        new.client_id,
        new.scope,
        new.item_id,
        new.purpose,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Takes back a consent of its owner's. One that is over already stays as it is; `None` where there is no such consent.
pub async fn withdraw(
    conn: &mut PgConnection,
    owner_id: Uuid,
    consent_id: Uuid,
    now: Timestamp,
) -> Result<Option<Option<Ended>>, sqlx::Error> {
    let ended = sqlx::query_as!(
        Ended,
        "UPDATE software_consent SET ended_at = $3, ended_by = 'withdrawn'
         WHERE consent_id = $2 AND owner_id = $1 AND ended_at IS NULL AND expires_at > $3
         RETURNING consent_id, owner_id, client_id",
        owner_id,
        consent_id,
        now.to_sqlx()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if ended.is_some() {
        return Ok(Some(ended));
    }
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM software_consent WHERE consent_id = $2 AND owner_id = $1) AS "known!""#,
        owner_id,
        consent_id
    )
    .fetch_one(conn)
    .await?;
    Ok(known.then_some(None))
}

/// Ends what belongs to care that is over.
pub async fn end_of_care(
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE software_consent SET ended_at = $2, ended_by = 'care_over' WHERE care_id = $1 AND ended_at IS NULL
         RETURNING consent_id, owner_id, client_id",
        care_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends all that was opened to a client.
pub async fn end_of_client(
    conn: &mut PgConnection,
    client_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE software_consent SET ended_at = $2, ended_by = 'software_over'
         WHERE client_id = $1 AND ended_at IS NULL
         RETURNING consent_id, owner_id, client_id",
        client_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Ends all that somebody opened to software.
pub async fn end_of_owner(
    conn: &mut PgConnection,
    owner_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Ended>, sqlx::Error> {
    sqlx::query_as!(
        Ended,
        "UPDATE software_consent SET ended_at = $2, ended_by = 'erasure' WHERE owner_id = $1 AND ended_at IS NULL
         RETURNING consent_id, owner_id, client_id",
        owner_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Raises the epochs of all to whom something is open to a counselor's software, with each client, in one order.
pub async fn raise_of_counselor(
    conn: &mut PgConnection,
    counselor_id: Uuid,
) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as!(
        Epoch,
        "INSERT INTO access_epoch AS known (owner_id, reader_id, epoch)
         SELECT DISTINCT owner_id, client_id, 1 FROM software_consent
         WHERE counselor_id = $1 AND ended_at IS NULL ORDER BY owner_id, client_id
         ON CONFLICT (owner_id, reader_id) DO UPDATE SET epoch = known.epoch + 1
         RETURNING owner_id, reader_id, epoch",
        counselor_id
    )
    .fetch_all(conn)
    .await
}

/// Raises the epochs of somebody with all software to which something of theirs is open, in one order.
pub async fn raise_of_owner(
    conn: &mut PgConnection,
    owner_id: Uuid,
    now: Timestamp,
) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as!(
        Epoch,
        "INSERT INTO access_epoch AS known (owner_id, reader_id, epoch)
         SELECT DISTINCT owner_id, client_id, 1 FROM software_consent
         WHERE owner_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY owner_id, client_id
         ON CONFLICT (owner_id, reader_id) DO UPDATE SET epoch = known.epoch + 1
         RETURNING owner_id, reader_id, epoch",
        owner_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// Raises the epochs of owners and readers by one each, in one order.
pub async fn raise_all(
    conn: &mut PgConnection,
    owner_ids: &[Uuid],
    reader_ids: &[Uuid],
) -> Result<Vec<Epoch>, sqlx::Error> {
    sqlx::query_as!(
        Epoch,
        "INSERT INTO access_epoch AS known (owner_id, reader_id, epoch)
         SELECT DISTINCT p.owner_id, p.reader_id, 1 FROM unnest($1::uuid[], $2::uuid[]) AS p (owner_id, reader_id)
         ORDER BY 1, 2
         ON CONFLICT (owner_id, reader_id) DO UPDATE SET epoch = known.epoch + 1
         RETURNING owner_id, reader_id, epoch",
        owner_ids,
        reader_ids
    )
    .fetch_all(conn)
    .await
}
