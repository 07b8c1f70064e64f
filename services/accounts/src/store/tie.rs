//! What connects somebody with others, or did: `couple` and `circle` together.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A link or a place in a circle, as one of the two sees it.
pub struct Row {
    /// The link or the place.
    pub tie_id: Uuid,
    /// `couple`, `host` or `guest`: what the person is in it.
    pub kind: String,
    /// The other.
    pub other_id: Uuid,
    /// Since when.
    pub began_at: Timestamp,
    /// Whether it is over. Since when it is not is nobody's to know of the other, so it is not read.
    pub over: bool,
}

/// With whom somebody has something that their leaving would end: link, places, care, what was opened to their software.
pub async fn others(conn: &mut PgConnection, account_id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT other_id AS "other_id!" FROM (
               SELECT partner_id AS other_id FROM couple_member WHERE account_id = $1
               UNION ALL
               SELECT guest_id FROM circle_member WHERE host_id = $1
               UNION ALL
               SELECT host_id FROM circle_member WHERE guest_id = $1
               UNION ALL
               SELECT counselor_id FROM care WHERE member_id = $1 AND state IN ('asked', 'active')
               UNION ALL
               SELECT member_id FROM care WHERE counselor_id = $1 AND state IN ('asked', 'active')
               UNION ALL
               SELECT c.counselor_id FROM couple_care c JOIN couple_care_member m USING (care_id)
               WHERE m.member_id = $1 AND c.state IN ('proposed', 'asked', 'active')
               UNION ALL
               SELECT m.member_id FROM couple_care c JOIN couple_care_member m USING (care_id)
               WHERE c.counselor_id = $1 AND c.state IN ('proposed', 'asked', 'active')
               UNION ALL
               SELECT s.owner_id FROM software_consent s JOIN client c USING (client_id)
               WHERE c.holder_id = $1 AND s.ended_at IS NULL
           ) tied"#,
        account_id
    )
    .fetch_all(conn)
    .await
}

/// What somebody has or had with others, newest first, beginning before a time and an id.
pub async fn list(
    conn: &mut PgConnection,
    account_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT tie_id AS "tie_id!", kind AS "kind!", other_id AS "other_id!", began_at AS "began_at!", over AS "over!"
           FROM (
               (SELECT couple_id AS tie_id, 'couple' AS kind, second_id AS other_id, linked_at AS began_at,
                       unlinked_at IS NOT NULL AS over
                FROM couple WHERE first_id = $1 AND (linked_at, couple_id) < ($2, $3)
                ORDER BY linked_at DESC, couple_id DESC LIMIT $4)
               UNION ALL
               (SELECT couple_id, 'couple', first_id, linked_at, unlinked_at IS NOT NULL
                FROM couple WHERE second_id = $1 AND (linked_at, couple_id) < ($2, $3)
                ORDER BY linked_at DESC, couple_id DESC LIMIT $4)
               UNION ALL
               (SELECT circle_id, 'host', guest_id, joined_at, ended_at IS NOT NULL
                FROM circle WHERE host_id = $1 AND (joined_at, circle_id) < ($2, $3)
                ORDER BY joined_at DESC, circle_id DESC LIMIT $4)
               UNION ALL
               (SELECT circle_id, 'guest', host_id, joined_at, ended_at IS NOT NULL
                FROM circle WHERE guest_id = $1 AND (joined_at, circle_id) < ($2, $3)
                ORDER BY joined_at DESC, circle_id DESC LIMIT $4)
           ) tie
           ORDER BY began_at DESC, tie_id DESC LIMIT $4"#,
        account_id,
        before.0.to_sqlx() as _,
        before.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Row {
        tie_id: row.tie_id,
        kind: row.kind,
        other_id: row.other_id,
        began_at: row.began_at.to_jiff(),
        over: row.over,
    });
    Ok(listed.collect())
}
