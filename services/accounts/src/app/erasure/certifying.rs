//! When every part has answered: the certificate, and the letter that brings it.

use super::letter_place;
use crate::{
    Error,
    app::{Accounts, audit, ledger, outgoing::letter_place as mail_place},
    domain::{
        CertificateCode, ERASURE_PARTS, ErasurePart, ErasureState, ErasureTimes, LetterKind,
        audit::{Action, Actor, Details, Subject},
        backups_end, certificate,
    },
    store::{
        erasure::{self, Done, Found, Under},
        mail,
    },
};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Erasures that are looked at in one turn.
const AT_ONCE: i64 = 50;

/// An erasure that can be certified.
pub struct CertifiedErasure {
    under: Under,
    key: audit::SealingKey,
    mail: Option<(Uuid, Vec<u8>)>,
}

/// The erasures that every part has answered, made ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store fails.
pub async fn complete_erasures(accounts: &Accounts) -> Result<Vec<CertifiedErasure>, Error> {
    let begun = erasure::begun(&mut *accounts.pool.acquire().await?, AT_ONCE).await?;
    let mut complete = Vec::new();
    for (under, _) in begun {
        let parts = erasure::parts(&mut *accounts.pool.acquire().await?, under.erasure_id).await?;
        if is_complete(&parts) {
            let key = audit::sealing_key(accounts).await?;
            let mail = mail_of(accounts, &under).await?;
            complete.push(CertifiedErasure { under, key, mail });
        }
    }
    Ok(complete)
}

fn is_complete(parts: &[ErasurePart]) -> bool {
    ERASURE_PARTS.iter().all(|service| parts.iter().any(|part| part.service == *service))
}

/// The letter, sealed anew for the queue.
async fn mail_of(accounts: &Accounts, under: &Under) -> Result<Option<(Uuid, Vec<u8>)>, Error> {
    let Some(letter) = &under.letter else { return Ok(None) };
    let (key, mail_id) = (accounts.key().await?, accounts.ids.next());
    let plain = key.open(&letter_place(under.account_id), letter)?;
    Ok(Some((mail_id, key.seal(&mail_place(mail_id), &plain))))
}

/// Certifies an erasure. From here on nothing says whose it was but the tombstones. False when it is done already, or what
/// was told about the person is not yet published and would stay in the log.
///
/// # Errors
/// When the database fails.
pub async fn certify(
    accounts: &Accounts,
    conn: &mut PgConnection,
    complete: &CertifiedErasure,
) -> Result<bool, Error> {
    let CertifiedErasure { under, key, mail } = complete;
    if !erasure::hold(conn, under.erasure_id).await?
        || bus::erasure::is_pending(conn, under.account_id).await?
    {
        return Ok(false);
    }
    let is_about = |key: &str, body: &[u8]| ledger::is_about(key, body, under.account_id);
    bus::erasure::forget(conn, under.account_id, is_about).await?;
    let parts = erasure::parts(conn, under.erasure_id).await?;
    let now = accounts.clock.now();
    let times = ErasureTimes { requested: under.requested_at, begun: under.begun_at, finished: now };
    let text =
        certificate(under.erasure_id, accounts.host(), times, &parts).map_err(|_| Error::Unreadable)?;
    let done = Done {
        backups_end_at: backups_end(&parts),
        certificate: &text,
        signature: &key.sign(text.as_bytes()),
        key_id: key.id(),
    };
    erasure::finish(conn, under.erasure_id, &done, now).await?;
    if let Some((mail_id, letter)) = mail {
        let kind = LetterKind::Certificate.as_str();
        let new = mail::NewMail { mail_id: *mail_id, account_id: None, kind, letter, send_at: now };
        mail::insert(conn, &new, now).await?;
    }
    let record = audit::Record {
        actor: Actor::HOUSE,
        action: Action::AccountErased,
        subject: Subject::thing(under.erasure_id),
        details: Details::none(),
        note: None,
    };
    audit::record(conn, accounts, record).await?;
    Ok(true)
}

/// Where an erasure stands, for whoever has its code.
pub struct FoundCertificate {
    /// Where it stands.
    pub state: ErasureState,
    /// What is kept of it.
    pub found: Found,
    /// What the parts said.
    pub parts: Vec<ErasurePart>,
    /// The parts that have not said anything yet.
    pub pending: Vec<&'static str>,
}

/// Where the erasure of a code stands.
///
/// # Errors
/// [`Error::CertificateNotFound`]; when the database fails.
pub async fn certificate_of(accounts: &Accounts, code: &str) -> Result<FoundCertificate, Error> {
    let code = CertificateCode::parse(code).ok_or(Error::CertificateNotFound)?;
    let mut conn = accounts.pool.acquire().await?;
    let found = erasure::find(&mut conn, &code.hash()).await?.ok_or(Error::CertificateNotFound)?;
    let parts = erasure::parts(&mut conn, found.erasure_id).await?;
    let state = state(found.begun, found.done_at);
    let is_pending = |service: &&'static str| !parts.iter().any(|part| part.service == *service);
    let pending = ERASURE_PARTS.into_iter().filter(is_pending).collect();
    Ok(FoundCertificate { state, found, parts, pending })
}

fn state(begun: bool, done_at: Option<Timestamp>) -> ErasureState {
    match (begun, done_at) {
        (_, Some(_)) => ErasureState::Done,
        (true, None) => ErasureState::Begun,
        (false, None) => ErasureState::Waiting,
    }
}
