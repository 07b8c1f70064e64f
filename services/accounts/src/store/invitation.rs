//! `invitation` and `invitation_decline`.

use crate::domain::{InvitationKind, Standing};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// An invitation as it is made.
pub struct NewInvitation<'a> {
    /// Its id.
    pub invitation_id: Uuid,
    /// Whoever invites.
    pub inviter_id: Uuid,
    /// The hash of its code.
    pub code_hash: &'a [u8; 32],
    /// What the invited person reads as the inviter's name, sealed.
    pub own_name: &'a [u8],
    /// What to.
    pub kind: InvitationKind,
    /// What the inviter calls whom they invite to their circle, sealed.
    pub called: Option<&'a [u8]>,
    /// Why they trust them, sealed.
    pub reason: Option<&'a [u8]>,
    /// When its time is over.
    pub expires_at: Timestamp,
}

/// The invitation of a code.
pub struct Found {
    /// Its id.
    pub invitation_id: Uuid,
    /// The inviter's name, sealed.
    pub own_name: Vec<u8>,
    /// What the inviter calls whom they invite to their circle, sealed.
    pub called: Option<Vec<u8>>,
    /// Why they trust them, sealed.
    pub reason: Option<Vec<u8>>,
    /// How it stands.
    pub standing: Standing,
}

/// An invitation as whoever invites sees it.
pub struct Open {
    /// Its id.
    pub invitation_id: Uuid,
    /// When its time is over.
    pub expires_at: Timestamp,
}

/// An invitation to a circle as whoever invites sees it.
pub struct OpenToCircle {
    /// Its id.
    pub invitation_id: Uuid,
    /// What they call whom it is for, sealed.
    pub called: Vec<u8>,
    /// When its time is over.
    pub expires_at: Timestamp,
}

/// Keeps a new invitation.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewInvitation<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO invitation (invitation_id, inviter_id, code_hash, own_name, created_at, expires_at, kind, called,
                                 reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.invitation_id,
        new.inviter_id,
        &new.code_hash[..],
        new.own_name,
        now.to_sqlx(),
        new.expires_at.to_sqlx(),
        new.kind.as_str(),
        new.called,
        new.reason,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends whatever invitations to link of these people have not ended.
pub async fn end(conn: &mut PgConnection, inviters: &[Uuid], now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE invitation SET ended_at = $2 WHERE inviter_id = ANY($1) AND ended_at IS NULL AND kind = 'couple'",
        inviters,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends every invitation of somebody, to link or to their circle.
pub async fn end_every(conn: &mut PgConnection, inviter_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE invitation SET ended_at = $2 WHERE inviter_id = $1 AND ended_at IS NULL",
        inviter_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends one invitation to somebody's circle, if it has not ended.
pub async fn end_to_circle(
    conn: &mut PgConnection,
    inviter_id: Uuid,
    invitation_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE invitation SET ended_at = $3
         WHERE inviter_id = $1 AND invitation_id = $2 AND ended_at IS NULL AND kind = 'circle'",
        inviter_id,
        invitation_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The open invitations to somebody's circle, oldest first: what anybody said to them is not looked at.
pub async fn open_to_circle(
    conn: &mut PgConnection,
    inviter_id: Uuid,
    now: Timestamp,
) -> Result<Vec<OpenToCircle>, sqlx::Error> {
    sqlx::query_as!(
        OpenToCircle,
        r#"SELECT invitation_id, called AS "called!", expires_at FROM invitation
           WHERE inviter_id = $1 AND kind = 'circle' AND ended_at IS NULL AND expires_at > $2
           ORDER BY invitation_id"#,
        inviter_id,
        now.to_sqlx()
    )
    .fetch_all(conn)
    .await
}

/// The open invitation to link of somebody as they see it: what anybody said to it is not looked at.
pub async fn open_of(
    conn: &mut PgConnection,
    inviter_id: Uuid,
    now: Timestamp,
) -> Result<Option<Open>, sqlx::Error> {
    sqlx::query_as!(
        Open,
        "SELECT invitation_id, expires_at FROM invitation
         WHERE inviter_id = $1 AND kind = 'couple' AND ended_at IS NULL AND expires_at > $2",
        inviter_id,
        now.to_sqlx()
    )
    .fetch_optional(conn)
    .await
}

/// The invitation of a code, however it stands.
pub async fn find(conn: &mut PgConnection, code_hash: &[u8; 32]) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT invitation_id, inviter_id, own_name, expires_at, kind, called, reason,
                  ended_at IS NOT NULL AS "has_ended!",
                  EXISTS (SELECT FROM couple_member m WHERE m.account_id = inviter_id) AS "inviter_is_linked!"
           FROM invitation WHERE code_hash = $1"#,
        &code_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind = InvitationKind::stored(&row.kind);
    Ok(Some(Found {
        invitation_id: row.invitation_id,
        own_name: row.own_name,
        called: row.called,
        reason: row.reason,
        standing: Standing {
            kind: kind.ok_or_else(|| sqlx::Error::Decode("an invitation of no kind".into()))?,
            inviter_id: row.inviter_id,
            expires_at: row.expires_at.to_jiff(),
            has_ended: row.has_ended,
            inviter_is_linked: row.inviter_is_linked,
        },
    }))
}

/// Notes that somebody else than whoever made a code said no to it.
pub async fn decline(
    conn: &mut PgConnection,
    account_id: Uuid,
    code_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO invitation_decline (account_id, invitation_id, declined_at)
         SELECT $1, invitation_id, $3 FROM invitation WHERE code_hash = $2 AND inviter_id <> $1
         ON CONFLICT DO NOTHING",
        account_id,
        &code_hash[..],
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether somebody said no to an invitation, or keeps whoever made it away.
pub async fn has_said_no(
    conn: &mut PgConnection,
    account_id: Uuid,
    found: &Found,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM invitation_decline WHERE account_id = $1 AND invitation_id = $2)
               OR EXISTS (SELECT FROM invitation_block
                          WHERE blocker_id = $1 AND blocked_id = $3 AND (until IS NULL OR until > $4)) AS "has!""#,
        account_id,
        found.invitation_id,
        found.standing.inviter_id,
        now.to_sqlx()
    )
    .fetch_one(conn)
    .await
}

/// Removes invitations whose time was over before the given one.
pub async fn sweep(conn: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM invitation WHERE invitation_id IN
             (SELECT invitation_id FROM invitation WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
