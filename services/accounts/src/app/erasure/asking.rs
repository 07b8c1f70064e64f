//! Asking for an erasure, and calling it off.

use super::{end_ties, hold_with_ties, letter_place};
use crate::{
    Error,
    app::{Accounts, email_place, notice, pause::Pause, random, random_id, standing, text},
    domain::{CertificateCode, ERASURE_GRACE, Letter, NoticeKind},
    store::{
        account,
        erasure::{self, NewErasure, Waiting},
    },
};
use chassis::identity::Passport;
use sqlx::PgConnection;
use uuid::Uuid;
use zeroize::Zeroizing;

/// An erasure that is ready to be asked for.
pub struct PreparedErasure {
    erasure_id: Uuid,
    code: CertificateCode,
    letter: Option<Vec<u8>>,
}

impl PreparedErasure {
    /// The certificate's code, as the person keeps it.
    pub fn code(&self) -> Zeroizing<String> {
        self.code.text()
    }
}

/// Makes an erasure ready: its code, and the letter that will bring it, where one is wanted. Asks the vault, so no
/// transaction may be open.
///
/// # Errors
/// [`Error::AccountGone`]; when the database or the key store fails.
pub async fn prepare_erasure(
    accounts: &Accounts,
    account_id: Uuid,
    mail_certificate: bool,
) -> Result<PreparedErasure, Error> {
    let code = CertificateCode::of(random()?);
    let letter =
        if mail_certificate { Some(letter(accounts, account_id, &code.text()).await?) } else { None };
    Ok(PreparedErasure { erasure_id: random_id()?, code, letter })
}

/// A letter to where somebody is reached now, sealed under the service's own key: theirs will be gone when it is sent.
pub(super) async fn letter(accounts: &Accounts, account_id: Uuid, code: &str) -> Result<Vec<u8>, Error> {
    let found = account::profile(&mut *accounts.pool.acquire().await?, account_id).await?;
    let sealed = found.ok_or(Error::AccountGone)?.email;
    let to = text(&accounts.vault.data_key(account_id).await?.open(&email_place(account_id), &sealed)?)?;
    let letter = Letter { to, token: Some(code.to_owned()) };
    let plain = Zeroizing::new(serde_json::to_vec(&letter).map_err(|_| Error::Unreadable)?);
    Ok(accounts.key().await?.seal(&letter_place(account_id), &plain))
}

/// Asks for everything of somebody's to be destroyed after the grace, and ends what connects them with others. Where one
/// waits already its time stays, and the new code takes the old one's place.
///
/// # Errors
/// [`Error::SessionOver`], also when it has begun; [`Error::ProofTooWeak`].
pub async fn request_erasure(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    prepared: &PreparedErasure,
    pause: Option<&Pause>,
) -> Result<Waiting, Error> {
    hold_with_ties(conn, by.account_id).await?;
    standing::hold_with(accounts, conn, by, &[]).await?;
    keep(accounts, conn, (by.account_id, Some(by.session_id)), prepared, pause).await
}

/// Keeps an erasure of somebody who is held, asked for in a session or at the machine, and ends what connects them with others.
pub(in crate::app) async fn keep(
    accounts: &Accounts,
    conn: &mut PgConnection,
    (account_id, session_id): (Uuid, Option<Uuid>),
    prepared: &PreparedErasure,
    pause: Option<&Pause>,
) -> Result<Waiting, Error> {
    let now = accounts.clock.now();
    let new = NewErasure {
        erasure_id: prepared.erasure_id,
        account_id,
        code_hash: &prepared.code.hash(),
        letter: prepared.letter.as_deref(),
        begins_at: now + ERASURE_GRACE,
    };
    let (waiting, fresh) = erasure::keep(conn, &new, now).await?.ok_or(Error::AccountGone)?;
    end_ties(accounts, conn, account_id, pause).await?;
    if fresh {
        notice::tell(accounts, conn, account_id, NoticeKind::ErasureRequested, session_id).await?;
    }
    Ok(waiting)
}

/// Calls an erasure off; without one that waits nothing changes.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn cancel_erasure(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    if erasure::cancel(conn, by.account_id).await? {
        notice::tell(accounts, conn, by.account_id, NoticeKind::ErasureCancelled, Some(by.session_id))
            .await?;
    }
    Ok(())
}

/// The erasure that somebody asked for, if one waits.
///
/// # Errors
/// When the database fails.
pub async fn erasure_of(conn: &mut PgConnection, account_id: Uuid) -> Result<Option<Waiting>, Error> {
    Ok(erasure::waiting(conn, account_id).await?)
}
