//! `client` and `client_key`: software that reads with tokens of its own.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A client as it is registered.
pub struct NewClient<'a> {
    /// The client.
    pub client_id: Uuid,
    /// The counselor whose it is; none for one of the house.
    pub holder_id: Option<Uuid>,
    /// Who registers it.
    pub registered_by: Uuid,
    /// Its name.
    pub name: &'a str,
    /// What it reads for.
    pub purpose: &'a str,
    /// Whom to ask about it, sealed.
    pub contact: &'a [u8],
    /// The most that its tokens may be used for.
    pub scopes: &'a str,
}

/// Where keys are, and how long those of the last fetch count.
#[derive(Clone, Copy)]
pub struct Published<'a> {
    /// The address.
    pub jwks_url: &'a str,
    /// When they were fetched.
    pub fetched_at: Timestamp,
    /// From when they are fetched again.
    pub stale_at: Timestamp,
    /// Until when they count.
    pub believed_until: Timestamp,
    /// Not before this they are fetched.
    pub fetch_from: Timestamp,
}

/// A client as stored.
pub struct Client {
    /// The client.
    pub client_id: Uuid,
    /// The counselor whose it is; none for one of the house.
    pub holder_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What it reads for.
    pub purpose: String,
    /// Whom to ask about it, sealed.
    pub contact: Vec<u8>,
    /// The most that its tokens may be used for.
    pub scopes: String,
    /// Where its keys are, unless they were registered by value.
    pub jwks_url: Option<String>,
    /// Grows when its holder changes its keys.
    pub keys_version: i64,
    /// When its keys were fetched last.
    pub fetched_at: Option<jiff_sqlx::Timestamp>,
    /// From when they are fetched again.
    pub stale_at: Option<jiff_sqlx::Timestamp>,
    /// Until when they count.
    pub believed_until: Option<jiff_sqlx::Timestamp>,
    /// What went wrong at the last fetch.
    pub fetch_problem: Option<i32>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Its last token, to the hour.
    pub used_at: Option<jiff_sqlx::Timestamp>,
    /// When it was disabled.
    pub disabled_at: Option<jiff_sqlx::Timestamp>,
    /// Whether it may act.
    pub acts: bool,
}

/// A public key as stored.
pub struct Key {
    /// The client.
    pub client_id: Uuid,
    /// Its id.
    pub key_id: String,
    /// The public half.
    pub jwk: String,
}

/// Whether an id is, or was, an account's: a client may not take it, or what is told of the one would be taken for the other.
pub async fn is_persons(conn: &mut PgConnection, client_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM account WHERE account_id = $1)
               OR EXISTS (SELECT FROM bus.erased WHERE account_id = $1) AS "is_persons!""#,
        client_id
    )
    .fetch_one(conn)
    .await
}

/// Registers a client; false when there is one of that id.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewClient<'_>,
    published: Option<Published<'_>>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO client (client_id, holder_id, registered_by, name, purpose, contact, scopes, jwks_url,
                             keys_version, fetched_at, stale_at, believed_until, fetch_from, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        new.client_id,
        new.holder_id,
        new.registered_by,
        new.name,
        new.purpose,
        new.contact,
        new.scopes,
        published.map(|published| published.jwks_url),
        published.map(|published| published.fetched_at.to_sqlx()) as _,
        published.map(|published| published.stale_at.to_sqlx()) as _,
        published.map(|published| published.believed_until.to_sqlx()) as _,
        published.map(|published| published.fetch_from.to_sqlx()) as _,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Puts keys in the place of those before.
