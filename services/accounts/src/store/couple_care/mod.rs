//! `couple_care` and `couple_care_member`: which couple is in which counselor's care, and what each of the two agreed to.

mod ending;
mod lists;
mod policy;

pub use ending::{Ended, end, expire, open_between, open_of_counselor, open_of_couple, sweep};
pub use lists::{Couple, Mine, Partner, couples, members_of, mine, partners, states_after};
pub use policy::{Version, add_agreement, hold_proposal, propose, remove_proposal, versions};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// The link that care of a couple hangs on, as one of the two has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The link.
    pub couple_id: Uuid,
    /// The other.
    pub partner_id: Uuid,
}

/// A proposal as it is kept.
pub struct NewCoupleCare<'a> {
    /// The care.
    pub care_id: Uuid,
    /// The link.
    pub link: Link,
    /// Who proposes it.
    pub proposer_id: Uuid,
    /// Who would be asked.
    pub counselor_id: Uuid,
    /// What the proposer says of themself.
    pub own: Own<'a>,
    /// How confidentiality is to be.
    pub policy: &'a str,
    /// When it is over by itself.
    pub expires_at: Timestamp,
}

/// What one of the two says of themself with their consent.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    /// Where they say they are.
    pub jurisdiction: &'a str,
    /// Their name, sealed under their key.
    pub name: &'a [u8],
}

/// Whom a care is about, whatever became of it.
pub struct Parties {
    /// The link.
    pub couple_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// The two.
    pub member_ids: Vec<Uuid>,
}

impl Parties {
    /// All three.
    pub fn all(&self) -> Vec<Uuid> {
        self.member_ids.iter().copied().chain([self.counselor_id]).collect()
    }
}

/// Care that is open, held until the transaction ends.
pub struct Held {
    /// Who proposed it.
    pub proposer_id: Uuid,
    /// The link.
    pub couple_id: Uuid,
    /// The counselor.
    pub counselor_id: Uuid,
    /// How it stands.
    pub state: String,
    /// Whether the counselor may act for both, and nobody keeps another away.
    pub open_to_counselor: bool,
}

/// Somebody's link, held so that it does not end before the transaction does.
pub async fn hold_link(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Link>, sqlx::Error> {
    sqlx::query_as!(
        Link,
        "SELECT couple_id, partner_id FROM couple_member WHERE account_id = $1 FOR KEY SHARE",
        account_id
    )
    .fetch_optional(conn)
    .await
}

/// The other of somebody's link.
pub async fn partner_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT partner_id FROM couple_member WHERE account_id = $1", account_id)
        .fetch_optional(conn)
        .await
}

/// Keeps a proposal, which its proposer agrees to.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewCoupleCare<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO couple_care (care_id, couple_id, proposer_id, counselor_id, state, proposed_at, expires_at)
         VALUES ($1, $2, $3, $4, 'proposed', $5, $6)",
        new.care_id,
        new.link.couple_id,
        new.proposer_id,
        new.counselor_id,
        now.to_sqlx(),
        new.expires_at.to_sqlx()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO couple_care_member (care_id, member_id, agreed_at, jurisdiction, name)
         VALUES ($1, $2, $3, $4, $5), ($1, $6, NULL, NULL, NULL)",
        new.care_id,
        new.proposer_id,
        now.to_sqlx() as _,
        new.own.jurisdiction,
        new.own.name,
        new.link.partner_id
    )
    .execute(&mut *conn)
    .await?;
    propose(conn, new.care_id, new.proposer_id, new.policy, new.expires_at).await?;
    Ok(())
}

/// The care with a counselor that a couple has open, and who proposed it.
pub async fn open_with(
    conn: &mut PgConnection,
    couple_id: Uuid,
    counselor_id: Uuid,
) -> Result<Option<(Uuid, Uuid)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT care_id, proposer_id FROM couple_care
         WHERE couple_id = $1 AND counselor_id = $2 AND state IN ('proposed', 'asked', 'active')",
        couple_id,
        counselor_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.care_id, row.proposer_id)))
}

/// Whether a couple is in somebody's care.
pub async fn has_active(conn: &mut PgConnection, couple_id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM couple_care WHERE couple_id = $1 AND state = 'active') AS "has!""#,
        couple_id
    )
    .fetch_one(conn)
    .await
}

/// How many proposals of one of a couple's are open.
pub async fn count_proposed(
    conn: &mut PgConnection,
    couple_id: Uuid,
    proposer_id: Uuid,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM couple_care
           WHERE couple_id = $1 AND proposer_id = $2 AND state IN ('proposed', 'asked')"#,
        couple_id,
        proposer_id
    )
    .fetch_one(conn)
    .await
}

/// Whom a care is about, if it is about somebody.
pub async fn parties(
    conn: &mut PgConnection,
    care_id: Uuid,
    account_id: Uuid,
) -> Result<Option<Parties>, sqlx::Error> {
    let parties = sqlx::query_as!(
        Parties,
        r#"SELECT c.couple_id, c.counselor_id, array_agg(m.member_id ORDER BY m.member_id) AS "member_ids!"
           FROM couple_care c JOIN couple_care_member m USING (care_id)
           WHERE c.care_id = $1 GROUP BY c.care_id"#,
        care_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(parties.filter(|parties| parties.all().contains(&account_id)))
}

/// Holds care that is not over until the transaction ends.
pub async fn hold(
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"SELECT proposer_id, couple_id, counselor_id, state,
                  couple_care_open_to(counselor_id, care_id, $2) AS "open_to_counselor!"
           FROM couple_care
           WHERE care_id = $1 AND (state = 'active' OR state IN ('proposed', 'asked') AND expires_at > $2)
           FOR UPDATE"#,
        care_id,
        now.to_sqlx() as _
    )
    .fetch_optional(conn)
    .await
}

/// Notes that the second of the two agreed: the counselor is asked.
pub async fn agree(
    conn: &mut PgConnection,
    care_id: Uuid,
    member_id: Uuid,
    own: Own<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE couple_care_member SET agreed_at = $3, said_no = false, jurisdiction = $4, name = $5
         WHERE care_id = $1 AND member_id = $2",
        care_id,
        member_id,
        now.to_sqlx(),
        own.jurisdiction,
        own.name
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("UPDATE couple_care SET state = 'asked' WHERE care_id = $1", care_id).execute(conn).await?;
    Ok(())
}

/// Notes that whoever was asked to agree said no.
pub async fn say_no(conn: &mut PgConnection, care_id: Uuid, member_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE couple_care_member SET said_no = true
         WHERE care_id = $1 AND member_id = $2 AND agreed_at IS NULL",
        care_id,
        member_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Begins care that is held.
pub async fn start(conn: &mut PgConnection, care_id: Uuid, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE couple_care SET state = 'active', started_at = $2 WHERE care_id = $1",
        care_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the counselor has seen one of the two alone; false when they are none of the two. The first time counts.
pub async fn confirm_seen_alone(
    conn: &mut PgConnection,
    care_id: Uuid,
    member_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let confirmed = sqlx::query!(
        "UPDATE couple_care_member SET seen_alone_at = COALESCE(seen_alone_at, $3)
         WHERE care_id = $1 AND member_id = $2",
        care_id,
        member_id,
        now.to_sqlx()
    )
    .execute(conn)
    .await?;
    Ok(confirmed.rows_affected() == 1)
}

/// Forgets that the counselor has seen anybody alone.
pub async fn lock_joint_sessions(conn: &mut PgConnection, care_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE couple_care_member SET seen_alone_at = NULL WHERE care_id = $1", care_id)
        .execute(conn)
        .await?;
    Ok(())
}
