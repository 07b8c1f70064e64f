//! The statement that opens a member's data to software. It is apart from the one for people ([`access::open`]): a client has
//! neither links nor a circle, and what people ask for is not to pay for what only software needs.
//!
//! [`access::open`]: crate::store::access::open

use crate::domain::{Grant, Pace, Purpose, Reach, Scope};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Who asks to open what.
pub struct Asked<'a> {
    /// What the client's turns are counted as.
    pub subject: &'a [u8; 32],
    /// The client.
    pub client_id: Uuid,
    /// Its token.
    pub token_id: Uuid,
    /// How far the token reaches.
    pub token: Reach,
    /// Whose data.
    pub owner_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The one item, or everything of the scope.
    pub item_id: Option<Uuid>,
    /// The number of the purpose.
    pub purpose: i32,
    /// The receipt to write.
    pub receipt_id: Uuid,
}

/// What was found, all of it at one moment.
pub struct Answer {
    /// Whether the client had a turn.
    pub has_turn: bool,
    /// Whether the token lives.
    pub has_token: bool,
    /// Whether the client may act.
    pub acts: bool,
    /// The most that its tokens may be used for.
    pub scopes: String,
    /// Whether it is the house's.
    pub of_house: bool,
    /// Whether the counselor whose it is may act for the owner, where there is active care that the consent rests on.
    pub licensed: Option<bool>,
    /// Whether one of those two keeps the other away.
    pub kept_apart: Option<bool>,
    /// Whether the owner's account is suspended.
    pub owner_suspended: bool,
    /// The consent that is nearest to what is wanted.
    pub grant: Option<Grant>,
    /// The access epoch of the owner and the client, where the statement foresaw a yes.
    pub epoch: Option<i64>,
    /// The receipt that was written.
    pub receipt_id: Option<Uuid>,
}

