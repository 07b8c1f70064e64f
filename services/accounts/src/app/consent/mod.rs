//! Consent: a member opens something to the counselor in whose care they are, and takes it back. What it opens at a moment is
//! decided where everything is ([`open_access`](super::open_access)).

mod reading;

pub use reading::{GrantedToMe, MyConsent, granted, mine, one_of_mine};

use super::{
    Accounts, announce,
    audit::{self, Record},
    notice, random_id, software, standing,
};
use crate::{
    ConsentError, Error,
    domain::{
        Locale, MOST_CONSENTS, NoticeKind, Offer,
        audit::{Action, Details, Subject},
    },
    store::{
        access, account,
        consent::{self, Ended, NewConsent, State},
    },
};
use bus::outbox;
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// The language that somebody wants the words of a consent in: the one they say, or the one that their account has.
///
/// # Errors
/// [`Error::Invalid`] for what is no language; when the database fails.
pub async fn language(accounts: &Accounts, account_id: Uuid, said: &str) -> Result<Locale, Error> {
    if said.is_empty() {
        let profile = account::profile(&mut *accounts.pool.acquire().await?, account_id).await?;
        return Ok(Locale::parse(&profile.map(|profile| profile.locale).unwrap_or_default())?);
    }
    Ok(Locale::parse(said)?)
}

/// Opens something to a counselor, and returns the consent's id. The same that was open ends with it.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`ConsentError::NotInCare`] for whoever is not the member's counselor,
/// whether or not they exist; [`ConsentError::OnHold`], [`ConsentError::TooMany`].
pub async fn grant(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    counselor_id: Uuid,
    offer: &Offer,
) -> Result<Uuid, Error> {
    let (now, owner_id) = (accounts.clock.now(), by.account_id);
    // Whoever ends care holds both as well: it is opened before that and ends with it, or not.
    standing::hold_with(accounts, conn, by, &[counselor_id]).await?;
    let care = consent::care_of(conn, owner_id, counselor_id, now).await?.ok_or(ConsentError::NotInCare)?;
    if !care.holds {
        return Err(ConsentError::OnHold.into());
    }
    let consent_id = random_id()?;
    let new = NewConsent {
        consent_id,
        owner_id,
        counselor_id,
        care_id: care.care_id,
        scope: offer.scope.number(),
        item_id: offer.item_id,
        purpose: offer.purpose.number(),
        text_id: offer.text.id,
        text_version: offer.text.version,
        text_locale: offer.locale,
        expires_at: offer.expires_at,
    };
    let replaced = consent::replace(conn, &new, now).await?;
    if consent::count_open(conn, owner_id, now).await? >= MOST_CONSENTS {
        return Err(ConsentError::TooMany.into());
    }
    consent::insert(conn, &new, now).await?;
    notice::tell(accounts, conn, owner_id, NoticeKind::ConsentGranted, Some(by.session_id)).await?;
    let details = Details::none()
        .id("care", care.care_id)
        .code("scope", offer.scope.as_str())
        .code("purpose", offer.purpose.as_str())
        .code("text", offer.text.id)
        .number("text_version", offer.text.version.into())
        .code("text_locale", offer.locale);
    record(accounts, conn, by, (Action::ConsentGranted, consent_id), details).await?;
    close(accounts, conn, replaced, now).await?;
    let granted = announce::consent_granted(&accounts.ids, now, &state(&new, now));
    outbox::append(conn, &[granted]).await?;
    Ok(consent_id)
}

/// What is told of a consent that was just given.
fn state(new: &NewConsent<'_>, now: Timestamp) -> State {
    State {
        consent_id: new.consent_id,
        owner_id: new.owner_id,
        counselor_id: new.counselor_id,
        care_id: new.care_id,
        scope: new.scope,
        item_id: new.item_id,
        purpose: new.purpose,
        text_id: new.text_id.to_owned(),
        text_version: new.text_version,
        granted_at: now,
        expires_at: new.expires_at,
        ended_at: None,
    }
}

/// Takes something back for its owner. What is over already stays as it is.
///
/// # Errors
/// [`ConsentError::NotFound`].
pub async fn revoke(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    consent_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let found = consent::withdraw(conn, by.account_id, consent_id, now).await?;
    let Some(ended) = found.ok_or(ConsentError::NotFound)? else { return Ok(()) };
    record(accounts, conn, by, (Action::ConsentRevoked, consent_id), Details::none()).await?;
    close(accounts, conn, Some(ended), now).await
}

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    (action, consent_id): (Action, Uuid),
    details: Details,
) -> Result<(), Error> {
    let subject = Subject::thing(consent_id);
    let done = Record { actor: audit::actor(by), action, subject, details, note: None };
    audit::record(conn, accounts, done).await.map(drop)
}

/// Tells that something is open no more, and raises the access epoch with it, so that what was opened before is good for
/// nothing.
async fn close(
    accounts: &Accounts,
    conn: &mut PgConnection,
    ended: Option<Ended>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(ended) = ended else { return Ok(()) };
    let raised = access::raise(conn, ended.owner_id, ended.counselor_id).await?;
    let told = [
        announce::consent_revoked(&accounts.ids, now, &ended, now),
        announce::epoch_raised(&accounts.ids, now, &raised),
    ];
    Ok(outbox::append(conn, &told).await?)
}

/// Ends what was opened under care that is over. Whoever ended the care raises the epochs.
///
/// # Errors
/// When the database fails.
pub(super) async fn end_of_care(
    accounts: &Accounts,
    conn: &mut PgConnection,
    care_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    let ended = consent::end_of_care(conn, care_id, now).await?;
    let tell = |ended: &Ended| announce::consent_revoked(&accounts.ids, now, ended, now);
    Ok(outbox::append(conn, &ended.iter().map(tell).collect::<Vec<_>>()).await?)
}

/// Closes what somebody opened to counselors and to software, because their account is suspended: capabilities of before are good for nothing. Nothing ends:
/// once the suspension is over it opens again, as far as its own time goes. Whoever could read is not told why.
///
/// # Errors
/// When the database fails.
pub(super) async fn hold_all_of(
    accounts: &Accounts,
    conn: &mut PgConnection,
    owner_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    for counselor_id in consent::readers_of(conn, owner_id, now).await? {
        let raised = access::raise(conn, owner_id, counselor_id).await?;
        outbox::append(conn, &[announce::epoch_raised(&accounts.ids, now, &raised)]).await?;
    }
    software::hold_of_owner(accounts, conn, owner_id).await
}
