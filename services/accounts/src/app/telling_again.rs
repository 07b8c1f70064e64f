//! What accounts has, page by page as its events would tell of it, for consumers that lost what they knew.

use super::announce::{
    care, circle, consent, counselor, couple, epoch_raised, profile_changed, registered, software_consent,
    verified,
};
use crate::store::{
    access,
    account::{self, State},
    care, circle, consent, counselor, couple, couple_care, software,
};
use bus::resnapshot::Page;
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Things told at a time.
const PAGE: i64 = 500;

/// A page of the accounts as they are now, for consumers that lost what they knew.
///
/// # Errors
/// When the database fails.
pub async fn current_state(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = account::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.account_id);
    // Of whoever is proven also what they may have corrected, for those who act on that alone.
    let tell = |state: &State| match state.verified {
        true => vec![verified(ids, now, state), profile_changed(ids, now, state)],
        false => vec![registered(ids, now, state)],
    };
    Ok(Page { events: states.iter().flat_map(tell).collect(), next })
}

/// A page of the couples as they are now, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_couples(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = couple::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.couple_id);
    Ok(Page { events: states.iter().map(|state| couple(ids, now, state)).collect(), next })
}

/// A page of the places in circles as they are now, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_circles(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = circle::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.circle_id);
    Ok(Page { events: states.iter().map(|state| circle(ids, now, state)).collect(), next })
}

/// A page of the care there is or was, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_care(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = care::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.care_id);
    Ok(Page { events: states.iter().map(|state| care(ids, now, state)).collect(), next })
}

/// A page of the care of couples there is or was, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_couple_care(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = couple_care::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.care_id);
    Ok(Page { events: states.iter().map(|state| care(ids, now, state)).collect(), next })
}

/// A page of the consents there are or were, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_consents(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = consent::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.consent_id);
    Ok(Page { events: states.iter().map(|state| consent(ids, now, state)).collect(), next })
}

/// A page of the consents to software there are or were, ended ones as ended.
///
/// # Errors
/// When the database fails.
pub async fn current_software_consents(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = software::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.consent_id);
    Ok(Page { events: states.iter().map(|state| software_consent(ids, now, state)).collect(), next })
}

/// A page of who is a counselor, or was and is none for now.
///
/// # Errors
/// When the database fails.
pub async fn current_counselors(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let states = counselor::states_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = states.last().filter(|_| is_full(&states)).map(|last| last.account_id);
    Ok(Page { events: states.iter().map(|state| counselor(ids, now, state)).collect(), next })
}

/// A page of the access epochs as they are now.
///
/// # Errors
/// When the database fails.
pub async fn current_epochs(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<(Uuid, Uuid)>,
) -> Result<Page<(Uuid, Uuid)>, sqlx::Error> {
    let epochs = access::epochs_after(conn, after.unwrap_or_default(), PAGE).await?;
    let next = epochs.last().filter(|_| is_full(&epochs)).map(|last| (last.owner_id, last.reader_id));
    Ok(Page { events: epochs.iter().map(|epoch| epoch_raised(ids, now, epoch)).collect(), next })
}

fn is_full<T>(page: &[T]) -> bool {
    i64::try_from(page.len()).is_ok_and(|count| count == PAGE)
}
