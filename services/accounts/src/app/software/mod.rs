//! Consent to software: a member opens something to a client, and takes it back. It is apart from what their counselor may
//! read. What it opens at a moment is decided where everything is ([`open`]).

mod ending;
mod opening;
mod reach;
mod reading;

pub(super) use ending::{disabled, end_of_care, end_of_owner, hold_of_counselor, hold_of_owner};
pub use opening::{Wish, open};
pub use reading::{Granted, MyConsent, Offered, granted, mine, offered, one_of_mine, openable};

use super::{
    Accounts, announce,
    audit::{self, Record},
    notice, random_id, standing,
};
use crate::{
    Error, SoftwareError,
    domain::{
        Holder, MOST_CONSENTS, NoticeKind, Offer,
        audit::{Action, Details, Subject},
    },
    store::{
        consent,
        software::{self, NewConsent, State},
    },
};
use bus::outbox;
use chassis::identity::{Passport, Scopes};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Opens something to software, and returns the consent's id. The same that was open ends with it.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`SoftwareError::NotFound`] for what is not the member's to find, whether
/// or not it exists; [`SoftwareError::Unreached`], [`SoftwareError::OnHold`], [`SoftwareError::TooMany`].
pub async fn grant(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    client_id: Uuid,
    offer: &Offer,
) -> Result<Uuid, Error> {
    let (now, owner_id) = (accounts.clock.now(), by.account_id);
    let holder = software::holder(conn, client_id).await?.ok_or(SoftwareError::NotFound)?;
    // Whoever ends care, or erases its counselor, holds both as well: it is opened before that and ends with it, or not.
    standing::hold_with(accounts, conn, by, holder.as_slice()).await?;
    // Whoever disables the client holds it: the same.
    let client = software::hold(conn, client_id).await?.ok_or(SoftwareError::NotFound)?;
    let care = care_of(conn, owner_id, client.holder_id, now).await?;
    demand_reach(&client, offer)?;
    let consent_id = random_id()?;
    let new = NewConsent {
        consent_id,
        owner_id,
        client_id,
        care,
        scope: offer.scope.number(),
        item_id: offer.item_id,
        purpose: offer.purpose.number(),
        text_id: offer.text.id,
        text_version: offer.text.version,
        text_locale: offer.locale,
        expires_at: offer.expires_at,
    };
    let replaced = software::replace(conn, &new, now).await?;
    if software::count_open(conn, owner_id, now).await? >= MOST_CONSENTS {
        return Err(SoftwareError::TooMany.into());
    }
    software::insert(conn, &new, now).await?;
    notice::tell(accounts, conn, owner_id, NoticeKind::SoftwareConsentGranted, Some(by.session_id)).await?;
    let details = Details::none()
        .id("client", client_id)
        .code("scope", offer.scope.as_str())
        .code("purpose", offer.purpose.as_str())
        .code("text", offer.text.id)
        .number("text_version", offer.text.version.into())
        .code("text_locale", offer.locale);
    record(accounts, conn, by, (Action::ConsentGranted, consent_id), details).await?;
    ending::close(accounts, conn, replaced.as_slice(), now).await?;
    let granted = announce::software_consent_granted(&accounts.ids, now, &state(&new, now));
    outbox::append(conn, &[granted]).await?;
    Ok(consent_id)
}

/// The care that makes a counselor's software one of the member's, with its counselor; none where it is the house's.
async fn care_of(
    conn: &mut PgConnection,
    owner_id: Uuid,
    holder_id: Option<Uuid>,
    now: Timestamp,
) -> Result<Option<(Uuid, Uuid)>, Error> {
    let Some(counselor_id) = holder_id else { return Ok(None) };
    let care = consent::care_of(conn, owner_id, counselor_id, now).await?.ok_or(SoftwareError::NotFound)?;
    if care.holds { Ok(Some((care.care_id, counselor_id))) } else { Err(SoftwareError::OnHold.into()) }
}

/// What the client is registered for has to reach what is opened to it: it could not be read otherwise.
fn demand_reach(client: &software::Held, offer: &Offer) -> Result<(), Error> {
    let registered = Scopes::exactly(&client.scopes).ok_or(Error::Unreadable)?;
    let holder = client.holder_id.map_or(Holder::House, |_| Holder::Counselor(None));
    let reach = reach::of(&registered, offer.scope, offer.item_id.is_some());
    if reach.of(&holder) { Ok(()) } else { Err(SoftwareError::Unreached.into()) }
}

/// What is told of a consent that was just given.
fn state(new: &NewConsent<'_>, now: Timestamp) -> State {
    State {
        consent_id: new.consent_id,
        owner_id: new.owner_id,
        client_id: new.client_id,
        care_id: new.care.map(|(care_id, _)| care_id),
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
/// [`SoftwareError::NoConsent`].
pub async fn revoke(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    consent_id: Uuid,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    let found = software::withdraw(conn, by.account_id, consent_id, now).await?;
    let Some(ended) = found.ok_or(SoftwareError::NoConsent)? else { return Ok(()) };
    record(accounts, conn, by, (Action::ConsentRevoked, consent_id), Details::none()).await?;
    ending::close(accounts, conn, &[ended], now).await
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
