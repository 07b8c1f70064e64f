//! Shares: what their owner sees and does. Their list is in `share_pages`, what a reader may see in `received`.

use super::Key;
use crate::domain::Window;
use jiff_sqlx::{Timestamp, ToSqlx};
use sqlx::PgConnection;
use uuid::Uuid;

/// A share that is being made.
pub struct NewShare {
    /// Whose.
    pub account_id: Uuid,
    /// Its id, unique among the owner's shares.
    pub share_id: Uuid,
    /// With whom.
    pub recipient_id: Uuid,
    /// The link it is made under.
    pub couple_id: Uuid,
    /// What kind of thing, by its number.
    pub kind: i16,
    /// What of.
    pub item_id: Uuid,
    /// How much of it, by its number.
    pub depth: i16,
    /// What the recipient sees, sealed with the owner's data key.
    pub rendering: Vec<u8>,
    /// What the owner would like in return, by its number.
    pub wished_response: i16,
    /// When it is made.
    pub create_time: jiff::Timestamp,
    /// From when until when it is open.
    pub window: Window,
    /// MAC of the request.
    pub request_mac: [u8; 32],
}

/// A share as its owner's row says it.
pub struct OwnShare {
    /// Its id.
    pub share_id: Uuid,
    /// With whom.
    pub recipient_id: Uuid,
    /// What kind of thing, by its number.
    pub kind: i16,
    /// What of.
    pub item_id: Uuid,
    /// How much of it, by its number.
    pub depth: i16,
    /// What the recipient sees, sealed; none once the item was deleted for good.
    pub rendering: Option<Vec<u8>>,
    /// What the owner would like in return, by its number.
    pub wished_response: i16,
    /// When it was made.
    pub create_time: jiff::Timestamp,
    /// From when until when it is open.
    pub window: Window,
    /// Whether its owner took it back.
    pub withdrawn: bool,
    /// When the recipient said that they read it.
    pub told_read_time: Option<jiff::Timestamp>,
    /// Whether there is an answer.
    pub answered: bool,
    /// How understood the owner felt, 1 to 5.
    pub felt_understood: Option<i16>,
    /// When the link it was made under ended, if it did.
    pub unlinked_at: Option<jiff::Timestamp>,
}

/// What may be told of a share.
#[derive(Clone, Copy)]
pub struct ShareFacts {
    /// Whose.
    pub account_id: Uuid,
    /// The share.
    pub share_id: Uuid,
    /// With whom.
    pub recipient_id: Uuid,
    /// The link it was made under.
    pub couple_id: Uuid,
    /// From when until when it is open.
    pub window: Window,
    /// When it was made.
    pub create_time: jiff::Timestamp,
    /// When it was answered, if it is.
    pub answer_time: Option<jiff::Timestamp>,
    /// Whether its owner took it back.
    pub withdrawn: bool,
}

/// Lets an account's new shares come one after another, until the transaction ends, so that they can be counted.
pub async fn queue_up(conn: &mut PgConnection, account_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('shares of ' || $1::uuid, 0))", account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// When an account made its nth newest share, if it made so many after a moment.
pub async fn nth_newest(
    conn: &mut PgConnection,
    account_id: Uuid,
    n: i64,
    after: jiff::Timestamp,
) -> Result<Option<jiff::Timestamp>, sqlx::Error> {
    let time = sqlx::query_scalar!(
        r#"SELECT create_time AS "time: Timestamp" FROM shares WHERE account_id = $1 AND create_time > $2
           ORDER BY create_time DESC OFFSET $3 LIMIT 1"#,
        account_id,
        after.to_sqlx() as Timestamp,
        n - 1,
    )
    .fetch_optional(conn)
    .await?;
    Ok(time.map(Timestamp::to_jiff))
}

/// Inserts a share, and says whether it was not there yet.
pub async fn insert_share(conn: &mut PgConnection, share: &NewShare) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO shares (account_id, share_id, recipient_id, couple_id, kind, item_id, depth, rendering,
                             wished_response, create_time, open_time, expire_time, request_mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (account_id, share_id) DO NOTHING",
        share.account_id,
        share.share_id,
        share.recipient_id,
        share.couple_id,
        share.kind,
        share.item_id,
        share.depth,
        share.rendering,
        share.wished_response,
        share.create_time.to_sqlx() as Timestamp,
        share.window.open_time.to_sqlx() as Timestamp,
        share.window.expire_time.to_sqlx() as Timestamp,
        share.request_mac.as_slice(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The MAC of the request that made a share, if there is one with this id.
pub async fn share_mac(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT request_mac FROM shares WHERE account_id = $1 AND share_id = $2",
        account_id,
        share_id
    )
    .fetch_optional(conn)
    .await
}

/// One of an account's own shares.
pub async fn find_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
) -> Result<Option<OwnShare>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT s.share_id AS "share_id!", s.recipient_id AS "recipient_id!", s.kind AS "kind!",
                  s.item_id AS "item_id!", s.depth AS "depth!", s.rendering, s.wished_response AS "wished_response!",
                  s.create_time AS "create_time!", s.open_time AS "open_time!", s.expire_time AS "expire_time!",
                  s.withdraw_time IS NOT NULL AS "withdrawn!", s.told_read_time,
                  s.answer_time IS NOT NULL AS "answered!", s.felt_understood, journal_link_ended(s.couple_id) AS "unlinked_at?"
           FROM shares s
           WHERE s.account_id = $1 AND s.share_id = $2"#,
        account_id,
        share_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(OwnShare::from))
}

