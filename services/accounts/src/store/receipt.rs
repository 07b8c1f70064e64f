//! `receipt`: what was opened of whom to whom, and what of it was read.

use crate::domain::{Reads, Shown};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A receipt as far as its reads go.
pub struct Receipt {
    /// Who reads.
    pub reader_id: Uuid,
    /// In which relation.
    pub relation: String,
    /// The reads so far.
    pub reads: Reads,
}

/// A receipt in its owner's ledger.
pub struct Listed {
    /// The receipt.
    pub receipt_id: Uuid,
    /// Who reads.
    pub reader_id: Uuid,
    /// In which relation.
    pub relation: String,
    /// The number of the scope.
    pub scope: i32,
    /// The reads.
    pub reads: Reads,
    /// The time the owner sees.
    pub shown_at: Timestamp,
}

/// A receipt of an owner, held until the transaction ends.
pub async fn lock(
    conn: &mut PgConnection,
    owner_id: Uuid,
    receipt_id: Uuid,
) -> Result<Option<Receipt>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT reader_id, relation, read_at, item_ids, told_at, told_item_ids FROM receipt
         WHERE owner_id = $1 AND receipt_id = $2 FOR NO KEY UPDATE",
        owner_id,
        receipt_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Receipt {
        reader_id: row.reader_id,
        relation: row.relation,
        reads: Reads {
            read_at: row.read_at.map(|at| at.to_jiff()),
            item_ids: row.item_ids,
            told_at: row.told_at.map(|at| at.to_jiff()),
            told_item_ids: row.told_item_ids,
        },
    }))
}

/// Keeps the reads of a receipt, and when its owner sees it.
pub async fn keep(
    conn: &mut PgConnection,
    owner_id: Uuid,
    receipt_id: Uuid,
    reads: &Reads,
    shown: Option<&Shown>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE receipt SET read_at = $3, item_ids = $4, told_at = $5, told_item_ids = $6, shown_at = $7
         WHERE owner_id = $1 AND receipt_id = $2",
        owner_id,
        receipt_id,
        reads.read_at.map(|at| at.to_sqlx()) as _,
        &reads.item_ids,
        reads.told_at.map(|at| at.to_sqlx()) as _,
        &reads.told_item_ids,
        shown.map(|shown| shown.time.to_sqlx()) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The receipts of an owner that are theirs to know, newest first, after the given time and id.
pub async fn list(
    conn: &mut PgConnection,
    owner_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT receipt_id, reader_id, relation, scope, read_at, item_ids, told_at, told_item_ids,
                  shown_at AS "shown_at!"
           FROM receipt
           WHERE owner_id = $1 AND shown_at IS NOT NULL AND (shown_at, receipt_id) < ($2, $3)
           ORDER BY shown_at DESC, receipt_id DESC LIMIT $4"#,
        owner_id,
        before.0.to_sqlx(),
        before.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        receipt_id: row.receipt_id,
        reader_id: row.reader_id,
        relation: row.relation,
        scope: row.scope,
        reads: Reads {
            read_at: row.read_at.map(|at| at.to_jiff()),
            item_ids: row.item_ids,
            told_at: row.told_at.map(|at| at.to_jiff()),
            told_item_ids: row.told_item_ids,
        },
        shown_at: row.shown_at.to_jiff(),
    });
    Ok(listed.collect())
}

/// Removes receipts that were opened before the given time and never counted.
pub async fn sweep_uncounted(
    conn: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM receipt WHERE read_at IS NULL AND (owner_id, receipt_id) IN
             (SELECT owner_id, receipt_id FROM receipt
              WHERE read_at IS NULL AND opened_at < $1 ORDER BY opened_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}

/// Removes receipts of these relations that were opened before the given time, count, and are not their owner's to know.
pub async fn sweep_unshown(
    conn: &mut PgConnection,
    relations: &[String],
    before: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        "DELETE FROM receipt WHERE shown_at IS NULL AND (owner_id, receipt_id) IN
             (SELECT owner_id, receipt_id FROM receipt
              WHERE read_at IS NOT NULL AND shown_at IS NULL AND relation = ANY($1) AND opened_at < $2
              ORDER BY opened_at LIMIT $3 FOR UPDATE SKIP LOCKED)",
        relations,
        before.to_sqlx(),
        limit
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
