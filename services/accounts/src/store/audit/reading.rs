//! Reading the chain from its beginning, a page at a time.

use crate::domain::audit::Content;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

/// A record as it is stored.
pub struct Stored {
    /// Its id.
    pub record_id: Uuid,
    /// The commitment to it.
    pub commitment: Vec<u8>,
    /// Its batch.
    pub batch: i64,
    /// Its place in the batch.
    pub position: i32,
    /// Its salt and content; none once they were erased.
    pub content: Option<(Vec<u8>, Content)>,
    /// Whether anything of the content is left.
    pub is_bare: bool,
}

/// A transaction that sees one moment and changes nothing.
pub async fn one_moment(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
}

/// The records that have a place after the given one, in the order of the chain.
pub async fn placed_after(
    conn: &mut PgConnection,
    (batch, position): (i64, i32),
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT record_id, commitment, batch AS "batch!", position AS "position!", salt, recorded_at, actor_kind,
                  actor_id, session_id, action, subject_kind, subject_id, details, note
           FROM audit_record WHERE batch IS NOT NULL AND (batch, position) > ($1, $2)
           ORDER BY batch, position LIMIT $3"#,
        batch,
        position,
        limit
    )
    .fetch_all(conn)
    .await?;
    let stored = rows.into_iter().map(|row| {
        let is_bare = row.salt.is_none()
            && row.recorded_at.is_none()
            && row.actor_kind.is_none()
            && row.actor_id.is_none()
            && row.session_id.is_none()
            && row.action.is_none()
            && row.subject_kind.is_none()
            && row.subject_id.is_none()
            && row.details.is_none()
            && row.note.is_none();
        let content = || {
            Some(Content {
                recorded_at: row.recorded_at?.to_jiff(),
                actor_kind: row.actor_kind?,
                actor_id: row.actor_id,
                session_id: row.session_id,
                action: row.action?,
                subject_kind: row.subject_kind?,
                subject_id: row.subject_id?,
                details: row.details?,
                note: row.note,
            })
        };
        Stored {
            record_id: row.record_id,
            commitment: row.commitment,
            batch: row.batch,
            position: row.position,
            content: row.salt.zip(content()),
            is_bare,
        }
    });
    Ok(stored.collect())
}

/// What waits for its place.
pub struct Queue {
    /// How many records.
    pub records: i64,
    /// How many of them have no content any more.
    pub bare: i64,
}

/// How much waits for its place.
pub async fn queue(conn: &mut PgConnection) -> Result<Queue, sqlx::Error> {
    sqlx::query_as!(
        Queue,
        r#"SELECT count(*) AS "records!", count(*) FILTER (WHERE salt IS NULL) AS "bare!"
           FROM audit_record WHERE batch IS NULL"#
    )
    .fetch_one(conn)
    .await
}

/// A receipt beside what the audit says of it last.
pub struct Counted {
    /// Whose data.
    pub owner_id: Uuid,
    /// The receipt.
    pub receipt_id: Uuid,
    /// Who reads.
    pub reader_id: Uuid,
    /// The consent it rests on.
    pub consent_id: Uuid,
    /// The number of the scope.
    pub scope: i32,
    /// The earliest read.
    pub read_at: Option<jiff_sqlx::Timestamp>,
    /// What was read.
    pub item_ids: Vec<Uuid>,
    /// How many records there are about it.
    pub records: i32,
    /// Who did what the newest of them says.
    pub record_actor: Option<Uuid>,
    /// To whom.
    pub record_subject: Option<Uuid>,
    /// And what else it says.
    pub record_details: Option<String>,
}

/// Receipts by owner and id, as far as there are such.
pub async fn counted(conn: &mut PgConnection, ids: &[(Uuid, Uuid)]) -> Result<Vec<Counted>, sqlx::Error> {
    let (owner_ids, receipt_ids): (Vec<Uuid>, Vec<Uuid>) = ids.iter().copied().unzip();
    sqlx::query_as!(
        Counted,
        r#"SELECT r.owner_id, r.receipt_id, r.reader_id, r.relation_id AS consent_id, r.scope, r.read_at AS "read_at?",
                  r.item_ids, r.records, a.actor_id AS "record_actor?", a.subject_id AS "record_subject?",
                  a.details AS "record_details?"
           FROM (SELECT DISTINCT owner_id, receipt_id
                 FROM unnest($1::uuid[], $2::uuid[]) AS id (owner_id, receipt_id)) AS wanted
           CROSS JOIN LATERAL (SELECT * FROM receipt
                               WHERE owner_id = wanted.owner_id AND receipt_id = wanted.receipt_id) AS r
           LEFT JOIN audit_record a ON a.record_id = r.record_id"#,
        &owner_ids,
        &receipt_ids
    )
    .fetch_all(conn)
    .await
}
