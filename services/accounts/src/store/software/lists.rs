//! Software and the consents to it, as members, software itself and events see them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Software that something can be opened to.
pub struct Offered {
    /// The client.
    pub client_id: Uuid,
    /// Its name.
    pub name: String,
    /// What it reads for.
    pub purpose: String,
    /// Whom to ask about it, sealed.
    pub contact: Vec<u8>,
    /// The most that its tokens may be used for.
    pub scopes: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The counselor whose it is; none for one of the house.
    pub counselor_id: Option<Uuid>,
    /// The counselor's name, sealed under theirs.
    pub counselor_name: Option<Vec<u8>>,
    /// The member's active care by them.
    pub care_id: Option<Uuid>,
}

/// For whom software is listed, and which.
pub struct Openable {
    /// The member.
    pub member_id: Uuid,
    /// This one alone.
    pub client_id: Option<Uuid>,
}

/// The software that a member can open something to, registered before the given time and id, newest first: that of the house,
/// and that of counselors in whose active care they are, who may act for them, and where neither keeps the other away.
pub async fn openable(
    conn: &mut PgConnection,
    of: &Openable,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Offered>, sqlx::Error> {
    sqlx::query_as!(
        Offered,
        r#"SELECT c.client_id, c.name, c.purpose, c.contact, c.scopes, c.created_at, c.holder_id AS counselor_id,
                  o.name AS "counselor_name?", b.care_id AS "care_id?"
           FROM client c
           LEFT JOIN care b ON b.counselor_id = c.holder_id AND b.member_id = $1 AND b.state = 'active'
           LEFT JOIN counselor o ON o.account_id = c.holder_id
           WHERE client_acts(c.holder_id, c.disabled_at)
             AND (c.holder_id IS NULL OR software_care_holds(b.care_id, $1, c.holder_id, $5))
             AND (c.created_at, c.client_id) < ($3, $4) AND ($2::uuid IS NULL OR c.client_id = $2)
           ORDER BY c.created_at DESC, c.client_id DESC LIMIT $6"#,
        of.member_id,
        of.client_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(conn)
    .await
}

/// A consent as its owner sees it.
pub struct Mine {
    /// The consent.
    pub consent_id: Uuid,
    /// The client.
    pub client_id: Uuid,
    /// Its name, what it reads for and whom to ask, as far as it is known still.
    pub name: Option<String>,
    /// What it reads for.
    pub about: Option<String>,
    /// Whom to ask about it, sealed.
    pub contact: Option<Vec<u8>>,
    /// The care it belongs to, where the client is a counselor's.
    pub care_id: Option<Uuid>,
    /// That counselor.
    pub counselor_id: Option<Uuid>,
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
    /// Whether the client may act, the care holds where it is a counselor's, and the owner is not suspended.
    pub holds: bool,
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
        r#"SELECT k.consent_id, k.client_id, c.name AS "name?", c.purpose AS "about?", c.contact AS "contact?", k.care_id,
                  k.counselor_id, o.name AS "counselor_name?", k.scope, k.item_id, k.purpose, k.text_id, k.text_version,
                  k.text_locale, k.granted_at, k.expires_at, k.ended_at, k.ended_by,
                  COALESCE(c.client_id IS NOT NULL AND client_acts(c.holder_id, c.disabled_at)
                           AND (k.care_id IS NULL OR software_care_holds(k.care_id, k.owner_id, c.holder_id, $4))
                           AND NOT account_suspended(k.owner_id, $4),
                           false) AS "holds!"
           FROM software_consent k
           LEFT JOIN client c ON c.client_id = k.client_id
           LEFT JOIN counselor o ON o.account_id = k.counselor_id
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

/// What is open to a client.
pub struct Granted {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
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

/// What of all scopes, and of single items of which scopes, a token reaches.
pub struct Reached<'a> {
    /// The scopes of which all can be read.
    pub whole: &'a [i32],
    /// The scopes of which one item can be read.
    pub single: &'a [i32],
}

/// What is open to a client at a moment and within reach, opened before the given time and id, newest first.
pub async fn granted(
    conn: &mut PgConnection,
    client_id: Uuid,
    reached: &Reached<'_>,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Granted>, sqlx::Error> {
    sqlx::query_as!(
        Granted,
        "SELECT k.consent_id, k.owner_id, k.scope, k.item_id, k.purpose, k.granted_at, k.expires_at
         FROM software_consent k JOIN client c ON c.client_id = k.client_id AND client_acts(c.holder_id, c.disabled_at)
         WHERE k.client_id = $1 AND (k.granted_at, k.consent_id) < ($2, $3)
           AND k.ended_at IS NULL AND k.expires_at > $4
           AND CASE WHEN k.item_id IS NULL THEN k.scope = ANY($5) ELSE k.scope = ANY($6) END
           AND (k.care_id IS NULL OR software_care_holds(k.care_id, k.owner_id, c.holder_id, $4))
           AND NOT account_suspended(k.owner_id, $4)
         ORDER BY k.granted_at DESC, k.consent_id DESC LIMIT $7",
        client_id,
        before.0.to_sqlx(),
        before.1,
        now.to_sqlx() as _,
        reached.whole,
        reached.single,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many consents to each of some clients are open at a moment.
pub async fn count_open_to(
    conn: &mut PgConnection,
    client_ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<(Uuid, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.client_id, count(*) AS "count!"
           FROM software_consent k JOIN client c ON c.client_id = k.client_id AND client_acts(c.holder_id, c.disabled_at)
           WHERE k.client_id = ANY($1) AND k.ended_at IS NULL AND k.expires_at > $2
             AND (k.care_id IS NULL OR software_care_holds(k.care_id, k.owner_id, c.holder_id, $2))
             AND NOT account_suspended(k.owner_id, $2)
           GROUP BY k.client_id"#,
        client_ids,
        now.to_sqlx() as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.client_id, row.count)).collect())
}

/// The state an event tells of.
pub struct State {
    /// The consent.
    pub consent_id: Uuid,
    /// Whose data.
    pub owner_id: Uuid,
    /// Who may read it.
    pub client_id: Uuid,
    /// The care it belongs to, where the client is a counselor's.
    pub care_id: Option<Uuid>,
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

/// Consents after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        "SELECT consent_id, owner_id, client_id, care_id, scope, item_id, purpose, text_id, text_version, granted_at,
                expires_at, ended_at
         FROM software_consent WHERE consent_id > $1 ORDER BY consent_id LIMIT $2",
        after,
        limit
    )
    .fetch_all(conn)
    .await
}
