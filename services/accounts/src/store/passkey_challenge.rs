//! `passkey_challenge`: what devices were asked and have not answered yet.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a device is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To become a passkey of somebody who is signed in.
    Register,
    /// To sign somebody in, or to finish half a sign-in.
    SignIn,
    /// To prove again, in a session, who it is.
    StepUp,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
            Self::StepUp => "step_up",
        }
    }
}

/// A challenge as it is kept.
pub struct NewChallenge<'a> {
    /// The hash of what its bearer holds.
    pub token_hash: &'a [u8; 32],
    /// Becomes the passkey's id where one is made.
    pub challenge_id: Uuid,
    /// What for.
    pub purpose: Purpose,
    /// Whose passkey has to answer; nobody's in particular where there is none.
    pub account_id: Option<Uuid>,
    /// In which session, if in one.
    pub session_id: Option<Uuid>,
    /// The half of a sign-in that the answer finishes.
    pub pending_hash: Option<&'a [u8; 32]>,
    /// What the answer is checked against, sealed.
    pub state: &'a [u8],
    /// What a new passkey will be called, sealed.
    pub name: Option<&'a [u8]>,
    /// It is good until then.
    pub expires_at: Timestamp,
}

/// A challenge that was answered.
pub struct Taken {
    /// Becomes the passkey's id where one is made.
    pub challenge_id: Uuid,
    /// Whose passkey has to answer.
    pub account_id: Option<Uuid>,
    /// In which session.
    pub session_id: Option<Uuid>,
    /// The half of a sign-in that the answer finishes.
    pub pending_hash: Option<Vec<u8>>,
    /// What the answer is checked against, sealed.
    pub state: Vec<u8>,
    /// What a new passkey will be called, sealed.
    pub name: Option<Vec<u8>>,
}

/// Keeps a challenge. In a session it takes the place of one for the same.
pub async fn insert(conn: &mut PgConnection, new: &NewChallenge<'_>) -> Result<(), sqlx::Error> {
    if let Some(account_id) = new.account_id {
        sqlx::query!(
            "DELETE FROM passkey_challenge WHERE account_id = $1 AND session_id = $2 AND purpose = $3",
            account_id,
            new.session_id,
            new.purpose.as_str()
        )
        .execute(&mut *conn)
        .await?;
    }
    sqlx::query!(
        "INSERT INTO passkey_challenge (token_hash, challenge_id, purpose, account_id, session_id, pending_hash, state,
                                        name, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &new.token_hash[..],
        new.challenge_id,
        new.purpose.as_str(),
        new.account_id,
        new.session_id,
        new.pending_hash.map(|hash| &hash[..]),
        new.state,
        new.name,
        new.expires_at.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a challenge up: of many who answer it one gets it, whatever the answer is.
pub async fn take(
    conn: &mut PgConnection,
    token_hash: &[u8; 32],
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Taken>, sqlx::Error> {
    sqlx::query_as!(
        Taken,
        "DELETE FROM passkey_challenge WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
         RETURNING challenge_id, account_id, session_id, pending_hash, state, name",
        &token_hash[..],
        purpose.as_str(),
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// Removes those that are too old.
pub async fn sweep(conn: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM passkey_challenge WHERE token_hash IN
             (SELECT token_hash FROM passkey_challenge WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
