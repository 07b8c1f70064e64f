//! Looking at somebody's ledger. One operator asks, another one agrees, and then the one who asked reads it for an hour; each
//! look stands in that ledger, and every step is in the audit. Neither is ever whose ledger it is, or who reported.

mod asking;
mod reading;

pub use asking::{Ask, SealedAsk, answer, ask, seal_ask, withdraw};
pub use reading::{Read, Request, look_at, note_look, read, requests};

use super::{
    Accounts,
    audit::{self, Record, SealedNote},
};
use crate::{
    Error, LedgerLookError,
    domain::{
        LookCourse, LookState,
        audit::{Action, Details, Subject},
    },
    store::ledger_look::{self as store, Stored},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Where what the other operator has to know is sealed, under the service's own key: it is a word of staff, about no more than
/// a report is.
fn note_place(request_id: Uuid) -> Place<'static> {
    Place { table: "ledger_look", column: "note", row: request_id }
}

/// How a request stands. One of two who may not act any more is as good as none: then nothing of it is open or waits.
fn state(found: &Stored, now: Timestamp) -> LookState {
    let course = LookCourse {
        expires_at: found.expires_at.to_jiff(),
        agreed: found.agreed,
        read_until: found.read_until.map(|until| until.to_jiff()),
        withdrawn: found.ended_at.is_some(),
    };
    match LookState::at(&course, now) {
        LookState::Waiting | LookState::Open if !found.both_act => LookState::Withdrawn,
        state => state,
    }
}

/// Holds whoever is concerned, the lower id first, and reads a request as it is then.
async fn hold(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
) -> Result<Stored, Error> {
    let found = find(accounts, conn, by, request_id).await?;
    let concerned: Vec<_> = [found.account_id, found.asked_by].into_iter().chain(found.answered_by).collect();
    super::standing::hold_with(accounts, conn, by, &concerned).await?;
    // Once more, now that nobody else acts on it or takes anybody's role meanwhile.
    find(accounts, conn, by, request_id).await
}

async fn find(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
) -> Result<Stored, Error> {
    let found = store::find(conn, by.account_id, request_id, accounts.clock.now()).await?;
    found.ok_or_else(|| LedgerLookError::NotFound.into())
}

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    (action, subject): (Action, Subject),
    details: Details,
    note: Option<SealedNote>,
) -> Result<(), Error> {
    audit::record(conn, accounts, Record { actor: audit::actor(by), action, subject, details, note }).await
}
