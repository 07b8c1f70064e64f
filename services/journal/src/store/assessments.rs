//! Instruments as content tells them, and each member's assessments.

use super::Key;
use crate::domain::{Cursor, Scores, SealedAssessment};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// An instrument's id and one of its versions.
pub type Version = (String, i32);

/// An assessment of a page, and the scored one before it, if there is one.
pub struct Listed {
    /// The assessment; its answers are left out.
    pub assessment: SealedAssessment,
    /// The scored one before it, with its version.
    pub previous: Option<(Uuid, i32)>,
}

/// Keeps a version of an instrument. A version never changes: one that is known stays as it is.
pub async fn keep_instrument(
    conn: &mut PgConnection,
    instrument_id: &str,
    version: i32,
    questionnaire: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO instruments (instrument_id, version, questionnaire) VALUES ($1, $2, $3)
         ON CONFLICT (instrument_id, version) DO NOTHING",
        instrument_id,
        version,
        questionnaire,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The published version of an instrument, which is the latest known.
pub async fn published_version(
    conn: &mut PgConnection,
    instrument_id: &str,
) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!("SELECT MAX(version) FROM instruments WHERE instrument_id = $1", instrument_id)
        .fetch_one(conn)
        .await
}

/// The questionnaires of these versions, as far as they are known.
pub async fn questionnaires(
    conn: &mut PgConnection,
    wanted: &[Version],
) -> Result<HashMap<Version, String>, sqlx::Error> {
    let (ids, versions): (Vec<&str>, Vec<i32>) =
        wanted.iter().map(|(id, version)| (id.as_str(), *version)).unzip();
    let rows = sqlx::query!(
        "SELECT i.instrument_id, i.version, i.questionnaire
         FROM UNNEST($1::text[], $2::integer[]) AS wanted (instrument_id, version)
         JOIN instruments i USING (instrument_id, version)",
        &ids as &[&str],
        &versions,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.instrument_id, row.version), row.questionnaire)).collect())
}

/// Keeps a new assessment. Says whether it went in: its id may be taken, or another of the instrument be unfinished.
pub async fn insert_assessment(
    conn: &mut PgConnection,
    assessment: &SealedAssessment,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO assessments
             (account_id, assessment_id, instrument_id, instrument_version, answers, create_time, score_time)
         VALUES ($1, $2, $3, $4, $5, $6, NULL)
         ON CONFLICT DO NOTHING",
        assessment.account_id,
        assessment.assessment_id,
        assessment.instrument_id,
        assessment.instrument_version,
        assessment.answers,
        assessment.create_time.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The one assessment of an instrument that is not scored yet.
pub async fn find_unfinished(
    conn: &mut PgConnection,
    account_id: Uuid,
    instrument_id: &str,
) -> Result<Option<SealedAssessment>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT assessment_id, instrument_version, answers, create_time FROM assessments
         WHERE account_id = $1 AND instrument_id = $2 AND score_time IS NULL",
        account_id,
        instrument_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SealedAssessment {
        account_id,
        assessment_id: row.assessment_id,
        instrument_id: instrument_id.to_owned(),
        instrument_version: row.instrument_version,
        answers: row.answers,
        create_time: row.create_time.to_jiff(),
        score_time: None,
    }))
}

/// One of an account's assessments.
pub async fn find_assessment(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<Option<SealedAssessment>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT instrument_id, instrument_version, answers, create_time, score_time FROM assessments
         WHERE account_id = $1 AND assessment_id = $2",
        account_id,
        assessment_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SealedAssessment {
        account_id,
        assessment_id,
        instrument_id: row.instrument_id,
        instrument_version: row.instrument_version,
        answers: row.answers,
        create_time: row.create_time.to_jiff(),
        score_time: row.score_time.map(jiff_sqlx::Timestamp::to_jiff),
    }))
}

