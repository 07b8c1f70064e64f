//! Erasure, as each service takes part in it: whoever is erased gets a tombstone here; what there is of them is destroyed,
//! once at once and once more when nobody can be writing for them any more; then the service answers.
//!
//! The tombstone stays. An event whose body names somebody who has one is taken over without effect ([`Inbox`] does so for
//! every handler, a new one included), so nothing that comes late brings anything back. Ids stand in bodies as text, which
//! is how they are found there. A kind of event that names others beside whom it is about says so ([`Inbox::about`]): that
//! one of the others is erased must not take from those it is about what they are to know.
//!
//! [`Inbox`]: crate::Inbox
//! [`Inbox::about`]: crate::Inbox::about

mod participant;
mod store;

pub use participant::{Answer, Participant, run, run_once};

use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// How much was destroyed, by class: words of the code, such as `entries`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, i64>);

impl Tally {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to a class; nothing is not worth a word.
    pub fn add(&mut self, class: &str, rows: u64) {
        if rows > 0 {
            *self.0.entry(class.to_owned()).or_default() += i64::try_from(rows).unwrap_or(i64::MAX);
        }
    }

    /// Adds all of another.
    pub fn extend(&mut self, other: Self) {
        for (class, rows) in other.0 {
            *self.0.entry(class).or_default() += rows;
        }
    }

    /// The classes in their order, and how much of each.
    pub fn columns(&self) -> (Vec<String>, Vec<i64>) {
        self.0.iter().map(|(class, rows)| (class.clone(), *rows)).unzip()
    }

    /// Of columns.
    fn of(classes: Vec<String>, counts: Vec<i64>) -> Self {
        Self(classes.into_iter().zip(counts).collect())
    }
}

/// Notes that somebody is erased, in the transaction of whatever said so. From its commit on no event about them has any
/// effect here. Said again after the answer, everything is looked through and answered once more.
pub async fn begin(
    conn: &mut PgConnection,
    account_id: Uuid,
    erasure_id: Uuid,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    store::begin(conn, account_id, erasure_id, now).await
}

/// Counts what whoever begins an erasure destroys in that same transaction, for the answer.
pub async fn count(conn: &mut PgConnection, account_id: Uuid, tally: &Tally) -> Result<(), sqlx::Error> {
    store::count(conn, account_id, tally).await
}

/// Destroys what the bus keeps of what was told about somebody: published events that name them, and those that failed and
/// are about them. What is not yet published stays; see [`is_pending`].
pub async fn forget(
    conn: &mut PgConnection,
    account_id: Uuid,
    is_about: impl Fn(&str, &[u8]) -> bool,
) -> Result<u64, sqlx::Error> {
    store::forget(conn, account_id, is_about).await
}

/// Whether any event that names somebody still waits to be published.
pub async fn is_pending(conn: &mut PgConnection, account_id: Uuid) -> Result<bool, sqlx::Error> {
    store::is_pending(conn, account_id).await
}

/// Who is erased here, after the given account and in order, each with the erasure; for telling it again.
pub async fn erased_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    store::erased_after(conn, after, limit).await
}

/// Which of these are erased.
pub async fn among(conn: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    if ids.is_empty() { Ok(HashSet::new()) } else { store::among(conn, ids).await }
}

/// The length of an id as text.
const TEXT: usize = 36;

/// Every id that stands in a body as text, be it a field of its own or part of something longer.
pub(crate) fn named(body: &[u8]) -> impl Iterator<Item = Uuid> + '_ {
    body.windows(TEXT).filter_map(|window| {
        let hyphens = [8, 13, 18, 23].iter().all(|at| window.get(*at) == Some(&b'-'));
        if hyphens { Uuid::try_parse_ascii(window).ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tallies_add_up_and_say_nothing_of_nothing() {
        let mut tally = Tally::new();
        tally.add("entries", 2);
        tally.add("moods", 0);
        let mut other = Tally::of(vec!["answers".into(), "entries".into()], vec![1, 3]);
        other.extend(tally);
        assert_eq!(other.columns(), (vec!["answers".to_owned(), "entries".to_owned()], vec![1, 5]));
    }

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let (one, two) = (Uuid::from_u128(1 << 100), Uuid::from_u128(7));
        let body =
            [b"\x0a\x24", one.to_string().as_bytes(), b"\x12\x25x", two.to_string().as_bytes()].concat();
        assert_eq!(named(&body).collect::<Vec<_>>(), [one, two]);
        assert_eq!(named(b"--------------------------------------").count(), 0);
        assert_eq!(named(&body[..30]).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_looked_through(before: Vec<u8>, id: u128, after: Vec<u8>) {
            let id = Uuid::from_u128(id);
            let body = [&before[..], id.to_string().as_bytes(), &after[..]].concat();
            prop_assert!(named(&body).any(|found| found == id));
        }
    }
}
