//! `erasure` and `erasure_part`: what was asked to be destroyed, and what each part of Candor said of it.

mod rows;

pub use rows::{destroy, end_invitations, end_places};

use crate::domain::ErasurePart;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// An erasure as it is asked for.
pub struct NewErasure<'a> {
    /// The erasure.
    pub erasure_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The hash of the certificate's code.
    pub code_hash: &'a [u8; 32],
    /// Address and code, sealed, where a mail is wanted.
    pub letter: Option<&'a [u8]>,
    /// When it begins.
    pub begins_at: Timestamp,
}

/// An erasure that waits.
pub struct Waiting {
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it begins.
    pub begins_at: Timestamp,
    /// Whether the certificate's link goes by mail.
    pub mail_certificate: bool,
}

/// An erasure whose time has come, or that has begun.
pub struct Under {
    /// The erasure.
    pub erasure_id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// Address and code, sealed, where a mail is wanted.
    pub letter: Option<Vec<u8>>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it began, or is to begin.
    pub begun_at: Timestamp,
    /// How often it was told.
    pub told: i32,
}

/// What is kept of an erasure that is done.
pub struct Done<'a> {
    /// From when on no backup holds a key.
    pub backups_end_at: Option<Timestamp>,
    /// The certificate.
    pub certificate: &'a str,
    /// Its signature.
    pub signature: &'a [u8],
    /// The key that signed it.
    pub key_id: Uuid,
}

/// An erasure as whoever has its code sees it.
pub struct Found {
    /// The erasure.
    pub erasure_id: Uuid,
    /// When it begins, or began.
    pub begins_at: Timestamp,
    /// Whether it has begun.
    pub begun: bool,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// From when on no backup holds a key.
    pub backups_end_at: Option<Timestamp>,
    /// The certificate.
    pub certificate: Option<String>,
    /// Its signature.
    pub signature: Option<Vec<u8>>,
    /// The public key of the signature.
    pub public_key: Option<Vec<u8>>,
}

/// Keeps an erasure, or gives the one that waits its new code; says whether it is new. `None` when it has begun already.
pub async fn keep(
    conn: &mut PgConnection,
    new: &NewErasure<'_>,
    now: Timestamp,
) -> Result<Option<(Waiting, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"INSERT INTO erasure AS kept (erasure_id, account_id, code_hash, mail_certificate, letter, requested_at, begins_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (account_id) DO UPDATE
               SET code_hash = excluded.code_hash, mail_certificate = excluded.mail_certificate, letter = excluded.letter
               WHERE kept.begun_at IS NULL
           RETURNING erasure_id, requested_at, begins_at, mail_certificate"#,
        new.erasure_id,
        new.account_id,
        &new.code_hash[..],
        new.letter.is_some(),
        new.letter,
        now.to_sqlx() as _,
        new.begins_at.to_sqlx() as _,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let waiting = Waiting {
            requested_at: row.requested_at.to_jiff(),
            begins_at: row.begins_at.to_jiff(),
            mail_certificate: row.mail_certificate,
        };
        (waiting, row.erasure_id == new.erasure_id)
    }))
}

/// Takes an erasure back that waits; false where there is none.
pub async fn cancel(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query!("DELETE FROM erasure WHERE account_id = $1 AND begun_at IS NULL", account_id)
        .execute(conn)
        .await?;
    Ok(gone.rows_affected() == 1)
}

/// Somebody's erasure that waits.
pub async fn waiting(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Waiting>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT requested_at, begins_at, mail_certificate FROM erasure WHERE account_id = $1 AND begun_at IS NULL",
        account_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Waiting {
        requested_at: row.requested_at.to_jiff(),
        begins_at: row.begins_at.to_jiff(),
        mail_certificate: row.mail_certificate,
    }))
}

/// Erasures whose time has come, after one of them; oldest first.
pub async fn due(
    conn: &mut PgConnection,
    now: Timestamp,
    after: (Timestamp, Uuid),
    limit: i64,
) -> Result<Vec<Under>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT erasure_id, account_id AS "account_id!", letter, requested_at, begins_at, told FROM erasure
           WHERE begun_at IS NULL AND begins_at <= $1 AND (begins_at, erasure_id) > ($2, $3)
           ORDER BY begins_at, erasure_id LIMIT $4"#,
        now.to_sqlx() as _,
        after.0.to_sqlx() as _,
        after.1,
        limit
    )
    .fetch_all(conn)
    .await?;
    let due = rows.into_iter().map(|row| Under {
        erasure_id: row.erasure_id,
        account_id: row.account_id,
        letter: row.letter,
        requested_at: row.requested_at.to_jiff(),
        begun_at: row.begins_at.to_jiff(),
        told: row.told,
    });
    Ok(due.collect())
}

