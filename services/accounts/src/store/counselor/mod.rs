//! `counselor` and `counselor_licence`: what counselors and applicants say, and what was decided.

mod decision;
mod directory;

pub use decision::{check_licences, drop_unchecked, expired, refuse, set_kind, suspend, verify};
pub use directory::{Sought, decided, find_listed, licences_that_hold, listed, state, states_after, waiting};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What somebody says of themself, as stored.
pub struct Stored {
    /// The account.
    pub account_id: Uuid,
    /// How they stand.
    pub state: String,
    /// It grows with every change.
    pub revision: i32,
    /// The name, sealed.
    pub name: Vec<u8>,
    /// How they work, sealed.
    pub approach: Vec<u8>,
    /// The languages they work in.
    pub languages: Vec<String>,
    /// What they work with most.
    pub specialties: Vec<i32>,
    /// Whether they take on new people.
    pub accepts_clients: bool,
    /// When it was submitted last.
    pub submitted_at: Timestamp,
    /// Since when something waits for an operator.
    pub review_since: Option<jiff_sqlx::Timestamp>,
    /// Since when they are a counselor.
    pub verified_at: Option<jiff_sqlx::Timestamp>,
    /// When was decided last.
    pub decided_at: Option<jiff_sqlx::Timestamp>,
    /// Whether they are suspended because no licence holds.
    pub expired: bool,
    /// Why they were refused or suspended, sealed.
    pub reason: Option<Vec<u8>>,
    /// Whether they are off the list of counselors because they wanted everything of theirs destroyed.
    pub unlisted: bool,
}

/// How somebody stands who is a counselor or was.
pub struct State {
    /// The account.
    pub account_id: Uuid,
    /// It grows with every change.
    pub revision: i32,
    /// Since when they are a counselor; none while they are none.
    pub verified_at: Option<jiff_sqlx::Timestamp>,
    /// When was decided last.
    pub decided_at: Timestamp,
}

/// A licence as stored.
pub struct StoredLicence {
    /// Whose.
    pub account_id: Uuid,
    /// The licence.
    pub licence_id: Uuid,
    /// What it is called, sealed.
    pub title: Vec<u8>,
    /// Where it holds.
    pub jurisdiction: String,
    /// Its number, sealed.
    pub number: Vec<u8>,
    /// Where it can be looked up, sealed.
    pub look_up: Vec<u8>,
    /// The first moment at which it does not hold any more.
    pub valid_until: Timestamp,
    /// When an operator checked it.
    pub checked_at: Option<jiff_sqlx::Timestamp>,
}

/// What somebody says of themself, as it is kept.
pub struct NewCounselor<'a> {
    /// The account.
    pub account_id: Uuid,
    /// How they stand.
    pub state: &'a str,
    /// The name, sealed.
    pub name: &'a [u8],
    /// How they work, sealed.
    pub approach: &'a [u8],
    /// The languages they work in.
    pub languages: &'a [String],
    /// What they work with most.
    pub specialties: &'a [i32],
    /// Whether they take on new people.
    pub accepts_clients: bool,
    /// Whether something waits for an operator.
    pub wants_review: bool,
}

/// A licence as it is kept.
pub struct NewLicence {
    /// The licence.
    pub licence_id: Uuid,
    /// What it is called, sealed.
    pub title: Vec<u8>,
    /// Where it holds.
    pub jurisdiction: String,
    /// Its number, sealed.
    pub number: Vec<u8>,
    /// Where it can be looked up, sealed.
    pub look_up: Vec<u8>,
    /// The first moment at which it does not hold any more.
    pub valid_until: Timestamp,
    /// When an operator checked it.
    pub checked_at: Option<Timestamp>,
}

