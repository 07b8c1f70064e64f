//! What one of the two may see of check-ins. That one is open is said only where neither the schedule nor the link had
//! ended by its time, as far as the journal knows by now: whoever is not linked any more learns nothing of the other.

use super::{open_time_of, state_of};
use crate::domain::{CheckInKey, Cursor, Revealed, SealedCheckIn};
use chassis::identity::Capability;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A check-in with the account's own part. To one without an answer there is nothing to see of it until it was
/// announced and its time has come; then it is not this time, whether or not their partner answered.
pub async fn find_own(
    conn: &mut PgConnection,
    account_id: Uuid,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<Option<SealedCheckIn>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT c.schedule_id AS "schedule_id!", c.open_time AS "open_time!", own.replies AS "own?",
                  CASE WHEN own.account_id IS NULL THEN 'not_this_time' ELSE
                      journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) END AS "state!"
           FROM (SELECT couple_id FROM check_in_answers WHERE account_id = $1 AND check_in_id = $2
                 UNION SELECT couple_id FROM couples WHERE first_id = $1 AND version = 1
                 UNION SELECT couple_id FROM couples WHERE second_id = $1 AND version = 1) AS links
           JOIN check_ins c ON c.couple_id = links.couple_id AND c.check_in_id = $2
           LEFT JOIN check_in_answers own
               ON own.account_id = $1 AND own.check_in_id = $2 AND own.couple_id = c.couple_id
           WHERE own.account_id IS NOT NULL OR (c.announced AND c.open_time <= $3)
           ORDER BY own.account_id IS NULL LIMIT 1"#,
        account_id,
        check_in_id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SealedCheckIn {
        check_in_id,
        schedule_id: row.schedule_id,
        open_time: open_time_of(row.open_time)?,
        state: state_of(&row.state)?,
        own: row.own,
        partner: None,
    }))
}

/// The same for a reader who comes with their partner's opening, with the partner's part where it is open. Nothing,
/// whatever there is, where the two are not linked or the opening is good for nothing any more.
pub async fn find_opened(
    conn: &mut PgConnection,
    capability: &Capability,
    check_in_id: Uuid,
    now: Timestamp,
) -> Result<Option<SealedCheckIn>, sqlx::Error> {
    let opening = &capability.opening;
    let row = sqlx::query!(
        r#"SELECT c.schedule_id AS "schedule_id!", c.open_time AS "open_time!", own.replies AS "own?",
                  partner.replies AS "partner?",
                  CASE WHEN own.account_id IS NULL THEN 'not_this_time' ELSE
                      journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) END AS "state!"
           FROM couples k
           JOIN check_ins c ON c.couple_id = k.couple_id AND c.check_in_id = $4
           LEFT JOIN check_in_answers own
               ON own.account_id = $1 AND own.check_in_id = $4 AND own.couple_id = k.couple_id
           LEFT JOIN check_in_answers partner
               ON partner.account_id = $2 AND partner.check_in_id = $4 AND partner.couple_id = k.couple_id
               AND own.account_id IS NOT NULL
               AND journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) = 'open'
           WHERE k.couple_id = $3 AND k.version = 1
               AND k.first_id = LEAST($1::uuid, $2::uuid) AND k.second_id = GREATEST($1::uuid, $2::uuid)
               AND (own.account_id IS NOT NULL OR (c.announced AND c.open_time <= $8))
               AND chassis.admits($2, $1, $5, $6, $7, $8)"#,
        capability.reader_id,
        opening.owner_id,
        opening.relation_id,
        check_in_id,
        capability.session_id,
        opening.epoch,
        capability.expires_at.to_sqlx() as jiff_sqlx::Timestamp,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(SealedCheckIn {
        check_in_id,
        schedule_id: row.schedule_id,
        open_time: open_time_of(row.open_time)?,
        state: state_of(&row.state)?,
        own: row.own,
        partner: row.partner,
    }))
}

/// The check-ins an account answered after a cursor, newest first, at most `limit`, and whether there are more. The
/// page ends early, after at least one, when the answers together pass `budget` bytes: a page is one message.
pub async fn list_own(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
    budget: i64,
) -> Result<(Vec<SealedCheckIn>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"WITH page AS (
               SELECT a.*, SUM(octet_length(a.replies)) OVER w - octet_length(a.replies) AS bytes_before
               FROM check_in_answers a
               WHERE a.account_id = $1 AND (a.open_time, a.check_in_id) < ($2, $3)
               WINDOW w AS (ORDER BY a.open_time DESC, a.check_in_id DESC ROWS UNBOUNDED PRECEDING)
               ORDER BY a.open_time DESC, a.check_in_id DESC
               LIMIT $4
           )
           SELECT p.check_in_id AS "check_in_id!", p.schedule_id AS "schedule_id!", p.open_time AS "open_time!",
                  journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) AS "state!",
                  CASE WHEN p.bytes_before < $5 THEN p.replies END AS own
           FROM page p JOIN check_ins c ON c.couple_id = p.couple_id AND c.check_in_id = p.check_in_id
           ORDER BY p.open_time DESC, p.check_in_id DESC"#,
        account_id,
        after.time.to_sqlx() as jiff_sqlx::Timestamp,
        after.id,
        limit + 1,
        budget,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.len();
    let mut check_ins = Vec::with_capacity(found);
    for row in rows.into_iter().take(usize::try_from(limit).unwrap_or_default()) {
        let Some(own) = row.own else { break };
        check_ins.push(SealedCheckIn {
            check_in_id: row.check_in_id,
            schedule_id: row.schedule_id,
            open_time: open_time_of(row.open_time)?,
            state: state_of(&row.state)?,
            own: Some(own),
            partner: None,
        });
    }
    let more = found > check_ins.len();
    Ok((check_ins, more))
}

/// Check-ins of all couples that opened, by couple and id, after one of them. For telling all of them again; nothing
/// that a member waits for.
pub async fn opened_after(
    conn: &mut PgConnection,
    after: Option<CheckInKey>,
    limit: i64,
) -> Result<Vec<Revealed>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.couple_id, c.check_in_id, c.open_time, k.first_id, k.second_id
         FROM check_ins c JOIN couples k USING (couple_id)
         WHERE c.state = 'open' AND (c.couple_id, c.check_in_id) > ($1, $2)
             AND journal_check_in_stands(c.state, c.couple_id, c.schedule_id, c.open_time) = 'open'
         ORDER BY c.couple_id, c.check_in_id LIMIT $3",
        after.map(|after| after.couple_id).unwrap_or_default(),
        after.map(|after| after.check_in_id).unwrap_or_default(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    let key = |couple_id, check_in_id| CheckInKey { couple_id, check_in_id };
    let revealed = |key, first_id, second_id, time| {
        Ok(Revealed { key, first_id, second_id, open_time: open_time_of(time)? })
    };
    rows.into_iter()
        .map(|row| revealed(key(row.couple_id, row.check_in_id), row.first_id, row.second_id, row.open_time))
        .collect()
}
