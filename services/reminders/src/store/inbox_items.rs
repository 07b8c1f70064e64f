//! What arrived.

use super::schedules::{to_kind, to_number};
use crate::domain::{Cursor, Fired, InboxItem};
use crate::error::Error;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx as _};
use sqlx::PgConnection;
use uuid::Uuid;

/// Puts what fired into its owners' inboxes, each under the id beside it, and returns the ids that are there now. Where
/// an unread item says already that something was shared, or answered, another adds none.
pub async fn insert_inbox_items(
    conn: &mut PgConnection,
    fired: &[(Uuid, Fired)],
) -> Result<Vec<Uuid>, Error> {
    let ids: Vec<Uuid> = fired.iter().map(|(id, _)| *id).collect();
    let accounts: Vec<Uuid> = fired.iter().map(|(_, item)| item.account_id).collect();
    let schedules: Vec<Uuid> = fired.iter().map(|(_, item)| item.schedule_id).collect();
    let kinds: Vec<i16> = fired.iter().map(|(_, item)| to_number(item.kind)).collect();
    let subjects: Vec<Option<Uuid>> = fired.iter().map(|(_, item)| item.subject_id).collect();
    let couples: Vec<Option<Uuid>> = fired.iter().map(|(_, item)| item.couple_id).collect();
    let times: Vec<SqlTimestamp> = fired.iter().map(|(_, item)| item.fired_at.to_sqlx()).collect();
    // DO UPDATE holds the item that is there: whoever takes it back waits, and then finds what it stood for.
    let there = sqlx::query_scalar!(
        "INSERT INTO inbox_items AS kept (inbox_item_id, account_id, schedule_id, kind, subject_id, couple_id, created_at)
         SELECT DISTINCT ON (account_id, couple_id, kind, CASE WHEN kind NOT IN (4, 5) THEN schedule_id END)
                inbox_item_id, account_id, schedule_id, kind, subject_id, couple_id, created_at
         FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::uuid[], $7::timestamptz[])
              AS fired (inbox_item_id, account_id, schedule_id, kind, subject_id, couple_id, created_at)
         ORDER BY account_id, couple_id, kind, CASE WHEN kind NOT IN (4, 5) THEN schedule_id END, inbox_item_id
         ON CONFLICT (account_id, couple_id, kind) WHERE read_at IS NULL AND kind IN (4, 5)
             DO UPDATE SET kind = kept.kind
         RETURNING inbox_item_id",
        &ids,
        &accounts,
        &schedules,
        &kinds,
        &subjects as &[Option<Uuid>],
        &couples as &[Option<Uuid>],
        &times as &[SqlTimestamp],
    )
    .fetch_all(conn)
    .await?;
    Ok(there)
}

/// An account's inbox behind the cursor, newest first.
pub async fn list_inbox_items(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
) -> Result<Vec<InboxItem>, Error> {
    let rows = sqlx::query!(
        r#"SELECT inbox_item_id, kind, subject_id, couple_id, created_at, read_at IS NOT NULL AS "read!" FROM inbox_items
           WHERE account_id = $1 AND (created_at, inbox_item_id) < ($2, $3)
           ORDER BY created_at DESC, inbox_item_id DESC
           LIMIT $4"#,
        account_id,
        after.time.to_sqlx() as _,
        after.id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let read = rows.into_iter().map(|row| {
        Ok(InboxItem {
            inbox_item_id: row.inbox_item_id,
            kind: to_kind(row.kind)?,
            subject_id: row.subject_id,
            couple_id: row.couple_id,
            created_at: row.created_at.to_jiff(),
            read: row.read,
        })
    });
    read.collect()
}

/// Marks an item of the account read, the first time. False when the account has none of that id.
pub async fn mark_read(
    conn: &mut PgConnection,
    account_id: Uuid,
    inbox_item_id: Uuid,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE inbox_items SET read_at = coalesce(read_at, $3) WHERE account_id = $1 AND inbox_item_id = $2",
        account_id,
        inbox_item_id,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
