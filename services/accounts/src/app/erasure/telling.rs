//! Telling every part of Candor that the time has come, and telling it again until all of them have answered.

use super::{asking::letter, hold_with_ties, letter_place, taking_part::erase};
use crate::{
    Error,
    app::Accounts,
    domain::{ERASURE_PARTS, ERASURE_STUCK_AFTER, Letter, retell_after},
    store::erasure::{self, Under},
};
use bus::{Envelope, outbox, resnapshot::Page};
use candor_proto::accounts::v1::ErasureBegun;
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Erasures that are begun, or told again, in one turn at most.
const AT_ONCE: i64 = 50;
/// Erasures told at a time when all are told again.
const PAGE: i64 = 500;

/// Version 1 of an erasure: everything is to be destroyed. It may be told any number of times.
fn begun(ids: &Ids, now: Timestamp, erasure_id: Uuid, account_id: Uuid) -> Envelope {
    let event = ErasureBegun { erasure_id: erasure_id.to_string(), account_id: account_id.to_string() };
    Envelope::new(ids.next(), now, erasure_id, 1, &event)
}

/// Erasures whose time has come, some at a time: those after a moment and an erasure.
///
/// # Errors
/// When the database fails.
pub async fn due_erasures(
    accounts: &Accounts,
    after: Option<(Timestamp, Uuid)>,
) -> Result<Vec<Under>, Error> {
    let after = after.unwrap_or((Timestamp::UNIX_EPOCH, Uuid::nil()));
    Ok(erasure::due(&mut *accounts.pool.acquire().await?, accounts.clock.now(), after, AT_ONCE).await?)
}

/// The letter of an erasure that begins.
pub struct ResealedLetter(Option<Vec<u8>>);

/// Addresses the letter anew to where the person is reached by now, because after this nobody knows. Where that cannot be read
/// any more, because their key is gone (of an older backup that was put back), the letter stays as it was sealed: it must not
/// keep the erasure from beginning. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails, or the letter does not read back.
pub async fn reseal_letter(accounts: &Accounts, due: &Under) -> Result<ResealedLetter, Error> {
    let Some(sealed) = &due.letter else { return Ok(ResealedLetter(None)) };
    let plain = accounts.key().await?.open(&letter_place(due.account_id), sealed)?;
    let kept: Letter = serde_json::from_slice(&plain).map_err(|_| Error::Unreadable)?;
    let code = kept.token.as_deref().ok_or(Error::Unreadable)?;
    match letter(accounts, due.account_id, code).await {
        Ok(letter) => Ok(ResealedLetter(Some(letter))),
        Err(Error::Vault(vault::Error::Destroyed | vault::Error::Refused)) => {
            Ok(ResealedLetter(Some(sealed.clone())))
        }
        Err(error) => Err(error),
    }
}

/// Begins an erasure, unless it was called off: the account goes, and everybody is told. False when there was nothing to begin.
///
/// # Errors
/// When the database fails.
pub async fn begin_erasure(
    accounts: &Accounts,
    conn: &mut PgConnection,
    due: &Under,
    letter: &ResealedLetter,
) -> Result<bool, Error> {
    let now = accounts.clock.now();
    // Before the erasure, as whoever asks for one does.
    hold_with_ties(conn, due.account_id).await?;
    if !erasure::begin(conn, due.erasure_id, letter.0.as_deref(), now).await? {
        return Ok(false);
    }
    bus::erasure::begin(conn, due.account_id, due.erasure_id, now).await?;
    // Accounts' own rows at once, so that nobody goes on as them whatever becomes of the key store.
    let tally = erase(accounts, conn, due.account_id).await?;
    bus::erasure::count(conn, due.account_id, &tally).await?;
    outbox::append(conn, &[begun(&accounts.ids, now, due.erasure_id, due.account_id)]).await?;
    Ok(true)
}

/// Erasures that some part has not answered for so long that they are to be told again.
///
/// # Errors
/// When the database fails.
pub async fn erasures_to_tell_again(accounts: &Accounts) -> Result<Vec<Under>, Error> {
    let now = accounts.clock.now();
    let begun = erasure::begun(&mut *accounts.pool.acquire().await?, AT_ONCE).await?;
    let late = begun.into_iter().filter(|(under, told_at)| now >= *told_at + retell_after(under.told));
    Ok(late.map(|(under, _)| under).collect())
}

/// Tells an erasure again; returns the parts that have not answered, none when there is nothing to tell.
///
/// # Errors
/// When the database fails.
pub async fn tell_again(
    accounts: &Accounts,
    conn: &mut PgConnection,
    under: &Under,
) -> Result<Vec<&'static str>, Error> {
    let now = accounts.clock.now();
    let parts = erasure::parts(conn, under.erasure_id).await?;
    let answered = |service: &&'static str| parts.iter().any(|part| part.service == *service);
    let missing: Vec<_> = ERASURE_PARTS.into_iter().filter(|service| !answered(service)).collect();
    if missing.is_empty() || !erasure::tell_again(conn, under.erasure_id, under.told, now).await? {
        return Ok(Vec::new());
    }
    bus::erasure::begin(conn, under.account_id, under.erasure_id, now).await?;
    outbox::append(conn, &[begun(&accounts.ids, now, under.erasure_id, under.account_id)]).await?;
    Ok(missing)
}

/// How many erasures are stuck.
///
/// # Errors
/// When the database fails.
pub async fn overdue_erasures(accounts: &Accounts) -> Result<u64, Error> {
    let before = accounts.clock.now() - ERASURE_STUCK_AFTER;
    let overdue = erasure::overdue(&mut *accounts.pool.acquire().await?, before).await?;
    Ok(overdue.unsigned_abs())
}

/// A page of everybody who was ever erased, for consumers that lost what they knew.
///
/// # Errors
/// When the database fails.
pub async fn current_erasures(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    after: Option<Uuid>,
) -> Result<Page, sqlx::Error> {
    let erased = bus::erasure::erased_after(conn, after.unwrap_or_default(), PAGE).await?;
    let is_full = i64::try_from(erased.len()).is_ok_and(|count| count == PAGE);
    let next = erased.last().filter(|_| is_full).map(|(account_id, _)| *account_id);
    let events = erased.iter().map(|(account_id, erasure_id)| begun(ids, now, *erasure_id, *account_id));
    Ok(Page { events: events.collect(), next })
}
