//! An account's own shares, page by page.

use super::shares::{OwnShare, Row};
use crate::domain::{Cursor, MAX_LIFE};
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// Which of an account's own shares.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Only those of this item.
    pub item_id: Option<Uuid>,
    /// Only those that are open at this moment or will open later.
    pub open_at: Option<jiff::Timestamp>,
}

/// An account's own shares after a cursor, newest first, at most `limit`, and whether there are more. The page ends
/// early, after at least one share, when the renderings together pass `budget` bytes.
pub async fn list_shares(
    conn: &mut PgConnection,
    account_id: Uuid,
    wanted: Wanted,
    after: Cursor,
    limit: i64,
    budget: i64,
) -> Result<(Vec<OwnShare>, bool), sqlx::Error> {
    // One statement for each way to look, so that each has its index.
    let page = match wanted {
        Wanted { item_id: Some(item_id), open_at } => {
            of_item(conn, account_id, item_id, open_at, after, limit + 1).await?
        }
        Wanted { item_id: None, open_at: Some(now) } => open(conn, account_id, now, after, limit + 1).await?,
        Wanted { item_id: None, open_at: None } => all(conn, account_id, after, limit + 1).await?,
    };
    let shown = fitting(&page, limit, budget);
    Ok((of_ids(conn, account_id, &shown).await?, shown.len() < page.len()))
}

/// A share's id and the bytes of its rendering.
struct Size {
    share_id: Uuid,
    bytes: i32,
}

fn fitting(page: &[Size], limit: i64, budget: i64) -> Vec<Uuid> {
    let before = page.iter().scan(0, |total, size| {
        let before = *total;
        *total += i64::from(size.bytes);
        Some(before)
    });
    let limit = usize::try_from(limit).unwrap_or_default();
    let shown = page.iter().zip(before).take(limit).take_while(|(_, before)| *before < budget);
    shown.map(|(size, _)| size.share_id).collect()
}

async fn all(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Size>, sqlx::Error> {
    sqlx::query_as!(
        Size,
        r#"SELECT share_id, COALESCE(octet_length(rendering), 0) AS "bytes!" FROM shares
           WHERE account_id = $1 AND (create_time, share_id) < ($2, $3)
           ORDER BY create_time DESC, share_id DESC LIMIT $4"#,
        account_id,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit,
    )
    .fetch_all(conn)
    .await
}

async fn of_item(
    conn: &mut PgConnection,
    account_id: Uuid,
    item_id: Uuid,
    open_at: Option<jiff::Timestamp>,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Size>, sqlx::Error> {
    sqlx::query_as!(
        Size,
        r#"SELECT s.share_id AS "share_id!", COALESCE(octet_length(s.rendering), 0) AS "bytes!"
           FROM shares s
           WHERE s.account_id = $1 AND s.item_id = $5 AND (s.create_time, s.share_id) < ($2, $3)
             AND ($6::timestamptz IS NULL
                  OR s.withdraw_time IS NULL AND s.expire_time > $6
                     AND journal_link_ended(s.couple_id) IS NULL)
           ORDER BY s.create_time DESC, s.share_id DESC LIMIT $4"#,
        account_id,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit,
        item_id,
        open_at.map(ToSqlx::to_sqlx) as Option<Timestamp>,
    )
    .fetch_all(conn)
    .await
}

async fn open(
    conn: &mut PgConnection,
    account_id: Uuid,
    now: jiff::Timestamp,
    after: Cursor,
    limit: i64,
) -> Result<Vec<Size>, sqlx::Error> {
    // None lives longer than 90 days (`domain::MAX_LIFE`): older ones need not be looked at.
    sqlx::query_as!(
        Size,
        r#"SELECT share_id, COALESCE(octet_length(rendering), 0) AS "bytes!" FROM shares s
           WHERE account_id = $1 AND (create_time, share_id) < ($2, $3)
             AND withdraw_time IS NULL AND expire_time > $5 AND create_time > $6
             AND journal_link_ended(s.couple_id) IS NULL
           ORDER BY create_time DESC, share_id DESC LIMIT $4"#,
        account_id,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit,
        now.to_sqlx() as Timestamp,
        now.saturating_sub(MAX_LIFE).unwrap_or(jiff::Timestamp::MIN).to_sqlx() as Timestamp,
    )
    .fetch_all(conn)
    .await
}

async fn of_ids(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_ids: &[Uuid],
) -> Result<Vec<OwnShare>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.share_id AS "share_id!", s.recipient_id AS "recipient_id!", s.kind AS "kind!",
                  s.item_id AS "item_id!", s.depth AS "depth!", s.rendering, s.wished_response AS "wished_response!",
                  s.create_time AS "create_time!", s.open_time AS "open_time!", s.expire_time AS "expire_time!",
                  s.withdraw_time IS NOT NULL AS "withdrawn!", s.told_read_time,
                  s.answer_time IS NOT NULL AS "answered!", s.felt_understood, journal_link_ended(s.couple_id) AS "unlinked_at?"
           FROM shares s
           WHERE s.account_id = $1 AND s.share_id = ANY($2)
           ORDER BY s.create_time DESC, s.share_id DESC"#,
        account_id,
        share_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(OwnShare::from).collect())
}