pub async fn replace_keys(
    conn: &mut PgConnection,
    client_id: Uuid,
    key_ids: &[String],
    jwks: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM client_key WHERE client_id = $1", client_id).execute(&mut *conn).await?;
    sqlx::query!(
        "INSERT INTO client_key (client_id, key_id, jwk)
         SELECT $1, k.key_id, k.jwk FROM unnest($2::text[], $3::text[]) AS k (key_id, jwk)",
        client_id,
        key_ids,
        jwks
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The client of an id, whatever became of it.
pub async fn find(conn: &mut PgConnection, client_id: Uuid) -> Result<Option<Client>, sqlx::Error> {
    sqlx::query_as!(
        Client,
        r#"SELECT client_id, holder_id, name, purpose, contact, scopes, jwks_url, keys_version, fetched_at, stale_at,
                  believed_until, fetch_problem, created_at, used_at, disabled_at,
                  client_acts(holder_id, disabled_at) AS "acts!"
           FROM client WHERE client_id = $1"#,
        client_id
    )
    .fetch_optional(conn)
    .await
}

/// Holds a client that may act, until the transaction ends; false when it may not, or its keys were changed meanwhile.
pub async fn hold(conn: &mut PgConnection, client_id: Uuid, keys_version: i64) -> Result<bool, sqlx::Error> {
    let held = sqlx::query_scalar!(
        "SELECT client_id FROM client
         WHERE client_id = $1 AND keys_version = $2 AND client_acts(holder_id, disabled_at)
         FOR NO KEY UPDATE",
        client_id,
        keys_version
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// The clients after the given time and id, newest first: of one holder, or of everybody.
pub async fn list(
    conn: &mut PgConnection,
    holder_id: Option<Uuid>,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Client>, sqlx::Error> {
    sqlx::query_as!(
        Client,
        r#"SELECT client_id, holder_id, name, purpose, contact, scopes, jwks_url, keys_version, fetched_at, stale_at,
                  believed_until, fetch_problem, created_at, used_at, disabled_at,
                  client_acts(holder_id, disabled_at) AS "acts!"
           FROM client
           WHERE ($1::uuid IS NULL OR holder_id = $1) AND (created_at, client_id) < ($2, $3)
           ORDER BY created_at DESC, client_id DESC LIMIT $4"#,
        holder_id,
        before.0.to_sqlx(),
        before.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The keys of clients, in the order of their ids.
pub async fn keys(conn: &mut PgConnection, client_ids: &[Uuid]) -> Result<Vec<Key>, sqlx::Error> {
    sqlx::query_as!(
        Key,
        "SELECT client_id, key_id, jwk FROM client_key WHERE client_id = ANY($1) ORDER BY client_id, key_id",
        client_ids
    )
    .fetch_all(conn)
    .await
}

/// How many clients somebody holds that are not disabled.
pub async fn count_living(conn: &mut PgConnection, holder_id: Option<Uuid>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM client
           WHERE holder_id IS NOT DISTINCT FROM $1 AND disabled_at IS NULL"#,
        holder_id
    )
    .fetch_one(conn)
    .await
}

/// Says where a client's keys are from now on, and counts the change; false when it is disabled.
pub async fn change_keys(
    conn: &mut PgConnection,
    client_id: Uuid,
    published: Option<Published<'_>>,
) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query!(
        "UPDATE client SET jwks_url = $2, fetched_at = $3, stale_at = $4, believed_until = $5, fetch_from = $6,
                           fetch_problem = NULL, keys_version = keys_version + 1
         WHERE client_id = $1 AND disabled_at IS NULL",
        client_id,
        published.map(|published| published.jwks_url),
        published.map(|published| published.fetched_at.to_sqlx()) as _,
        published.map(|published| published.stale_at.to_sqlx()) as _,
        published.map(|published| published.believed_until.to_sqlx()) as _,
        published.map(|published| published.fetch_from.to_sqlx()) as _,
    )
    .execute(conn)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Holds the clients of somebody that are not disabled, and returns them.
pub async fn hold_living(conn: &mut PgConnection, holder_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT client_id FROM client WHERE holder_id = $1 AND disabled_at IS NULL
         ORDER BY client_id FOR NO KEY UPDATE",
        holder_id
    )
    .fetch_all(conn)
    .await
}

/// Disables a client; false when it is already.
pub async fn disable(conn: &mut PgConnection, client_id: Uuid, now: Timestamp) -> Result<bool, sqlx::Error> {
    let disabled = sqlx::query!(
        "UPDATE client SET disabled_at = $2 WHERE client_id = $1 AND disabled_at IS NULL",
        client_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(disabled.rows_affected() == 1)
}

/// Claims the next fetch of a client's keys, for whoever is first; nobody fetches again before `fetch_from`.
pub async fn claim_fetch(
    conn: &mut PgConnection,
    client_id: Uuid,
    keys_version: i64,
    now: Timestamp,
    fetch_from: Timestamp,
) -> Result<bool, sqlx::Error> {
    let claimed = sqlx::query!(
        "UPDATE client SET fetch_from = $4
         WHERE client_id = $1 AND keys_version = $2 AND disabled_at IS NULL AND fetch_from <= $3",
        client_id,
        keys_version,
        now.to_sqlx(),
        fetch_from.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// Notes that keys were fetched; false when their holder changed them meanwhile.
pub async fn note_fetched(
    conn: &mut PgConnection,
    client_id: Uuid,
    keys_version: i64,
    published: Published<'_>,
) -> Result<bool, sqlx::Error> {
    let noted = sqlx::query!(
        "UPDATE client SET fetched_at = $3, stale_at = $4, believed_until = $5, fetch_problem = NULL
         WHERE client_id = $1 AND keys_version = $2",
        client_id,
        keys_version,
        published.fetched_at.to_sqlx(),
        published.stale_at.to_sqlx(),
        published.believed_until.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes why keys could not be fetched.
pub async fn note_problem(
    conn: &mut PgConnection,
    client_id: Uuid,
    keys_version: i64,
    problem: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE client SET fetch_problem = $3
         WHERE client_id = $1 AND keys_version = $2 AND jwks_url IS NOT NULL",
        client_id,
        keys_version,
        problem
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a client got a token, at most once an hour.
pub async fn note_use(conn: &mut PgConnection, client_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE client SET used_at = $2 WHERE client_id = $1 AND (used_at IS NULL OR used_at < $3)",
        client_id,
        now.to_sqlx(),
        (now - SignedDuration::from_hours(1)).to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}