/// What somebody said of themself, if they did.
pub async fn find(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT account_id, state, revision, name, approach, languages, specialties, accepts_clients, submitted_at,
                review_since, verified_at, decided_at, expired, reason, unlisted
         FROM counselor WHERE account_id = $1",
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// Whether the account is one for a practice: it applied, whatever came of that.
pub async fn keeps_practice(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM counselor WHERE account_id = $1) AS "keeps!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// Whether somebody is linked, in a circle, their own or another's, or in a counselor's care.
pub async fn has_ties(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM couple_member WHERE account_id = $1)
               OR EXISTS (SELECT FROM circle_member WHERE host_id = $1 OR guest_id = $1)
               OR EXISTS (SELECT FROM care WHERE member_id = $1 AND state IN ('asked', 'active')) AS "has!""#,
        account_id
    )
    .fetch_one(conn)
    .await
}

/// The licences of somebody, in the order in which they said them.
pub async fn licences(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<StoredLicence>, sqlx::Error> {
    sqlx::query_as!(
        StoredLicence,
        "SELECT account_id, licence_id, title, jurisdiction, number, look_up, valid_until, checked_at
         FROM counselor_licence WHERE account_id = $1 ORDER BY position",
        account_id
    )
    .fetch_all(conn)
    .await
}

/// Keeps what somebody says for the first time; false when they did already.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewCounselor<'_>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "INSERT INTO counselor (account_id, state, revision, name, approach, languages, specialties, accepts_clients,
                                submitted_at, review_since)
         VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, CASE WHEN $9 THEN $8::timestamptz END)
         ON CONFLICT DO NOTHING",
        new.account_id,
        new.state,
        new.name,
        new.approach,
        new.languages,
        new.specialties,
        new.accepts_clients,
        now.to_sqlx(),
        new.wants_review,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Keeps what somebody says in the place of what they said before; false when that is not of the known revision any more.
/// What waits for an operator already goes on waiting since then.
pub async fn replace(
    conn: &mut PgConnection,
    new: &NewCounselor<'_>,
    known_revision: i32,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let kept = sqlx::query!(
        "UPDATE counselor
         SET state = $2, revision = revision + 1, name = $3, approach = $4, languages = $5, specialties = $6,
             accepts_clients = $7, submitted_at = $8,
             review_since = CASE WHEN $9 THEN COALESCE(review_since, $8::timestamptz) END
         WHERE account_id = $1 AND revision = $10",
        new.account_id,
        new.state,
        new.name,
        new.approach,
        new.languages,
        new.specialties,
        new.accepts_clients,
        now.to_sqlx(),
        new.wants_review,
        known_revision,
    )
    .execute(conn)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// Puts licences in the place of those before.
pub async fn replace_licences(
    conn: &mut PgConnection,
    account_id: Uuid,
    licences: &[NewLicence],
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM counselor_licence WHERE account_id = $1", account_id)
        .execute(&mut *conn)
        .await?;
    for (position, licence) in (0i32..).zip(licences) {
        sqlx::query!(
            "INSERT INTO counselor_licence (licence_id, account_id, position, title, jurisdiction, number, look_up,
                                            valid_until, checked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            licence.licence_id,
            account_id,
            position,
            licence.title,
            licence.jurisdiction,
            licence.number,
            licence.look_up,
            licence.valid_until.to_sqlx(),
            licence.checked_at.map(|at| at.to_sqlx()) as _,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Says whether a counselor takes on new people, which puts them on the list again; false when there is no such counselor.
pub async fn set_availability(
    conn: &mut PgConnection,
    account_id: Uuid,
    accepts_clients: bool,
) -> Result<bool, sqlx::Error> {
    let said = sqlx::query!(
        "UPDATE counselor SET accepts_clients = $2, unlisted = false WHERE account_id = $1",
        account_id,
        accepts_clients
    )
    .execute(conn)
    .await?;
    Ok(said.rows_affected() == 1)
}

/// Takes somebody off the list of counselors; of whoever never applied there is nothing to take.
pub async fn unlist(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE counselor SET unlisted = true WHERE account_id = $1", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes what somebody said who is no counselor and was not suspended; false when there is nothing of the kind.
pub async fn withdraw(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM counselor WHERE account_id = $1 AND state IN ('applied', 'refused')",
        account_id
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected() == 1)
}