/// Keeps others from changing an assessment until the transaction ends; says whether there is one.
pub async fn lock_assessment(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        "SELECT 1 FROM assessments WHERE account_id = $1 AND assessment_id = $2 FOR UPDATE",
        account_id,
        assessment_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Keeps an assessment from being deleted until the transaction ends; says whether there is one. Readers and others who
/// do the same go on.
pub async fn hold_assessment(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        "SELECT 1 FROM assessments WHERE account_id = $1 AND assessment_id = $2 FOR KEY SHARE",
        account_id,
        assessment_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Keeps an assessment's answers in place of those before.
pub async fn keep_answers(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
    answers: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE assessments SET answers = $3 WHERE account_id = $1 AND assessment_id = $2",
        account_id,
        assessment_id,
        answers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps an assessment's scores, and that it is scored.
pub async fn keep_scores(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
    scores: &Scores,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE assessments SET score_time = $3 WHERE account_id = $1 AND assessment_id = $2",
        account_id,
        assessment_id,
        now.to_sqlx() as jiff_sqlx::Timestamp,
    )
    .execute(&mut *conn)
    .await?;
    let (domains, scores): (Vec<&str>, Vec<i16>) =
        scores.iter().map(|(domain_id, score)| (domain_id.as_str(), i16::from(*score))).unzip();
    sqlx::query!(
        "INSERT INTO assessment_scores (account_id, assessment_id, domain_id, score)
         SELECT $1, $2, domain_id, score FROM UNNEST($3::text[], $4::smallint[]) AS new (domain_id, score)",
        account_id,
        assessment_id,
        &domains as &[&str],
        &scores,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The scores of some of an account's assessments.
pub async fn scores(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_ids: &[Uuid],
) -> Result<HashMap<Uuid, Scores>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT assessment_id, domain_id, score FROM assessment_scores
         WHERE account_id = $1 AND assessment_id = ANY($2)",
        account_id,
        assessment_ids,
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<Uuid, Scores> = HashMap::new();
    for row in rows {
        // The column's CHECK keeps it between 0 and 100.
        let score = u8::try_from(row.score).unwrap_or_default();
        found.entry(row.assessment_id).or_default().insert(row.domain_id, score);
    }
    Ok(found)
}

/// The scored assessment of the same instrument before one, with its version.
pub async fn previous(
    conn: &mut PgConnection,
    assessment: &SealedAssessment,
) -> Result<Option<(Uuid, i32)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT assessment_id, instrument_version FROM assessments
         WHERE account_id = $1 AND instrument_id = $2 AND score_time IS NOT NULL
           AND (create_time, assessment_id) < ($3, $4)
         ORDER BY create_time DESC, assessment_id DESC LIMIT 1",
        assessment.account_id,
        assessment.instrument_id,
        assessment.create_time.to_sqlx() as jiff_sqlx::Timestamp,
        assessment.assessment_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.assessment_id, row.instrument_version)))
}

/// The assessments after a cursor, newest first, at most `limit`, and whether there are more. An empty `instrument_id`
/// means any.
pub async fn list_assessments(
    conn: &mut PgConnection,
    account_id: Uuid,
    instrument_id: &str,
    after: Cursor,
    limit: i64,
) -> Result<(Vec<Listed>, bool), sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.assessment_id, a.instrument_id, a.instrument_version, a.create_time, a.score_time,
                  p.assessment_id AS "previous_id?", p.instrument_version AS "previous_version?"
           FROM assessments a LEFT JOIN LATERAL (
               SELECT b.assessment_id, b.instrument_version FROM assessments b
               WHERE b.account_id = $1 AND b.instrument_id = a.instrument_id AND b.score_time IS NOT NULL
                 AND (b.create_time, b.assessment_id) < (a.create_time, a.assessment_id)
               ORDER BY b.create_time DESC, b.assessment_id DESC LIMIT 1
           ) p ON TRUE
           WHERE a.account_id = $1 AND ($2 = '' OR a.instrument_id = $2)
             AND (a.create_time, a.assessment_id) < ($3, $4)
           ORDER BY a.create_time DESC, a.assessment_id DESC LIMIT $5"#,
        account_id,
        instrument_id,
        after.time.to_sqlx() as jiff_sqlx::Timestamp,
        after.id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let found = rows.len();
    let listed = rows.into_iter().take(usize::try_from(limit).unwrap_or_default()).map(|row| Listed {
        assessment: SealedAssessment {
            account_id,
            assessment_id: row.assessment_id,
            instrument_id: row.instrument_id,
            instrument_version: row.instrument_version,
            answers: Vec::new(),
            create_time: row.create_time.to_jiff(),
            score_time: row.score_time.map(jiff_sqlx::Timestamp::to_jiff),
        },
        previous: row.previous_id.zip(row.previous_version),
    });
    let listed: Vec<_> = listed.collect();
    let more = found > listed.len();
    Ok((listed, more))
}

/// Deletes an assessment and its scores; says whether there was one.
pub async fn delete_assessment(
    conn: &mut PgConnection,
    account_id: Uuid,
    assessment_id: Uuid,
) -> Result<bool, sqlx::Error> {
    // The assessment first: its row's lock keeps a score from being added meanwhile.
    let done = sqlx::query!(
        "DELETE FROM assessments WHERE account_id = $1 AND assessment_id = $2",
        account_id,
        assessment_id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM assessment_scores WHERE account_id = $1 AND assessment_id = $2",
        account_id,
        assessment_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The scored assessments of all accounts, by account and id, after one of them; without answers. For telling all of
/// them again; nothing that a member waits for.
pub async fn scored_after(
    conn: &mut PgConnection,
    after: Key,
    limit: i64,
) -> Result<Vec<SealedAssessment>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id, assessment_id, instrument_id, instrument_version, create_time,
                  score_time AS "score_time!"
           FROM assessments WHERE score_time IS NOT NULL AND (account_id, assessment_id) > ($1, $2)
           ORDER BY account_id, assessment_id LIMIT $3"#,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    let assessments = rows.into_iter().map(|row| SealedAssessment {
        account_id: row.account_id,
        assessment_id: row.assessment_id,
        instrument_id: row.instrument_id,
        instrument_version: row.instrument_version,
        answers: Vec::new(),
        create_time: row.create_time.to_jiff(),
        score_time: Some(row.score_time.to_jiff()),
    });
    Ok(assessments.collect())
}
