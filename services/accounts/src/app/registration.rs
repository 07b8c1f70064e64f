//! Registering, up to the answer: the same work for a known and an unknown address, because nobody looks
//! which it is before the answer is given.

use super::{
    Accounts,
    terms::{self, Offered},
};
use crate::{
    Error,
    domain::{Address, Locale, Password, Personal, Zone},
    store::request::{self, NewRequest, Registration, Wish},
};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::Place;

/// Somebody who registers.
pub struct Applicant {
    /// The address.
    pub address: Address,
    /// The chosen password.
    pub password: Password,
    /// The time zone.
    pub zone: Zone,
    /// The language.
    pub locale: Locale,
    /// Whether security notices may go by mail.
    pub notices_by_mail: bool,
    /// The legal texts that they accept.
    pub offered: Offered,
}

/// A registration, hashed and sealed.
pub struct Application {
    request_id: Uuid,
    email_index: [u8; 32],
    sealed: Registration,
}

/// Where a request's address is sealed.
pub(super) fn email_place(request_id: Uuid) -> Place<'static> {
    Place { table: "address_request", column: "email", row: request_id }
}

/// Where a request's password hash is sealed.
pub(super) fn password_place(request_id: Uuid) -> Place<'static> {
    Place { table: "address_request", column: "password_hash", row: request_id }
}

/// Judges, hashes and seals what somebody registers with. Runs Argon2 once; needs no transaction.
///
/// # Errors
/// [`crate::TermsError::Changed`] for a text that is older than what counts; [`Error::Invalid`] for a password that is easily
/// guessed; [`Error::Busy`]; or the key store is away.
pub async fn apply(accounts: &Accounts, applicant: Applicant) -> Result<Application, Error> {
    terms::check_offered(accounts, applicant.offered)?;
    let key = accounts.key().await?;
    // It becomes the account's id, which a partner gets to see: it must not tell when somebody registered.
    let request_id = accounts.ids.next_opaque();
    let email_index = accounts.index(&applicant.address).await?;
    let personal = Personal::of_address(applicant.address.as_str());
    let hash = accounts.hashing.choose("password", applicant.password, personal).await?;
    let sealed = Registration {
        email: key.seal(&email_place(request_id), applicant.address.as_str().as_bytes()),
        password_hash: key.seal(&password_place(request_id), hash.as_bytes()),
        time_zone: applicant.zone.as_str().to_owned(),
        locale: applicant.locale.as_str().to_owned(),
        notices_by_mail: applicant.notices_by_mail,
        terms_version: applicant.offered.terms,
        privacy_version: applicant.offered.privacy,
    };
    Ok(Application { request_id, email_index, sealed })
}

/// Keeps a registration to be settled.
///
/// # Errors
/// When the database fails.
pub async fn record(
    accounts: &Accounts,
    conn: &mut PgConnection,
    application: Application,
) -> Result<(), Error> {
    let new = NewRequest {
        request_id: application.request_id,
        email_index: &application.email_index,
        wish: Wish::Register(application.sealed),
    };
    Ok(request::put(conn, &new, accounts.clock.now()).await?)
}

/// Keeps the wish for another verification mail to be settled.
///
/// # Errors
/// When the database fails.
pub async fn resend(
    accounts: &Accounts,
    conn: &mut PgConnection,
    email_index: &[u8; 32],
) -> Result<(), Error> {
    let new = NewRequest { request_id: accounts.ids.next(), email_index, wish: Wish::Resend };
    Ok(request::put(conn, &new, accounts.clock.now()).await?)
}

/// Keeps the wish for a link that lets a password be set anew to be settled.
///
/// # Errors
/// When the database fails.
pub async fn request_reset(
    accounts: &Accounts,
    conn: &mut PgConnection,
    email_index: &[u8; 32],
) -> Result<(), Error> {
    let new = NewRequest { request_id: accounts.ids.next(), email_index, wish: Wish::Reset };
    Ok(request::put(conn, &new, accounts.clock.now()).await?)
}
