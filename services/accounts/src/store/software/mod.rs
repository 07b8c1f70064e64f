//! `software_consent`: what members opened to software. Whether one opens anything at a moment is asked in the statement of
//! [`open`].

mod ending;
mod lists;
mod opening;

pub use ending::{
    Ended, end_of_care, end_of_client, end_of_owner, raise_all, raise_of_counselor, raise_of_owner, replace,
    withdraw,
};
pub use lists::{
    Granted, Mine, Of, Offered, Openable, Reached, State, count_open_to, granted, mine, openable,
    states_after,
};
pub use opening::{Answer, Asked, open};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What is opened.
pub struct NewConsent<'a> {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who may read it.
    pub client_id: Uuid,
    /// The care it belongs to and the counselor, where the client is a counselor's.
    pub care: Option<(Uuid, Uuid)>,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The words that were agreed to.
    pub text_id: &'a str,
    /// Their version.
    pub text_version: i32,
    /// In which language they were read.
    pub text_locale: &'a str,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A client that is not disabled, held until the transaction ends.
pub struct Held {
    /// The counselor whose it is; none for one of the house.
    pub holder_id: Option<Uuid>,
    /// The most that its tokens may be used for.
    pub scopes: String,
}

/// Whose a client is that may act; `None` where there is no such client. Nothing is held.
pub async fn holder(conn: &mut PgConnection, client_id: Uuid) -> Result<Option<Option<Uuid>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT holder_id FROM client WHERE client_id = $1 AND client_acts(holder_id, disabled_at)",
        client_id
    )
    .fetch_optional(conn)
    .await
}

/// Holds a client that may act, so that nobody disables it meanwhile.
pub async fn hold(conn: &mut PgConnection, client_id: Uuid) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        "SELECT holder_id, scopes FROM client
         WHERE client_id = $1 AND client_acts(holder_id, disabled_at) FOR SHARE",
        client_id
    )
    .fetch_optional(conn)
    .await
}

/// How many consents to software of somebody's are open.
pub async fn count_open(conn: &mut PgConnection, owner_id: Uuid, now: Timestamp) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM software_consent
           WHERE owner_id = $1 AND ended_at IS NULL AND expires_at > $2"#,
        owner_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Keeps a consent.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewConsent<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO software_consent (consent_id, owner_id, client_id, care_id, counselor_id, scope, item_id, purpose,
                                       text_id, text_version, text_locale, granted_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        new.consent_id,
        new.owner_id,
        new.client_id,
        new.care.map(|(care_id, _)| care_id),
        new.care.map(|(_, counselor_id)| counselor_id),
        new.scope,
        new.item_id,
        new.purpose,
        new.text_id,
        new.text_version,
        new.text_locale,
        now.to_sqlx(),
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}
