//! All of content's SQL.

pub mod couples;
pub mod erasing;
pub mod instruments;

use crate::domain::article::{Article, Listed};
use crate::domain::path::{Earliest, Fact};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

type Result<T> = std::result::Result<T, sqlx::Error>;

/// What is stored of an article, as far as loading the library needs to know.
pub struct Head {
    /// Readable id.
    pub article_id: String,
    /// Language.
    pub locale: String,
    /// Current version.
    pub version: i32,
    /// Digest of the file it came from.
    pub digest: Vec<u8>,
    /// Whether it was taken out of the library.
    pub withdrawn: bool,
}

/// A published article as an event tells of it.
pub struct Published {
    /// Readable id.
    pub article_id: String,
    /// Language.
    pub locale: String,
    /// Current version.
    pub version: i32,
}

/// A milestone as an event tells of it.
pub struct Reached {
    /// Whose path.
    pub account_id: Uuid,
    /// Readable id.
    pub milestone_id: String,
    /// The version of the account's path it was told under.
    pub version: i64,
}

/// Keeps other loads of the library out until the transaction ends. Readers go on.
pub async fn lock_library(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("LOCK TABLE articles IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// Every article there ever was.
pub async fn heads(conn: &mut PgConnection) -> Result<Vec<Head>> {
    sqlx::query_as!(
        Head,
        r#"SELECT article_id, locale, version, digest, withdraw_time IS NOT NULL AS "withdrawn!" FROM articles"#
    )
    .fetch_all(conn)
    .await
}

/// Publishes an article as a version, in place of the one before.
pub async fn publish(conn: &mut PgConnection, article: &Article, version: i32, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO articles (article_id, locale, version, digest, step, position, kind, title, summary, need,
            next_action, reading_minutes, evidence, sources, contraindications, clinical_review, reviewed_date,
            next_review_date, rubric, body, publish_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT (article_id, locale) DO UPDATE SET
            version = EXCLUDED.version, digest = EXCLUDED.digest, step = EXCLUDED.step,
            position = EXCLUDED.position, kind = EXCLUDED.kind, title = EXCLUDED.title,
            summary = EXCLUDED.summary, need = EXCLUDED.need, next_action = EXCLUDED.next_action,
            reading_minutes = EXCLUDED.reading_minutes, evidence = EXCLUDED.evidence, sources = EXCLUDED.sources,
            contraindications = EXCLUDED.contraindications, clinical_review = EXCLUDED.clinical_review,
            reviewed_date = EXCLUDED.reviewed_date, next_review_date = EXCLUDED.next_review_date,
            rubric = EXCLUDED.rubric, body = EXCLUDED.body, publish_time = EXCLUDED.publish_time,
            withdraw_time = NULL",
        article.id,
        article.locale.as_str(),
        version,
        &article.digest[..],
        article.step.number(),
        article.position,
        article.kind.name(),
        article.title,
        article.summary,
        article.need,
        article.next_action,
        article.reading_minutes,
        article.evidence.name(),
        &article.sources,
        &article.contraindications,
        article.clinical_review,
        article.reviewed_date.to_sqlx() as _,
        article.next_review_date.to_sqlx() as _,
        &article.rubric[..],
        article.body,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an article out of the library.
pub async fn withdraw(conn: &mut PgConnection, article_id: &str, locale: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE articles SET withdraw_time = $3 WHERE article_id = $1 AND locale = $2",
        article_id,
        locale,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Published articles after a place in reading order, each in the first language of `locales` it has.
/// `step` 0 means all. Without their text.
pub async fn list(
    conn: &mut PgConnection,
    locales: &[String],
    step: i16,
    after: (i16, i32, &str),
    limit: i64,
) -> Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        r#"SELECT article_id, locale, version, step, position, kind, title, summary, need, next_action,
               reading_minutes, evidence, sources, contraindications, clinical_review, reviewed_date,
               next_review_date, '' AS "body!"
           FROM (SELECT DISTINCT ON (article_id) * FROM articles
                 WHERE locale = ANY($1) AND withdraw_time IS NULL
                 ORDER BY article_id, array_position($1, locale)) AS best
           WHERE ($2::smallint = 0 OR step = $2) AND (step, position, article_id) > ($3, $4, $5)
           ORDER BY step, position, article_id
           LIMIT $6"#,
        locales,
        step,
        after.0,
        after.1,
        after.2,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// One published article in the first language of `locales` it has.
pub async fn get(conn: &mut PgConnection, article_id: &str, locales: &[String]) -> Result<Option<Listed>> {
    sqlx::query_as!(
        Listed,
        "SELECT article_id, locale, version, step, position, kind, title, summary, need, next_action,
             reading_minutes, evidence, sources, contraindications, clinical_review, reviewed_date,
             next_review_date, body
         FROM articles
         WHERE article_id = $1 AND locale = ANY($2) AND withdraw_time IS NULL
         ORDER BY array_position($2, locale)
         LIMIT 1",
        article_id,
        locales,
    )
    .fetch_optional(conn)
    .await
}

/// What accounts have done of kinds, as far as it is kept, by account and number of the kind.
/// One array comes through a row of its own and each is looked up by its key: so it is planned once, for any number.
pub async fn progress(
    conn: &mut PgConnection,
    of: impl Iterator<Item = (Uuid, Fact)>,
) -> Result<HashMap<(Uuid, i16), Earliest>> {
    let (accounts, facts): (Vec<Uuid>, Vec<i16>) = of.map(|(account, fact)| (account, fact.number())).unzip();
    let rows = sqlx::query!(
        "SELECT p.account_id, p.fact, p.item_ids, p.item_times
         FROM (SELECT DISTINCT * FROM unnest((SELECT $1::uuid[]), $2::smallint[])) AS n (account_id, fact)
         CROSS JOIN LATERAL (SELECT * FROM path_progress
                             WHERE account_id = n.account_id AND fact = n.fact OFFSET 0) AS p",
        &accounts,
        &facts,
    )
    .fetch_all(conn)
    .await?;
    let known =
        rows.into_iter().map(|row| ((row.account_id, row.fact), earliest(row.item_ids, row.item_times)));
    Ok(known.collect())
}

/// What an account has done of a kind, as far as it is kept, and nobody else changes it until the transaction ends.
pub async fn lock_progress(conn: &mut PgConnection, account_id: Uuid, fact: Fact) -> Result<Earliest> {
    sqlx::query!(
        "INSERT INTO path_progress (account_id, fact, item_ids, item_times) VALUES ($1, $2, '{}', '{}')
         ON CONFLICT DO NOTHING",
        account_id,
        fact.number(),
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        "SELECT item_ids, item_times FROM path_progress WHERE account_id = $1 AND fact = $2 FOR UPDATE",
        account_id,
        fact.number(),
    )
    .fetch_one(conn)
    .await?;
    Ok(earliest(row.item_ids, row.item_times))
}

/// Keeps what an account has done.
pub async fn keep_progress(
    conn: &mut PgConnection,
    account_id: Uuid,
    fact: Fact,
    done: &Earliest,
) -> Result<()> {
    let (times, ids): (Vec<_>, Vec<_>) = done.items().iter().map(|(time, id)| (time.to_sqlx(), *id)).unzip();
    sqlx::query!(
        "UPDATE path_progress SET item_ids = $3, item_times = $4 WHERE account_id = $1 AND fact = $2",
        account_id,
        fact.number(),
        &ids,
        times as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn earliest(ids: Vec<Uuid>, times: Vec<jiff_sqlx::Timestamp>) -> Earliest {
    Earliest::from_items(times.into_iter().map(jiff_sqlx::Timestamp::to_jiff).zip(ids))
}

/// How many things of each fact an account has done, as far as they are kept.
pub async fn counts(conn: &mut PgConnection, account_id: Uuid) -> Result<BTreeMap<i16, usize>> {
    let rows = sqlx::query!(
        r#"SELECT fact, cardinality(item_ids) AS "count!" FROM path_progress WHERE account_id = $1"#,
        account_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.fact, usize::try_from(row.count).unwrap_or(0))).collect())
}

/// When an account reached each of its milestones.
pub async fn milestones(conn: &mut PgConnection, account_id: Uuid) -> Result<BTreeMap<String, Timestamp>> {
    let rows = sqlx::query!(
        "SELECT milestone_id, reach_time FROM path_milestones WHERE account_id = $1",
        account_id
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.milestone_id, row.reach_time.to_jiff())).collect())
}

/// Keeps a milestone as reached, under its version of the account's path. One that is there already keeps its version,
/// and a time learnt later moves it only towards earlier.
pub async fn reach(
    conn: &mut PgConnection,
    account_id: Uuid,
    milestone_id: &str,
    time: Timestamp,
    version: i64,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO path_milestones (account_id, milestone_id, reach_time, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, milestone_id)
         DO UPDATE SET reach_time = LEAST(path_milestones.reach_time, EXCLUDED.reach_time)",
        account_id,
        milestone_id,
        time.to_sqlx() as _,
        version,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The published articles after one of them, by id and language. For telling all of them again.
pub async fn published_after(
    conn: &mut PgConnection,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<Published>> {
    sqlx::query_as!(
        Published,
        "SELECT article_id, locale, version FROM articles
         WHERE withdraw_time IS NULL AND (article_id, locale) > ($1, $2)
         ORDER BY article_id, locale LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// The milestones of all accounts after one of them, by account and version. For telling all of them again; nothing
/// that a member waits for.
pub async fn reached_after(conn: &mut PgConnection, after: (Uuid, i64), limit: i64) -> Result<Vec<Reached>> {
    sqlx::query_as!(
        Reached,
        "SELECT account_id, milestone_id, version FROM path_milestones
         WHERE (account_id, version) > ($1, $2) ORDER BY account_id, version LIMIT $3",
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await
}
