//! The queue of mails: claimed, sent by a job outside any transaction, recorded.

use super::{Accounts, email_place, text};
use crate::{
    Error,
    domain::{Letter, LetterKind, MAIL_ATTEMPTS, mail_backoff},
    store::{
        mail::{self, Claimed, NewMail},
        security,
    },
};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};
use zeroize::Zeroizing;

/// Mails claimed at a time.
const AT_A_TIME: i64 = 16;
/// A mail whose replica died is sent again after this; well above what a slow mail server may take.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// Where a mail is sealed.
pub(super) fn letter_place(mail_id: Uuid) -> Place<'static> {
    Place { table: "mail_queue", column: "letter", row: mail_id }
}

/// Queues a mail of an account, sealed under its key.
pub(super) async fn queue_letter(
    accounts: &Accounts,
    conn: &mut PgConnection,
    (account_id, key): (Uuid, &DataKey),
    kind: LetterKind,
    letter: &Letter,
    send_at: Timestamp,
) -> Result<(), Error> {
    let mail_id = accounts.ids.next();
    let plain = Zeroizing::new(serde_json::to_vec(letter).map_err(|_| Error::Unreadable)?);
    let letter = &key.seal(&letter_place(mail_id), &plain);
    let new = NewMail { mail_id, account_id: Some(account_id), kind: kind.as_str(), letter, send_at };
    Ok(mail::insert(conn, &new, accounts.clock.now()).await?)
}

/// Claims mails that are due.
///
/// # Errors
/// When the database fails.
pub async fn claim_mails(accounts: &Accounts) -> Result<Vec<Claimed>, Error> {
    let now = accounts.clock.now();
    Ok(mail::claim(&mut *accounts.pool.acquire().await?, now, now + LEASE, AT_A_TIME).await?)
}

/// What a mail says; `None` for one that nobody can read any more, because its account's key was destroyed, or that is
/// not wanted any more.
///
/// # Errors
/// When the key store is away, or the mail does not read back.
pub async fn open_letter(
    accounts: &Accounts,
    claimed: &Claimed,
) -> Result<Option<(LetterKind, Letter)>, Error> {
    let kind = LetterKind::stored(&claimed.kind).ok_or(Error::Unreadable)?;
    let Some(account_id) = claimed.account_id else {
        let letter = read(accounts.key().await?, claimed)?;
        return Ok(Some((kind, letter)));
    };
    let key = match accounts.vault.data_key(account_id).await {
        Err(vault::Error::Destroyed) => return Ok(None),
        key => key?,
    };
    if kind.only_points() {
        let found = security::get(&mut *accounts.pool.acquire().await?, account_id).await?;
        // Whoever does not want such mails any more gets none that was queued before.
        let Some(found) = found.filter(|found| found.notices_by_mail) else { return Ok(None) };
        let to = text(&key.open(&email_place(account_id), &found.email)?)?;
        return Ok(Some((kind, Letter { to, token: None })));
    }
    Ok(Some((kind, read(&key, claimed)?)))
}

fn read(key: &DataKey, claimed: &Claimed) -> Result<Letter, Error> {
    let plain = key.open(&letter_place(claimed.mail_id), &claimed.letter)?;
    serde_json::from_slice(&plain).map_err(|_| Error::Unreadable)
}

/// Records that a mail was sent, or is not wanted any more.
///
/// # Errors
/// When the database fails; the mail is then sent once more.
pub async fn mail_sent(accounts: &Accounts, claimed: &Claimed) -> Result<(), Error> {
    Ok(mail::finish(&mut *accounts.pool.acquire().await?, claimed.mail_id).await?)
}

/// Gives a claimed mail back, because this replica ends: another may send it at once.
///
/// # Errors
/// When the database fails; the lease then decides when it is tried again.
pub async fn release_mail(accounts: &Accounts, claimed: &Claimed) -> Result<(), Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(mail::postpone(&mut conn, claimed.mail_id, claimed.attempts, accounts.clock.now()).await?)
}

/// Records that a mail was not sent: it waits for another attempt, or is given up. True when given up.
///
/// # Errors
/// When the database fails; the lease then decides when it is tried again.
pub async fn mail_failed(accounts: &Accounts, claimed: &Claimed, is_permanent: bool) -> Result<bool, Error> {
    let now = accounts.clock.now();
    let mut conn = accounts.pool.acquire().await?;
    let is_dead = is_permanent || claimed.attempts >= MAIL_ATTEMPTS;
    if is_dead {
        mail::bury(&mut conn, claimed.mail_id, now).await?;
    } else {
        let next_at = now + mail_backoff(claimed.attempts);
        mail::postpone(&mut conn, claimed.mail_id, claimed.attempts, next_at).await?;
    }
    Ok(is_dead)
}
