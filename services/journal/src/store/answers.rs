//! Answers to shares, as whoever gave them has them.

use super::received::SealedAnswer;
use crate::domain::Cursor;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// An answer that is being given.
pub struct NewAnswer {
    /// Who answers.
    pub account_id: Uuid,
    /// The link it is given under.
    pub couple_id: Uuid,
    /// The answer.
    pub answer: SealedAnswer,
    /// MAC of the request.
    pub request_mac: [u8; 32],
}

/// Inserts an answer, and says whether there was none to this share yet.
pub async fn insert_answer(conn: &mut PgConnection, new: &NewAnswer) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO share_answers (account_id, owner_id, share_id, answer_id, couple_id, body, create_time, request_mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (account_id, owner_id, share_id) DO NOTHING",
        new.account_id,
        new.answer.owner_id,
        new.answer.share_id,
        new.answer.answer_id,
        new.couple_id,
        new.answer.body,
        new.answer.create_time.to_sqlx() as Timestamp,
        new.request_mac.as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The answer an account gave to a share, with the MAC of the request that made it.
pub async fn own_answer(
    conn: &mut PgConnection,
    account_id: Uuid,
    owner_id: Uuid,
    share_id: Uuid,
) -> Result<Option<(SealedAnswer, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT answer_id, body, create_time, request_mac FROM share_answers
         WHERE account_id = $1 AND owner_id = $2 AND share_id = $3",
        account_id,
        owner_id,
        share_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let (answer_id, create_time) = (row.answer_id, row.create_time.to_jiff());
        (SealedAnswer { answer_id, owner_id, share_id, body: row.body, create_time }, row.request_mac)
    }))
}

/// The answers an account gave, after a cursor, newest first, at most `limit`, and whether there are more.
pub async fn list_own_answers(
    conn: &mut PgConnection,
    account_id: Uuid,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<SealedAnswer>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT owner_id, share_id, answer_id, body, create_time FROM share_answers
         WHERE account_id = $1 AND (create_time, answer_id) < ($2, $3)
         ORDER BY create_time DESC, answer_id DESC LIMIT $4",
        account_id,
        after.time.to_sqlx() as Timestamp,
        after.id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = rows.len() > limit;
    let answers = rows.into_iter().take(limit).map(|row| SealedAnswer {
        answer_id: row.answer_id,
        owner_id: row.owner_id,
        share_id: row.share_id,
        body: row.body,
        create_time: row.create_time.to_jiff(),
    });
    Ok((answers.collect(), more))
}
