//! Dead letters: events whose handler failed too often. They stay in the consumer's table until somebody
//! lets them try again; the running inbox picks them up by itself.

use crate::store;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// An event given up, as it is shown to an operator: no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose handler failed.
    pub consumer: String,
    /// The event.
    pub event_id: Uuid,
    /// Its routing key.
    pub key: String,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// How often it was tried.
    pub attempts: i32,
    /// The kind of the last failure, such as `UNDECODABLE` or an SQLSTATE.
    pub reason: String,
    /// Since when.
    pub dead_at: Timestamp,
}

/// A page of dead letters, at most 100, after the given `(consumer, event_id)`.
pub async fn list(
    conn: &mut PgConnection,
    after: Option<(&str, Uuid)>,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    store::dead_letters(conn, after, 100).await
}

/// Lets one dead letter try again, five times, from `now` on. `false`: there is no such dead letter.
pub async fn one(
    conn: &mut PgConnection,
    consumer: &str,
    event_id: Uuid,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    store::revive(conn, consumer, event_id, now).await
}

/// Lets all dead letters of a consumer (or of every consumer of this database) try again; says how many.
pub async fn all(
    conn: &mut PgConnection,
    consumer: Option<&str>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    store::revive_all(conn, consumer, now).await
}
