//! Asking, agreeing, and taking either back.

use super::{hold, note_place, record, state};
use crate::{
    Error, LedgerLookError,
    app::{
        Accounts,
        audit::{self, SealedNote},
        random_id, standing,
    },
    domain::{
        ASK_LIFE, ASK_PACE, LOOKS_LISTED, LedgerLookReason, LookCause, LookNote, LookState, READ_FOR,
        audit::{Action, Details, Subject},
    },
    store::{
        ledger_look::{self as store, NewLook, Stored},
        throttle,
    },
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;

/// What an operator asks for.
pub struct Ask {
    /// The id the client chose, if it did.
    pub request_id: Option<Uuid>,
    /// What it rests on.
    pub cause: LookCause,
    /// Why.
    pub reason: LedgerLookReason,
}

/// A request, sealed and not kept yet.
pub struct SealedAsk {
    request_id: Uuid,
    cause: LookCause,
    reason: LedgerLookReason,
    note: Vec<u8>,
    attempt_mac: [u8; 32],
    counted_as: [u8; 32],
    audited: SealedNote,
}

/// Makes a request ready. May ask the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn seal_ask(
    accounts: &Accounts,
    operator_id: Uuid,
    ask: &Ask,
    note: &LookNote,
) -> Result<SealedAsk, Error> {
    let Ask { request_id, cause, reason } = *ask;
    let request_id = request_id.map_or_else(random_id, Ok)?;
    let key = accounts.key().await?;
    let of = |id: Option<Uuid>| id.unwrap_or_default().into_bytes();
    let mut attempt = Vec::with_capacity(64);
    attempt.extend_from_slice(&of(cause.report_id()));
    attempt.extend_from_slice(&of(cause.look_id()));
    attempt.extend_from_slice(&reason.number().to_be_bytes());
    attempt.extend_from_slice(note.as_str().as_bytes());
    Ok(SealedAsk {
        request_id,
        cause,
        reason,
        note: key.seal(&note_place(request_id), note.as_str().as_bytes()),
        attempt_mac: key.mac("ledger look", &attempt),
        counted_as: key.mac("ledger looks asked for by an account", operator_id.as_bytes()),
        audited: audit::seal_note(accounts, note.as_str()).await?,
    })
}

/// Asks for a ledger, and returns the request's id. The same asked for again under the same id changes nothing.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`LedgerLookError::NoCause`] for a report that is not about somebody who is
/// here to be helped, or is the operator's own, and for a look that is too old; [`LedgerLookError::TooMany`],
/// [`LedgerLookError::IdReused`].
pub async fn ask(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    ask: SealedAsk,
) -> Result<Uuid, Error> {
    let (now, operator_id, request_id) = (accounts.clock.now(), by.account_id, ask.request_id);
    standing::hold(accounts, conn, by).await?;
    match store::is_retry(conn, operator_id, request_id, &ask.attempt_mac).await? {
        Some(true) => return Ok(request_id),
        Some(false) => return Err(LedgerLookError::IdReused.into()),
        None => {}
    }
    let whose = match ask.cause {
        LookCause::Report(id) => store::reported(conn, operator_id, id).await?,
        LookCause::Support(id) => store::looked_at(conn, operator_id, id, now - LOOKS_LISTED).await?,
    };
    let account_id = whose.ok_or(LedgerLookError::NoCause)?;
    if !throttle::take(conn, &ask.counted_as, ASK_PACE, now).await? {
        return Err(LedgerLookError::TooMany(ASK_PACE.interval.unsigned_abs()).into());
    }
    let new = NewLook {
        request_id,
        account_id,
        report_id: ask.cause.report_id(),
        look_id: ask.cause.look_id(),
        reason: ask.reason.as_str(),
        note: &ask.note,
        attempt_mac: &ask.attempt_mac,
        asked_by: operator_id,
        expires_at: now + ASK_LIFE,
    };
    if !store::insert(conn, &new, now).await? {
        return Err(LedgerLookError::IdReused.into());
    }
    let details = Details::none().id("request", request_id).code("reason", ask.reason.as_str());
    let details = match ask.cause {
        LookCause::Report(id) => details.id("report", id),
        LookCause::Support(id) => details.id("look", id),
    };
    let asked = (Action::LedgerAskedFor, Subject::account(account_id));
    record(accounts, conn, by, asked, details, Some(ask.audited)).await?;
    Ok(request_id)
}

/// Agrees to a request, or not.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`LedgerLookError::NotFound`], [`LedgerLookError::AnotherOperator`] for
/// whoever asked, [`LedgerLookError::NotWaiting`].
pub async fn answer(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
    agreed: bool,
) -> Result<(), Error> {
    let (found, now) = (hold(accounts, conn, by, request_id).await?, accounts.clock.now());
    if found.asked_by == by.account_id {
        return Err(LedgerLookError::AnotherOperator.into());
    }
    let read_until = agreed.then(|| now + READ_FOR);
    let waits = state(&found, now) == LookState::Waiting;
    if !waits || !store::answer(conn, request_id, by.account_id, read_until, now).await? {
        return Err(LedgerLookError::NotWaiting.into());
    }
    let action = if agreed { Action::LedgerAgreedTo } else { Action::LedgerDeclined };
    tell(accounts, conn, by, &found, action).await
}

/// Takes a request back, or the agreement to it. What is over already stays as it is.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`LedgerLookError::NotFound`] for whoever neither asked nor agreed.
pub async fn withdraw(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    request_id: Uuid,
) -> Result<(), Error> {
    let found = hold(accounts, conn, by, request_id).await?;
    if ![Some(found.asked_by), found.answered_by].contains(&Some(by.account_id)) {
        return Err(LedgerLookError::NotFound.into());
    }
    if !store::withdraw(conn, request_id, accounts.clock.now()).await? {
        return Ok(());
    }
    tell(accounts, conn, by, &found, Action::LedgerTakenBack).await
}

async fn tell(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    found: &Stored,
    action: Action,
) -> Result<(), Error> {
    let details = Details::none().id("request", found.request_id);
    let done = (action, Subject::account(found.account_id));
    record(accounts, conn, by, done, details, None).await
}
