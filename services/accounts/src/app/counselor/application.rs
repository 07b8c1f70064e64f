//! Applying, changing what is said, and taking it back.

use super::{Shown, approach_place, licence_place, name_place, own};
use crate::{
    CounselorError, Error,
    app::{
        Accounts,
        audit::{self, Record},
        random_id, standing,
    },
    domain::{
        Invalid,
        audit::{Action, Details, Subject},
        counselor::{Licence, MOST_LICENCES, Profile, Standing},
    },
    store::{
        counselor::{self as store, NewCounselor, NewLicence},
        couple, erasure, invitation,
    },
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;

/// What somebody says of themself, sealed, and how it compares with what they said before.
pub struct Application {
    standing: Standing,
    known_revision: Option<i32>,
    wants_review: bool,
    name: Vec<u8>,
    approach: Vec<u8>,
    languages: Vec<String>,
    specialties: Vec<i32>,
    accepts_clients: bool,
    licences: Vec<NewLicence>,
}

/// Makes it ready. A licence that was checked and is said again goes on counting, as long as the name is the same: it is on
/// that name. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::Invalid`] for licences that are too many, the same twice, or over already; or the key store is away.
pub async fn prepare(
    accounts: &Accounts,
    account_id: Uuid,
    profile: &Profile,
    licences: &[Licence],
) -> Result<Application, Error> {
    let now = accounts.clock.now();
    check(licences, now)?;
    let known = own(accounts, account_id).await?;
    let key = accounts.vault.data_key(account_id).await?;
    let same_name = known.as_ref().is_some_and(|known| known.name == profile.name.as_str());
    let mut sealed = Vec::with_capacity(licences.len());
    for licence in licences {
        let checked_at = known.as_ref().filter(|_| same_name).and_then(|known| checked_at(known, licence));
        sealed.push(seal(&key, licence, checked_at)?);
    }
    let standing = known.as_ref().map_or(Standing::Applied, |known| known.standing.submitted());
    Ok(Application {
        standing,
        known_revision: known.as_ref().map(|known| known.stored.revision),
        wants_review: standing != Standing::Verified
            || sealed.iter().any(|licence| licence.checked_at.is_none()),
        name: key.seal(&name_place(account_id), profile.name.as_bytes()),
        approach: key.seal(&approach_place(account_id), profile.approach.as_bytes()),
        languages: profile.languages.iter().map(|language| language.as_str().to_owned()).collect(),
        specialties: profile.specialties.iter().map(|specialty| specialty.number()).collect(),
        accepts_clients: profile.accepts_clients,
        licences: sealed,
    })
}

fn check(licences: &[Licence], now: Timestamp) -> Result<(), Invalid> {
    let invalid = |description| Err(Invalid { field: "licences", description });
    if licences.is_empty() || licences.len() > MOST_LICENCES {
        return invalid("must be between one and ten");
    }
    if licences.iter().enumerate().any(|(at, one)| licences[..at].iter().any(|other| one.is_same(other))) {
        return invalid("holds the same one twice");
    }
    if licences.iter().any(|licence| licence.last_day.end() <= now) {
        return invalid("holds one that is over already");
    }
    Ok(())
}

/// When an operator checked this licence, if one did.
fn checked_at(known: &Shown, licence: &Licence) -> Option<Timestamp> {
    known.licences.iter().find(|shown| shown.licence.is_same(licence)).and_then(|shown| shown.checked_at)
}

fn seal(key: &DataKey, licence: &Licence, checked_at: Option<Timestamp>) -> Result<NewLicence, Error> {
    let licence_id = random_id()?;
    let seal = |column, text: &str| key.seal(&licence_place(column, licence_id), text.as_bytes());
    Ok(NewLicence {
        licence_id,
        title: seal("title", &licence.title),
        jurisdiction: licence.jurisdiction.as_str().to_owned(),
        number: seal("number", &licence.number),
        look_up: seal("look_up", &licence.look_up),
        valid_until: licence.last_day.end(),
        checked_at,
    })
}

/// Keeps it. The account is one for a practice from then on: its invitations end, and it makes and takes none.
///
/// # Errors
/// [`Error::SessionOver`], [`Error::ProofTooWeak`]; [`CounselorError::HasTies`], [`CounselorError::Changed`].
pub async fn submit(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    application: &Application,
) -> Result<(), Error> {
    let now = accounts.clock.now();
    standing::hold(accounts, conn, by).await?;
    if store::has_ties(conn, by.account_id).await? {
        return Err(CounselorError::HasTies.into());
    }
    let new = NewCounselor {
        account_id: by.account_id,
        state: application.standing.as_str(),
        name: &application.name,
        approach: &application.approach,
        languages: &application.languages,
        specialties: &application.specialties,
        accepts_clients: application.accepts_clients,
        wants_review: application.wants_review,
    };
    let kept = match application.known_revision {
        None => store::insert(conn, &new, now).await?,
        Some(known) => store::replace(conn, &new, known, now).await?,
    };
    if !kept {
        return Err(CounselorError::Changed.into());
    }
    store::replace_licences(conn, by.account_id, &application.licences).await?;
    invitation::end_every(conn, by.account_id, now).await?;
    record(accounts, conn, by, Action::CounselorSubmitted).await
}

/// Says whether a counselor takes on new people, which puts them on the list again where they had left it.
///
/// # Errors
/// [`CounselorError::NotApplied`]; [`CounselorError::Leaving`] while everything of theirs waits to be destroyed.
pub async fn set_availability(
    conn: &mut PgConnection,
    account_id: Uuid,
    accepts_clients: bool,
) -> Result<(), Error> {
    // Whoever asks for an erasure holds the account as well: they leave the list after this, or are seen here.
    couple::lock_accounts(conn, &[account_id]).await?;
    if erasure::waiting(conn, account_id).await?.is_some() {
        return Err(CounselorError::Leaving.into());
    }
    let said = store::set_availability(conn, account_id, accepts_clients).await?;
    if said { Ok(()) } else { Err(CounselorError::NotApplied.into()) }
}

/// Takes an application back. Without one nothing changes.
///
/// # Errors
/// [`Error::SessionOver`]; [`CounselorError::NotToTakeBack`] once somebody was a counselor.
pub async fn withdraw(accounts: &Accounts, conn: &mut PgConnection, by: &Passport) -> Result<(), Error> {
    standing::hold(accounts, conn, by).await?;
    if store::withdraw(conn, by.account_id).await? {
        return record(accounts, conn, by, Action::CounselorWithdrawn).await;
    }
    if store::keeps_practice(conn, by.account_id).await? {
        return Err(CounselorError::NotToTakeBack.into());
    }
    Ok(())
}

async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    by: &Passport,
    action: Action,
) -> Result<(), Error> {
    let (actor, subject) = (audit::actor(by), Subject::account(by.account_id));
    audit::record(conn, accounts, Record { actor, action, subject, details: Details::none(), note: None })
        .await
}
