//! Consents as each of the two sees them, and as events tell of them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A consent as its owner sees it.
pub struct Mine {
    /// The consent.
    pub consent_id: Uuid,
    /// The care it belongs to.
    pub care_id: Uuid,
    /// Who may read.
    pub counselor_id: Uuid,
    /// The counselor's name, sealed under theirs.
    pub counselor_name: Option<Vec<u8>>,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The words that were agreed to.
    pub text_id: String,
    /// Their version.
    pub text_version: i32,
    /// In which language they were read.
    pub text_locale: String,
    /// When it was opened.
    pub granted_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended before that.
    pub ended_at: Option<jiff_sqlx::Timestamp>,
    /// How.
    pub ended_by: Option<String>,
    /// Whether care is active, the counselor may act for the owner, neither keeps the other away, and the owner is not suspended.
    pub holds: bool,
}

/// What is open to a counselor.
pub struct Granted {
    /// The consent.
    pub consent_id: Uuid,
    /// The care it belongs to.
    pub care_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// The owner's name, sealed under their key.
    pub member_name: Vec<u8>,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// Since when.
    pub granted_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// The state an event tells of.
pub struct State {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who may read it.
    pub counselor_id: Uuid,
    /// The care it belongs to.
    pub care_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The words that were agreed to.
    pub text_id: String,
    /// Their version.
    pub text_version: i32,
    /// When it was opened.
    pub granted_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended before that.
    pub ended_at: Option<jiff_sqlx::Timestamp>,
}

/// Which of an owner's consents.
#[derive(Default)]
pub struct Of {
    /// Whose.
    pub owner_id: Uuid,
    /// These alone; all where there are none.
    pub consent_ids: Vec<Uuid>,
    /// Those of one care alone.
    pub care_id: Option<Uuid>,
    /// Those that are not over alone.
    pub open_only: bool,
    /// Those that are over alone.
    pub over_only: bool,
}

/// An owner's consents before the given time and id, newest first.
pub async fn mine(
    conn: &mut PgConnection,
    of: &Of,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Mine>, sqlx::Error> {
    sqlx::query_as!(
        Mine,
        r#"SELECT k.consent_id, k.care_id, k.counselor_id, o.name AS "counselor_name?", k.scope, k.item_id, k.purpose,
                  k.text_id, k.text_version, k.text_locale, k.granted_at, k.expires_at, k.ended_at, k.ended_by,
                  COALESCE(c.state = 'active' AND care_licensed(c.counselor_id, c.jurisdiction, $4)
                           AND NOT care_kept_away(c.counselor_id, c.member_id, $4)
                           AND NOT care_kept_away(c.member_id, c.counselor_id, $4)
                           AND NOT account_suspended(c.member_id, $4), false) AS "holds!"
           FROM consent k
           LEFT JOIN counselor o ON o.account_id = k.counselor_id
           LEFT JOIN care c ON c.care_id = k.care_id
           WHERE k.owner_id = $1 AND (k.granted_at, k.consent_id) < ($2, $3)
             AND (cardinality($5::uuid[]) = 0 OR k.consent_id = ANY($5))
             AND ($6::uuid IS NULL OR k.care_id = $6)
             AND (NOT $7 OR k.ended_at IS NULL AND k.expires_at > $4)
             AND (NOT $8 OR k.ended_at IS NOT NULL OR k.expires_at <= $4)
           ORDER BY k.granted_at DESC, k.consent_id DESC LIMIT $9"#,
        of.owner_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        &of.consent_ids,
        of.care_id,
        of.open_only,
        of.over_only,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What is open to a counselor at a moment, opened before the given time and id, newest first: under care that is active, of
/// people they may act for whose accounts are not suspended, where neither keeps the other away.
pub async fn granted(
    conn: &mut PgConnection,
    counselor_id: Uuid,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Granted>, sqlx::Error> {
    sqlx::query_as!(
        Granted,
        r#"SELECT k.consent_id, k.care_id, k.owner_id, c.member_name AS "member_name!", k.scope, k.item_id, k.purpose,
                  k.granted_at, k.expires_at
           FROM consent k JOIN care c ON c.care_id = k.care_id AND c.state = 'active'
           WHERE k.counselor_id = $1 AND (k.granted_at, k.consent_id) < ($2, $3)
             AND k.ended_at IS NULL AND k.expires_at > $4 AND care_licensed(c.counselor_id, c.jurisdiction, $4)
             AND NOT care_kept_away(c.counselor_id, c.member_id, $4) AND NOT care_kept_away(c.member_id, c.counselor_id, $4)
             AND NOT account_suspended(c.member_id, $4)
           ORDER BY k.granted_at DESC, k.consent_id DESC LIMIT $5"#,
        counselor_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Consents after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        "SELECT consent_id, owner_id, counselor_id, care_id, scope, item_id, purpose, text_id, text_version, granted_at,
                expires_at, ended_at
         FROM consent WHERE consent_id > $1 ORDER BY consent_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