/// Notes that an erasure begins; false when it was called off, or somebody else has begun it. `letter` takes the place of the
/// one that was kept.
pub async fn begin(
    conn: &mut PgConnection,
    erasure_id: Uuid,
    letter: Option<&[u8]>,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let begun = sqlx::query!(
        "UPDATE erasure SET begun_at = $2, told_at = $2, told = 1, letter = $3
         WHERE erasure_id = $1 AND begun_at IS NULL",
        erasure_id,
        now.to_sqlx() as _,
        letter,
    )
    .execute(conn)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Erasures that have begun and are not done, each with when it was told last; the oldest first.
pub async fn begun(conn: &mut PgConnection, limit: i64) -> Result<Vec<(Under, Timestamp)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT erasure_id, account_id AS "account_id!", letter, requested_at, begun_at AS "begun_at!",
                  told_at AS "told_at!", told FROM erasure
           WHERE begun_at IS NOT NULL AND done_at IS NULL ORDER BY begun_at LIMIT $1"#,
        limit
    )
    .fetch_all(conn)
    .await?;
    let begun = rows.into_iter().map(|row| {
        let under = Under {
            erasure_id: row.erasure_id,
            account_id: row.account_id,
            letter: row.letter,
            requested_at: row.requested_at.to_jiff(),
            begun_at: row.begun_at.to_jiff(),
            told: row.told,
        };
        (under, row.told_at.to_jiff())
    });
    Ok(begun.collect())
}

/// How many erasures that began before a time, or were to, are not done.
pub async fn overdue(conn: &mut PgConnection, before: Timestamp) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM erasure
           WHERE COALESCE(begun_at, begins_at) < $1 AND done_at IS NULL"#,
        before.to_sqlx() as _
    )
    .fetch_one(conn)
    .await
}

/// Notes that an erasure is told once more; false when somebody else did so, or it is done.
pub async fn tell_again(
    conn: &mut PgConnection,
    erasure_id: Uuid,
    told: i32,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE erasure SET told = told + 1, told_at = $3 WHERE erasure_id = $1 AND told = $2 AND done_at IS NULL",
        erasure_id,
        told,
        now.to_sqlx() as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps what a part said, unless a later word of it is known; nothing where no such erasure is under way.
pub async fn keep_part(
    conn: &mut PgConnection,
    erasure_id: Uuid,
    part: &ErasurePart,
    said_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let (classes, counts): (Vec<String>, Vec<i64>) = part.destroyed.iter().cloned().unzip();
    sqlx::query!(
        "INSERT INTO erasure_part AS kept (erasure_id, service, erased_at, shredded_at, classes, counts)
         SELECT erasure_id, $2, $3, $4, $5, $6 FROM erasure WHERE erasure_id = $1 AND done_at IS NULL FOR SHARE
         ON CONFLICT (erasure_id, service) DO UPDATE
             SET erased_at = excluded.erased_at, shredded_at = excluded.shredded_at, classes = excluded.classes,
                 counts = excluded.counts
             WHERE kept.erased_at < excluded.erased_at",
        erasure_id,
        part.service,
        said_at.to_sqlx() as _,
        part.shredded_at.map(|at| at.to_sqlx()) as _,
        &classes,
        &counts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the parts said of an erasure, in the order of their names.
pub async fn parts(conn: &mut PgConnection, erasure_id: Uuid) -> Result<Vec<ErasurePart>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT service, shredded_at, classes, counts FROM erasure_part WHERE erasure_id = $1 ORDER BY service",
        erasure_id
    )
    .fetch_all(conn)
    .await?;
    let parts = rows.into_iter().map(|row| ErasurePart {
        service: row.service,
        shredded_at: row.shredded_at.map(|at| at.to_jiff()),
        destroyed: row.classes.into_iter().zip(row.counts).collect(),
    });
    Ok(parts.collect())
}

/// Holds an erasure that is under way until the transaction ends; false when it is done.
pub async fn hold(conn: &mut PgConnection, erasure_id: Uuid) -> Result<bool, sqlx::Error> {
    let held = sqlx::query_scalar!(
        "SELECT erasure_id FROM erasure WHERE erasure_id = $1 AND begun_at IS NOT NULL AND done_at IS NULL FOR UPDATE",
        erasure_id
    )
    .fetch_optional(conn)
    .await?;
    Ok(held.is_some())
}

/// Notes that an erasure is done. From here on nothing says whose it was.
pub async fn finish(
    conn: &mut PgConnection,
    erasure_id: Uuid,
    done: &Done<'_>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE erasure SET account_id = NULL, letter = NULL, done_at = $2, backups_end_at = $3, certificate = $4,
                            signature = $5, key_id = $6
         WHERE erasure_id = $1",
        erasure_id,
        now.to_sqlx() as _,
        done.backups_end_at.map(|at| at.to_sqlx()) as _,
        done.certificate,
        done.signature,
        done.key_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The erasure of a code.
pub async fn find(conn: &mut PgConnection, code_hash: &[u8; 32]) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT e.erasure_id, coalesce(e.begun_at, e.begins_at) AS "begins_at!", e.begun_at IS NOT NULL AS "begun!",
                  e.done_at, e.backups_end_at, e.certificate, e.signature, k.public_key AS "public_key?"
           FROM erasure e LEFT JOIN audit_key k ON k.key_id = e.key_id WHERE e.code_hash = $1"#,
        &code_hash[..]
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Found {
        erasure_id: row.erasure_id,
        begins_at: row.begins_at.to_jiff(),
        begun: row.begun,
        done_at: row.done_at.map(|at| at.to_jiff()),
        backups_end_at: row.backups_end_at.map(|at| at.to_jiff()),
        certificate: row.certificate,
        signature: row.signature,
        public_key: row.public_key,
    }))
}
