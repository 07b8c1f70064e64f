//! Accepting the legal texts, each by itself, and taking that back. Until all that is required is accepted, passports say so,
//! and every service lets the account reach only what is never gated.

use super::{Accounts, notice, standing};
use crate::{
    Error, TermsError,
    domain::{NoticeKind, TermsKind, TermsVersion},
    store::terms::{self, NewAcceptance},
};
use chassis::identity::Passport;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Acceptances in a list at most.
const MOST_LISTED: i64 = 200;

/// Which versions somebody accepts who registers.
#[derive(Clone, Copy)]
pub struct Offered {
    /// Of the terms of use.
    pub terms: i32,
    /// Of the privacy notice.
    pub privacy: i32,
}

impl Offered {
    fn each(self) -> [(TermsKind, i32); 2] {
        [(TermsKind::Use, self.terms), (TermsKind::Privacy, self.privacy)]
    }
}

/// Demands that what somebody read before they registered is what counts now.
///
/// # Errors
/// [`TermsError::Changed`].
pub fn check_offered(accounts: &Accounts, offered: Offered) -> Result<(), Error> {
    for (kind, version) in offered.each() {
        current(accounts, kind, version)?;
    }
    Ok(())
}

/// Keeps what somebody accepted who registered, in the place of what an earlier registrant did.
///
/// # Errors
/// When the database fails.
pub(super) async fn keep_offered(
    accounts: &Accounts,
    conn: &mut PgConnection,
    (account_id, locale): (Uuid, &str),
    offered: Option<Offered>,
    now: Timestamp,
) -> Result<(), Error> {
    terms::forget(conn, account_id).await?;
    for (kind, version) in offered.map(Offered::each).into_iter().flatten() {
        let text = accounts.terms.find(kind, version);
        let locale = text.map_or(locale, |text| text.words(locale).0);
        terms::accept(conn, &NewAcceptance { account_id, kind: kind.as_str(), version, locale }, now).await?;
    }
    Ok(())
}

/// The version that counts now, if it is the one that was read.
fn current(accounts: &Accounts, kind: TermsKind, version: i32) -> Result<&TermsVersion, TermsError> {
    let current = accounts.terms.current(kind).ok_or(TermsError::NotFound)?;
    if current.version == version { Ok(current) } else { Err(TermsError::Changed(kind)) }
}

/// The texts of a kind, or of both: a version, or with 0 the one that counts now.
///
/// # Errors
/// [`TermsError::NotFound`] where there is no such version.
pub fn texts_of(
    accounts: &Accounts,
    kind: Option<TermsKind>,
    version: i32,
) -> Result<Vec<&TermsVersion>, Error> {
    let kinds = TermsKind::ALL.into_iter().filter(|each| kind.is_none_or(|kind| kind == *each));
    let texts: Vec<_> = kinds.filter_map(|kind| accounts.terms.find(kind, version)).collect();
    if texts.is_empty() { Err(TermsError::NotFound.into()) } else { Ok(texts) }
}

/// Accepts a text in the version that counts now.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; [`TermsError::Changed`] for any other version.
pub async fn accept_terms(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    (kind, version): (TermsKind, i32),
    locale: &str,
) -> Result<(), Error> {
    let text = current(accounts, kind, version)?;
    standing::hold(accounts, conn, passport).await?;
    let new = NewAcceptance {
        account_id: passport.account_id,
        kind: kind.as_str(),
        version,
        locale: text.words(locale).0,
    };
    Ok(terms::accept(conn, &new, accounts.clock.now()).await?)
}

/// Takes back what was accepted of a kind. It wants neither a proof nor a reason, and counts with the next passport. Where
/// nothing is accepted, nothing changes.
///
/// # Errors
/// [`Error::SessionOver`]; [`Error::ProofTooWeak`]; when the database fails.
pub async fn withdraw_terms(
    accounts: &Accounts,
    conn: &mut PgConnection,
    passport: &Passport,
    kind: TermsKind,
) -> Result<(), Error> {
    let (account_id, session_id) = (passport.account_id, Some(passport.session_id));
    standing::hold(accounts, conn, passport).await?;
    if terms::withdraw(conn, account_id, kind.as_str(), accounts.clock.now()).await? {
        notice::tell(accounts, conn, account_id, NoticeKind::TermsWithdrawn, session_id).await?;
    }
    Ok(())
}

/// An acceptance as its owner sees it.
pub struct OwnAcceptance {
    /// Which text.
    pub kind: TermsKind,
    /// Its version.
    pub version: i32,
    /// In which language it was read.
    pub locale: String,
    /// When.
    pub accepted_at: Timestamp,
    /// When it was taken back.
    pub withdrawn_at: Option<Timestamp>,
}

/// What an account accepted, the newest first, and what it has yet to accept.
pub struct OwnTerms {
    /// What it accepted.
    pub accepted: Vec<OwnAcceptance>,
    /// What is to come.
    pub due: Vec<TermsKind>,
}

/// What an account accepted, and what it has yet to accept.
///
/// # Errors
/// When the database fails or a stored value does not read back.
pub async fn terms_of(accounts: &Accounts, account_id: Uuid) -> Result<OwnTerms, Error> {
    let listed = terms::list(&mut *accounts.pool.acquire().await?, account_id, MOST_LISTED).await?;
    let own = listed.into_iter().map(|row| {
        Ok(OwnAcceptance {
            kind: TermsKind::stored(&row.kind).ok_or(Error::Unreadable)?,
            version: row.version,
            locale: row.locale,
            accepted_at: row.accepted_at,
            withdrawn_at: row.withdrawn_at,
        })
    });
    let accepted = own.collect::<Result<Vec<_>, Error>>()?;
    let stands = |kind| {
        let mut own = accepted.iter().filter(|own| own.kind == kind && own.withdrawn_at.is_none());
        own.any(|own| accounts.terms.is_enough(kind, own.version))
    };
    let there = |kind| accounts.terms.current(kind).is_some();
    let due = TermsKind::ALL.into_iter().filter(|kind| there(*kind) && !stands(*kind)).collect();
    Ok(OwnTerms { accepted, due })
}
