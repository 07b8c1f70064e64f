//! `receipt`: what was opened of whom to whom, and what of it was read.

use crate::domain::Reads;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A receipt as far as its reads go.
pub struct Receipt {
    /// Whose, and which.
    pub id: (Uuid, Uuid),
    /// Who reads.
    pub reader_id: Uuid,
    /// In which session of theirs.
    pub session_id: Uuid,
    /// In which relation.
    pub relation: String,
    /// Whether whoever reads is erased.
    pub is_readers_erased: bool,
    /// The relation it rests on, by the id that accounts gave it.
    pub relation_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The reads so far.
    pub reads: Reads,
    /// The newest record of the audit about it.
    pub record_id: Option<Uuid>,
    /// How many there are.
    pub records: i32,
}

/// A receipt in its owner's ledger.
pub struct Listed {
    /// The receipt.
    pub receipt_id: Uuid,
    /// Who reads.
    pub reader_id: Uuid,
    /// In which relation.
    pub relation: String,
    /// The relation it rests on, by the id that accounts gave it.
    pub relation_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The reads.
    pub reads: Reads,
    /// The time the owner sees.
    pub shown_at: Timestamp,
}

/// Receipts by owner and id, as far as there are such, held until the transaction ends; in one order everywhere, so that
/// two who want the same wait for each other instead of deadlocking. Each is looked up by its key: for several at once the
/// planner reads whole partitions while they are small, and keeps the plan.
pub async fn lock(conn: &mut PgConnection, ids: &[(Uuid, Uuid)]) -> Result<Vec<Receipt>, sqlx::Error> {
    let (owner_ids, receipt_ids): (Vec<Uuid>, Vec<Uuid>) = ids.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"SELECT r.owner_id, r.receipt_id, r.reader_id, r.session_id, r.relation, r.relation_id, r.scope, r.read_at,
                  r.item_ids, r.told_at, r.told_item_ids, r.record_id, r.records,
                  EXISTS (SELECT FROM bus.erased WHERE account_id = r.reader_id) AS "is_readers_erased!"
         FROM (SELECT DISTINCT owner_id, receipt_id FROM unnest($1::uuid[], $2::uuid[]) AS id (owner_id, receipt_id)
               ORDER BY receipt_id, owner_id) AS wanted
         CROSS JOIN LATERAL (SELECT * FROM receipt
                             WHERE owner_id = wanted.owner_id AND receipt_id = wanted.receipt_id
                             FOR NO KEY UPDATE) AS r"#,
        &owner_ids,
        &receipt_ids
    )
    .fetch_all(conn)
    .await?;
    let receipts = rows.into_iter().map(|row| Receipt {
        id: (row.owner_id, row.receipt_id),
        reader_id: row.reader_id,
        session_id: row.session_id,
        relation: row.relation,
        is_readers_erased: row.is_readers_erased,
        relation_id: row.relation_id,
        scope: row.scope,
        record_id: row.record_id,
        records: row.records,
        reads: Reads {
            read_at: row.read_at.map(|at| at.to_jiff()),
            item_ids: row.item_ids,
            told_at: row.told_at.map(|at| at.to_jiff()),
            told_item_ids: row.told_item_ids,
        },
    });
    Ok(receipts.collect())
}

/// Keeps the reads of receipts, what the audit says of each, and when its owner sees it.
pub async fn keep(
    conn: &mut PgConnection,
    receipts: &[(Receipt, Option<Timestamp>)],
) -> Result<(), sqlx::Error> {
    let all = || receipts.iter().map(|(receipt, _)| receipt);
    let (owner_ids, receipt_ids): (Vec<Uuid>, Vec<Uuid>) = all().map(|receipt| receipt.id).unzip();
    let read_at: Vec<_> = all().map(|receipt| sql(receipt.reads.read_at)).collect();
    let item_ids: Vec<_> = all().map(|receipt| array(&receipt.reads.item_ids)).collect();
    let told_at: Vec<_> = all().map(|receipt| sql(receipt.reads.told_at)).collect();
    let told_item_ids: Vec<_> = all().map(|receipt| array(&receipt.reads.told_item_ids)).collect();
    let shown_at: Vec<_> = receipts.iter().map(|(_, shown_at)| sql(*shown_at)).collect();
    let record_ids: Vec<_> = all().map(|receipt| receipt.record_id).collect();
    let records: Vec<_> = all().map(|receipt| receipt.records).collect();
    sqlx::query!(
        "UPDATE receipt r SET read_at = n.read_at, item_ids = n.item_ids::uuid[], told_at = n.told_at,
                told_item_ids = n.told_item_ids::uuid[], shown_at = n.shown_at, record_id = n.record_id, records = n.records
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
                     $8::uuid[], $9::integer[])
              AS n (owner_id, receipt_id, read_at, item_ids, told_at, told_item_ids, shown_at, record_id, records)
         WHERE r.owner_id = n.owner_id AND r.receipt_id = n.receipt_id",
        &owner_ids,
        &receipt_ids,
        &read_at as _,
        &item_ids,
        &told_at as _,
        &told_item_ids,
        &shown_at as _,
        &record_ids as &[Option<Uuid>],
        &records,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn sql(time: Option<Timestamp>) -> Option<jiff_sqlx::Timestamp> {
    time.map(|time| time.to_sqlx())
}

/// Ids as PostgreSQL writes them, for arrays of different lengths side by side.
fn array(ids: &[Uuid]) -> String {
    let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// The receipts of an owner that are theirs to know, newest first, after the given time and id.
pub async fn list(
    conn: &mut PgConnection,
    owner_id: Uuid,
    before: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT receipt_id, reader_id, relation, relation_id, scope, read_at, item_ids, told_at, told_item_ids,
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
        relation_id: row.relation_id,
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

/// Removes receipts of these relations that were opened before the given time, count, and are not their owner's to know;
/// returns for each what the audit says of it.
pub async fn sweep_unshown(
    conn: &mut PgConnection,
    relations: &[String],
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Option<Uuid>>, sqlx::Error> {
    sqlx::query_scalar!(
        "DELETE FROM receipt WHERE shown_at IS NULL AND (owner_id, receipt_id) IN
             (SELECT owner_id, receipt_id FROM receipt
              WHERE read_at IS NOT NULL AND shown_at IS NULL AND relation = ANY($1) AND opened_at < $2
              ORDER BY opened_at LIMIT $3 FOR UPDATE SKIP LOCKED)
         RETURNING record_id",
        relations,
        before.to_sqlx(),
        limit
    )
    .fetch_all(conn)
    .await
}
