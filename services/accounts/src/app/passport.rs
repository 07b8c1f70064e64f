//! Passports: short-lived, signed, and believed everywhere without a question back.

use super::{Accounts, metrics};
use crate::{Error, domain::AccountKind, store::session::Live};
use chassis::identity::{Assurance, Kind, claims::Claims};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// A passport.
pub struct MintedPassport {
    /// The signed token.
    pub token: Zeroizing<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Mints a passport that speaks for a live session.
///
/// # Errors
/// [`Error::NoSigningKey`] in the first moments of an installation; or the database is away.
pub async fn mint(accounts: &Accounts, live: &Live) -> Result<MintedPassport, Error> {
    let signer = accounts.signing.signer(accounts).await?;
    let kind = match AccountKind::stored(&live.kind) {
        AccountKind::Member => Kind::Member,
        AccountKind::Counselor => Kind::Counselor,
        AccountKind::Operator => Kind::Operator,
        AccountKind::Editor => Kind::Editor,
        AccountKind::Support => Kind::Support,
    };
    let now = accounts.clock.now();
    let assurance = if live.strong { Assurance::Two } else { Assurance::One };
    let claims = Claims::new(live.account_id, live.session_id, kind, live.proved_at, now);
    let claims = claims.with(assurance).of_suspended(live.suspended).with_terms_due(live.terms_due);
    let token = claims.sign(&signer.tokens).map_err(|_| Error::SigningKey)?;
    let expires_at = claims.expires_at().map_err(|_| Error::SigningKey)?;
    metrics::minted(kind);
    Ok(MintedPassport { token: Zeroizing::new(token), expires_at })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signing_key_outlives_the_longest_passport() {
        use chassis::identity::claims::{MAX_CLIENT_LIFETIME, MAX_LIFETIME};
        assert_eq!(crate::domain::PASSPORT_LIFE, MAX_LIFETIME);
        assert_eq!(crate::domain::CLIENT_TOKEN_LIFE, MAX_CLIENT_LIFETIME);
    }
}
