//! The events of accounts, appended in the transaction that makes them true.

use crate::store::{
    account::{self, State},
    session::Ended,
};
use bus::{Envelope, outbox, resnapshot::Page};
use candor_proto::accounts::v1::{AccountRegistered, AccountVerified, SessionEnded};
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody registered.
pub(super) fn registered(ids: &Ids, now: Timestamp, state: &State) -> Envelope {
    let event = AccountRegistered {
        account_id: state.account_id.to_string(),
        time_zone: state.time_zone.clone(),
        locale: state.locale.clone(),
    };
    Envelope::new(ids.next(), now, state.account_id, state.version, &event)
}

/// An address is proven.
pub(super) fn verified(ids: &Ids, now: Timestamp, state: &State) -> Envelope {
    let event = AccountVerified {
        account_id: state.account_id.to_string(),
        time_zone: state.time_zone.clone(),
        locale: state.locale.clone(),
    };
    Envelope::new(ids.next(), now, state.account_id, state.version, &event)
}

/// Accounts told at a time.
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
    let is_full = i64::try_from(states.len()).is_ok_and(|count| count == PAGE);
    let next = states.last().filter(|_| is_full).map(|last| last.account_id);
    let tell =
        |state: &State| if state.verified { verified(ids, now, state) } else { registered(ids, now, state) };
    Ok(Page { events: states.iter().map(tell).collect(), next })
}

/// Sessions are over. Each is an aggregate of its own, and this is all that is ever told of it.
pub(super) async fn sessions_ended(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    ended: &[Ended],
) -> Result<(), sqlx::Error> {
    let events: Vec<_> = ended
        .iter()
        .map(|session| {
            let event = SessionEnded {
                account_id: session.account_id.to_string(),
                session_id: session.session_id.to_string(),
            };
            Envelope::new(ids.next(), now, session.session_id, 1, &event)
        })
        .collect();
    outbox::append(conn, &events).await
}
