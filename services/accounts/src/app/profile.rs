//! Correcting what an account says of its owner. The others hear what they need to be right by; a partner hears nothing.

use super::{Accounts, announce, standing};
use crate::{
    Error,
    domain::{Locale, Zone},
    store::account,
};
use bus::outbox;
use chassis::identity::Passport;
use sqlx::PgConnection;

/// What is to be other than it was; nothing is left as it is.
pub struct Correction {
    /// The time zone.
    pub zone: Option<Zone>,
    /// The language.
    pub locale: Option<Locale>,
}

/// Corrects what an account says. What says the same is no change, and is told to nobody.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn correct_profile(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    correction: &Correction,
) -> Result<(), Error> {
    standing::hold(accounts, conn, passport).await?;
    let zone = correction.zone.as_ref().map(Zone::as_str);
    let locale = correction.locale.as_ref().map(Locale::as_str);
    if let Some(state) = account::correct(conn, passport.account_id, zone, locale).await? {
        let now = accounts.clock.now();
        outbox::append(conn, &[announce::profile_changed(&accounts.ids, now, &state)]).await?;
    }
    Ok(())
}
