//! Lists of counselors: whom members find, and what operators decide on.

use super::{State, Stored, StoredLicence};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Which counselors are sought.
#[derive(Default)]
pub struct Sought {
    /// Those who work with this.
    pub specialty: Option<i32>,
    /// Those who work in this language.
    pub language: Option<String>,
    /// Those with a licence of one of these places.
    pub places: Option<Vec<String>>,
    /// Those alone who take on new people.
    pub accepting: bool,
}

/// The counselors before the given time and id whom members find, latest first.
pub async fn listed(
    conn: &mut PgConnection,
    sought: &Sought,
    before: (Timestamp, Uuid),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT account_id, state, revision, name, approach, languages, specialties, accepts_clients, submitted_at,
                review_since, verified_at, decided_at, expired, reason, unlisted
         FROM counselor c
         WHERE state = 'verified' AND NOT unlisted AND (verified_at, account_id) < ($1, $2)
           AND ($3::integer IS NULL OR specialties @> ARRAY[$3])
           AND ($4::text IS NULL OR languages @> ARRAY[$4])
           AND ($5 OR accepts_clients)
           AND EXISTS (SELECT FROM counselor_licence l
                       WHERE l.account_id = c.account_id AND l.checked_at IS NOT NULL AND l.valid_until > $6
                         AND ($7::text[] IS NULL OR l.jurisdiction = ANY($7)))
         ORDER BY verified_at DESC, account_id DESC LIMIT $8",
        before.0.to_sqlx(),
        before.1,
        sought.specialty,
        sought.language.as_deref(),
        !sought.accepting,
        now.to_sqlx(),
        sought.places.as_deref(),
        limit
    )
    .fetch_all(conn)
    .await
}

/// One counselor whom members find.
pub async fn find_listed(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: Timestamp,
) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT account_id, state, revision, name, approach, languages, specialties, accepts_clients, submitted_at,
                review_since, verified_at, decided_at, expired, reason, unlisted
         FROM counselor c
         WHERE account_id = $1 AND state = 'verified' AND NOT unlisted
           AND EXISTS (SELECT FROM counselor_licence l
                       WHERE l.account_id = c.account_id AND l.checked_at IS NOT NULL AND l.valid_until > $2)",
        account_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// The licences of counselors that were checked and hold.
pub async fn licences_that_hold(
    conn: &mut PgConnection,
    account_ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<StoredLicence>, sqlx::Error> {
    sqlx::query_as!(
        StoredLicence,
        "SELECT account_id, licence_id, title, jurisdiction, number, look_up, valid_until, checked_at
         FROM counselor_licence
         WHERE account_id = ANY($1) AND checked_at IS NOT NULL AND valid_until > $2
         ORDER BY account_id, position",
        account_ids,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// What waits for an operator after the given time and id, longest first.
pub async fn waiting(
    conn: &mut PgConnection,
    after: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT account_id, state, revision, name, approach, languages, specialties, accepts_clients, submitted_at,
                review_since, verified_at, decided_at, expired, reason, unlisted
         FROM counselor WHERE review_since IS NOT NULL AND (review_since, account_id) > ($1, $2)
         ORDER BY review_since, account_id LIMIT $3",
        after.0.to_sqlx(),
        after.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Those of one standing before the given time and id, on whom was decided last first.
pub async fn decided(
    conn: &mut PgConnection,
    state: &str,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT account_id, state, revision, name, approach, languages, specialties, accepts_clients, submitted_at,
                review_since, verified_at, decided_at, expired, reason, unlisted
         FROM counselor WHERE state = $1 AND decided_at IS NOT NULL AND (decided_at, account_id) < ($2, $3)
         ORDER BY decided_at DESC, account_id DESC LIMIT $4",
        state,
        before.0.to_sqlx(),
        before.1,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Who is a counselor, or was, after the given one, in the order of their ids, as events would tell of them.
pub async fn states_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        r#"SELECT account_id, revision, verified_at, decided_at AS "decided_at!" FROM counselor
           WHERE account_id > $1 AND state IN ('verified', 'suspended') AND decided_at IS NOT NULL
           ORDER BY account_id LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How somebody stands who is a counselor or was, as an event would tell of it.
pub async fn state(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<State>, sqlx::Error> {
    sqlx::query_as!(
        State,
        r#"SELECT account_id, revision, verified_at, decided_at AS "decided_at!" FROM counselor
           WHERE account_id = $1 AND state IN ('verified', 'suspended') AND decided_at IS NOT NULL"#,
        account_id
    )
    .fetch_optional(conn)
    .await
}