/// Takes a share back, unless it was before; says what may be told of it when it was taken back now.
pub async fn withdraw_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
    now: jiff::Timestamp,
) -> Result<Option<ShareFacts>, sqlx::Error> {
    let row = sqlx::query_as!(
        FactsRow,
        r#"UPDATE shares SET withdraw_time = $3
           WHERE account_id = $1 AND share_id = $2 AND withdraw_time IS NULL
           RETURNING account_id, share_id, recipient_id, couple_id, open_time, expire_time, create_time, answer_time,
                     TRUE AS "withdrawn!""#,
        account_id,
        share_id,
        now.to_sqlx() as Timestamp,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ShareFacts::from))
}

/// Takes back all shares of an item that is deleted for good, and forgets what they showed; says what may be told of
/// those that were taken back now.
pub async fn withdraw_shares_of(
    conn: &mut PgConnection,
    account_id: Uuid,
    item_id: Uuid,
    now: jiff::Timestamp,
) -> Result<Vec<ShareFacts>, sqlx::Error> {
    let rows = sqlx::query_as!(
        FactsRow,
        r#"WITH before AS (
               SELECT share_id, withdraw_time IS NOT NULL AS withdrawn FROM shares
               WHERE account_id = $1 AND item_id = $2 ORDER BY share_id FOR UPDATE
           )
           UPDATE shares s SET withdraw_time = COALESCE(s.withdraw_time, $3), rendering = NULL
           FROM before WHERE s.account_id = $1 AND s.share_id = before.share_id
           RETURNING s.account_id, s.share_id, s.recipient_id, s.couple_id, s.open_time, s.expire_time, s.create_time,
                     s.answer_time, before.withdrawn AS "withdrawn!""#,
        account_id,
        item_id,
        now.to_sqlx() as Timestamp,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ShareFacts::from).filter(|share| !share.withdrawn).collect())
}

/// What came of a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rated {
    /// It is kept.
    Kept,
    /// There is no answer to rate.
    Unanswered,
}

/// Keeps how understood the owner felt by the answer to a share, or takes it back; nothing when there is no such share.
pub async fn rate_share(
    conn: &mut PgConnection,
    account_id: Uuid,
    share_id: Uuid,
    felt_understood: Option<i16>,
) -> Result<Option<Rated>, sqlx::Error> {
    let answered = sqlx::query_scalar!(
        r#"UPDATE shares SET felt_understood = CASE WHEN answer_time IS NOT NULL THEN $3::smallint END
           WHERE account_id = $1 AND share_id = $2 RETURNING answer_time IS NOT NULL AS "answered!""#,
        account_id,
        share_id,
        felt_understood,
    )
    .fetch_optional(conn)
    .await?;
    Ok(answered.map(|answered| if answered { Rated::Kept } else { Rated::Unanswered }))
}

/// Facts of shares of all accounts, by account and id, after one of them. For telling all of them again; nothing that a
/// member waits for.
pub async fn shares_after(
    conn: &mut PgConnection,
    after: Key,
    limit: i64,
) -> Result<Vec<ShareFacts>, sqlx::Error> {
    let rows = sqlx::query_as!(
        FactsRow,
        r#"SELECT account_id, share_id, recipient_id, couple_id, open_time, expire_time, create_time, answer_time,
                  withdraw_time IS NOT NULL AS "withdrawn!"
           FROM shares WHERE (account_id, share_id) > ($1, $2) ORDER BY account_id, share_id LIMIT $3"#,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ShareFacts::from).collect())
}

pub(super) struct Row {
    pub(super) share_id: Uuid,
    pub(super) recipient_id: Uuid,
    pub(super) kind: i16,
    pub(super) item_id: Uuid,
    pub(super) depth: i16,
    pub(super) rendering: Option<Vec<u8>>,
    pub(super) wished_response: i16,
    pub(super) create_time: Timestamp,
    pub(super) open_time: Timestamp,
    pub(super) expire_time: Timestamp,
    pub(super) withdrawn: bool,
    pub(super) told_read_time: Option<Timestamp>,
    pub(super) answered: bool,
    pub(super) felt_understood: Option<i16>,
    pub(super) unlinked_at: Option<Timestamp>,
}

impl From<Row> for OwnShare {
    fn from(row: Row) -> Self {
        Self {
            share_id: row.share_id,
            recipient_id: row.recipient_id,
            kind: row.kind,
            item_id: row.item_id,
            depth: row.depth,
            rendering: row.rendering,
            wished_response: row.wished_response,
            create_time: row.create_time.to_jiff(),
            window: Window { open_time: row.open_time.to_jiff(), expire_time: row.expire_time.to_jiff() },
            withdrawn: row.withdrawn,
            told_read_time: row.told_read_time.map(Timestamp::to_jiff),
            answered: row.answered,
            felt_understood: row.felt_understood,
            unlinked_at: row.unlinked_at.map(Timestamp::to_jiff),
        }
    }
}

pub(super) struct FactsRow {
    pub(super) account_id: Uuid,
    pub(super) share_id: Uuid,
    pub(super) recipient_id: Uuid,
    pub(super) couple_id: Uuid,
    pub(super) open_time: Timestamp,
    pub(super) expire_time: Timestamp,
    pub(super) create_time: Timestamp,
    pub(super) answer_time: Option<Timestamp>,
    pub(super) withdrawn: bool,
}

impl From<FactsRow> for ShareFacts {
    fn from(row: FactsRow) -> Self {
        Self {
            account_id: row.account_id,
            share_id: row.share_id,
            recipient_id: row.recipient_id,
            couple_id: row.couple_id,
            window: Window { open_time: row.open_time.to_jiff(), expire_time: row.expire_time.to_jiff() },
            create_time: row.create_time.to_jiff(),
            answer_time: row.answer_time.map(Timestamp::to_jiff),
            withdrawn: row.withdrawn,
        }
    }
}