/// Takes a turn, looks whether the token lives, what the client is and what of the owner's is open to it, reads the epoch, and
/// writes the receipt if all of it is so: one statement, one moment, one commit. `None` where there is no such client.
///
/// What opens what is [`Tie::that_opens`](crate::domain::Tie::that_opens)'s to say; `yes` foresees it, so that nothing is
/// written for whoever is refused. The one consent is looked at that is nearest to what is wanted: for the one item rather
/// than for all, and the longest. Each opening has a receipt of its own, named by its microsecond, so that the ledger shows
/// every one of them.
pub async fn open(
    conn: &mut PgConnection,
    asked: &Asked<'_>,
    pace: Pace,
    now: Timestamp,
) -> Result<Option<Answer>, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH turn AS (
               INSERT INTO throttle (subject, free_at) VALUES ($1, $2)
               ON CONFLICT (subject) DO UPDATE
                   SET free_at = GREATEST(throttle.free_at, $3) + ($2::timestamptz - $3::timestamptz)
                   WHERE throttle.free_at <= $4
               RETURNING subject
           ), found AS MATERIALIZED (
               SELECT c.client_id, c.scopes, c.holder_id IS NULL AS of_house,
                      client_acts(c.holder_id, c.disabled_at) AS acts,
                      EXISTS (SELECT FROM client_token t
                              WHERE t.token_id = $6 AND t.client_id = c.client_id AND t.ended_at IS NULL
                                AND t.expires_at > $3) AS is_live,
                      (SELECT epoch FROM access_epoch e
                       WHERE e.owner_id = $7 AND e.reader_id = c.client_id) AS raised_to,
                      account_suspended($7, $3) AS owner_suspended,
                      care.licensed, care.kept_apart, k.*
               FROM client c
               LEFT JOIN LATERAL (
                   SELECT s.consent_id, s.care_id, s.scope, s.item_id, s.purpose, s.expires_at
                   FROM software_consent s
                   WHERE s.client_id = c.client_id AND s.owner_id = $7 AND s.counselor_id IS NOT DISTINCT FROM c.holder_id
                     AND s.scope = $8 AND (s.item_id IS NULL OR s.item_id = $9) AND ($10 = 0 OR s.purpose = $10)
                     AND s.ended_at IS NULL AND s.expires_at > $3
                   ORDER BY s.item_id IS NULL, s.expires_at DESC, s.consent_id LIMIT 1
               ) AS k ON true
               LEFT JOIN LATERAL (
                   SELECT care_licensed(b.counselor_id, b.jurisdiction, $3) AS licensed,
                          care_kept_away(b.counselor_id, b.member_id, $3)
                              OR care_kept_away(b.member_id, b.counselor_id, $3) AS kept_apart
                   FROM care b
                   WHERE b.care_id = k.care_id AND b.member_id = $7 AND b.counselor_id = c.holder_id
                     AND b.state = 'active'
               ) AS care ON true
               WHERE c.client_id = $5
           ), yes AS MATERIALIZED (
               SELECT consent_id, COALESCE(raised_to, 0) AS epoch FROM found
               WHERE consent_id IS NOT NULL AND acts AND CASE WHEN of_house THEN $11::boolean ELSE $12::boolean END
                 AND (of_house OR licensed AND NOT kept_apart) AND NOT owner_suspended
           ), kept AS (
               INSERT INTO receipt (owner_id, receipt_id, reader_id, session_id, relation, relation_id, scope, purpose,
                                    item_id, epoch, opened_at, hour)
               SELECT $7, $13::uuid, $5, $6, 'software', yes.consent_id, $8, $10, $9, yes.epoch, $3, $14::bigint
               FROM yes CROSS JOIN turn CROSS JOIN found WHERE found.is_live
               ON CONFLICT (owner_id, reader_id, session_id, relation, relation_id, scope, purpose, hour, item_id)
                   DO UPDATE SET renewed_at = excluded.opened_at, epoch = excluded.epoch
               RETURNING receipt_id
           )
           SELECT EXISTS (SELECT FROM turn) AS "has_turn!", found.is_live AS "has_token!", found.acts AS "acts!",
                  found.scopes AS "scopes!", found.of_house AS "of_house!", found.licensed AS "licensed?",
                  found.kept_apart AS "kept_apart?", found.owner_suspended AS "owner_suspended!",
                  found.consent_id AS "consent_id?", found.scope AS "scope?",
                  found.item_id AS "item_id?", found.purpose AS "purpose?", found.expires_at AS "expires_at?",
                  yes.epoch AS "epoch?", kept.receipt_id AS "receipt_id?"
           FROM found LEFT JOIN yes ON true LEFT JOIN kept ON true"#,
        &asked.subject[..],
        (now + pace.interval).to_sqlx() as _,
        now.to_sqlx() as _,
        (now + pace.tolerance()).to_sqlx() as _,
        asked.client_id,
        asked.token_id,
        asked.owner_id,
        asked.scope,
        asked.item_id,
        asked.purpose,
        asked.token.system,
        asked.token.user,
        asked.receipt_id,
        now.as_microsecond(),
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let found = row.consent_id.zip(row.scope).zip(row.purpose).zip(row.expires_at);
    let grant = found.and_then(|(((consent_id, scope), purpose), expires_at)| {
        Some(Grant {
            consent_id,
            scope: Scope::of(scope)?,
            item_id: row.item_id,
            purpose: Purpose::of(purpose)?,
            expires_at: expires_at.to_jiff(),
            ended: false,
        })
    });
    Ok(Some(Answer {
        has_turn: row.has_turn,
        has_token: row.has_token,
        acts: row.acts,
        scopes: row.scopes,
        of_house: row.of_house,
        licensed: row.licensed,
        kept_apart: row.kept_apart,
        owner_suspended: row.owner_suspended,
        grant,
        epoch: row.epoch,
        receipt_id: row.receipt_id,
    }))
}
