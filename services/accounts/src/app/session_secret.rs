//! A session's secret, which is replaced while the session lives: a copy of it is good for a day at most, and whoever uses one
//! that was replaced ends the session, because then two hold it (RFC 9700, section 4.14.2).
//!
//! The old one counts until the new one is used for the first time, because the answer with it may get lost; and for a moment
//! longer, because a browser asks for several things at once. Of several who ask for a new one at once one gets it.

use super::{Accounts, announce, notice, random, session::live_session};
use crate::{
    Error,
    domain::{NoticeKind, SECRET_LIFE, SECRET_OFFER_LIFE, SECRET_OVERLAP, SessionSecret},
    store::{
        known_device,
        session::{self, Ended, Live},
        session_secret::{self, Found, Offer},
    },
};
use sqlx::PgConnection;

impl Live {
    /// Whether the secret it was found by is due to be replaced.
    pub fn is_secret_old(&self, accounts: &Accounts) -> bool {
        accounts.clock.now().duration_since(self.secret_since) >= SECRET_LIFE
    }
}

/// The live session of a secret, of what was offered to take its place, or of one that was replaced a moment ago. One that was
/// replaced before that ends the session, and its owner is told.
///
/// # Errors
/// [`Error::SessionOver`] when there is none, or there was one until now.
pub async fn recognise(accounts: &Accounts, secret: &SessionSecret) -> Result<Live, Error> {
    let mut conn = accounts.pool.acquire().await?;
    match live_session(accounts, &mut conn, secret).await {
        Err(Error::SessionOver) => {}
        known => return known,
    }
    let (hash, now) = (secret.hash(), accounts.clock.now());
    let found = session_secret::find(&mut conn, &hash, now).await?.ok_or(Error::SessionOver)?;
    if found.is_next {
        session_secret::take_over(&mut conn, &hash, now).await?;
    }
    match found.replaced_at.map(jiff_sqlx::Timestamp::to_jiff) {
        // It took over just now: here, or where somebody came first.
        None => live_session(accounts, &mut conn, secret).await,
        Some(at) if now.duration_since(at) < SECRET_OVERLAP => {
            of_successor(accounts, &mut conn, &found).await
        }
        Some(_) => {
            drop(conn);
            end_of_two(accounts, &found).await?;
            Err(Error::SessionOver)
        }
    }
}

/// What several have asked at once with the secret of before, one of whom has the new one already.
async fn of_successor(accounts: &Accounts, conn: &mut PgConnection, found: &Found) -> Result<Live, Error> {
    let hash = found.secret_hash.as_slice().try_into().map_err(|_| Error::Unreadable)?;
    let (now, idle) = (accounts.clock.now(), accounts.sessions.idle());
    let live = session::live(conn, hash, now, idle, accounts.terms.required()).await?;
    live.ok_or(Error::SessionOver)
}

/// Ends a session whose secret two hold. The device is one that nobody knows any more.
async fn end_of_two(accounts: &Accounts, found: &Found) -> Result<(), Error> {
    let Found { session_id, account_id, .. } = *found;
    let (now, mut tx) = (accounts.clock.now(), accounts.pool.begin().await?);
    if session::end(&mut tx, session_id, account_id, now).await? {
        known_device::forget_of(&mut tx, account_id, session_id).await?;
        let ended = [Ended { session_id, account_id }];
        announce::sessions_ended(&mut tx, &accounts.ids, now, &ended).await?;
        notice::tell(accounts, &mut tx, account_id, NoticeKind::SecretReused, Some(session_id)).await?;
    }
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

/// What takes the place of a session's secret, at its own first use; `None` where one was given out a few minutes ago and may
/// still be on its way.
///
/// # Errors
/// [`Error::SessionOver`].
pub async fn rotate_secret(
    accounts: &Accounts,
    secret: &SessionSecret,
) -> Result<Option<SessionSecret>, Error> {
    let session_id = recognise(accounts, secret).await?.session_id;
    let (now, next) = (accounts.clock.now(), SessionSecret::of(random()?));
    let offer = Offer {
        session_id,
        secret_hash: &secret.hash(),
        next_hash: &next.hash(),
        unless_since: now - SECRET_OFFER_LIFE,
    };
    let kept = session_secret::offer(&mut *accounts.pool.acquire().await?, &offer, now).await?;
    Ok(kept.then_some(next))
}
