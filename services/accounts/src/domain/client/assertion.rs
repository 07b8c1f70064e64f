//! How a client proves who it is: a JSON Web Token that it signed itself (RFC 7521, RFC 7523, `private_key_jwt`), good for
//! one use. Nothing in it is believed, and nothing it names is looked up anywhere, but which client and key it says.

use super::ClientKey;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Header, TokenData, Validation, dangerous::insecure_decode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A larger assertion is refused unread.
pub const MOST_ASSERTION_BYTES: usize = 8 * 1024;
/// How far ahead an assertion's end may be.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// How far ahead the clock that made it may be.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// The longest id of an assertion.
const MOST_ID_BYTES: usize = 256;
/// What an assertion may call itself.
const TYPES: [&str; 2] = ["JWT", "client-authentication+jwt"];

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Seconds,
    nbf: Option<Seconds>,
    iat: Option<Seconds>,
    jti: String,
}

/// For whom it is: one name, written alone or as a list of one.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
}

/// Seconds since 1970; some write them with a fraction.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Broken(f64),
}

impl Seconds {
    /// The instant, rounded down to its second; `None` for what is no time.
    fn instant(self) -> Option<Timestamp> {
        match self {
            Self::Whole(seconds) => Timestamp::from_second(seconds).ok(),
            Self::Broken(seconds) => {
                let whole = seconds.floor();
                // Every whole number of the range of times is exact in 53 bits.
                let fits = whole.is_finite() && whole.abs() < 1e12;
                fits.then(|| Timestamp::from_second(whole as i64).ok()).flatten()
            }
        }
    }
}

/// What an assertion must fit.
pub struct Expected<'a> {
    /// For whom it must be: the token endpoint, letter for letter.
    pub audience: &'a str,
    /// Where the client's keys are by its registration, the only address that its header may repeat.
    pub jwks_url: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// What a client says to prove who it is. Not believed yet.
pub struct Assertion<'a> {
    token: &'a str,
    key_id: String,
    jku: Option<String>,
    client_id: Uuid,
}

/// That a client is who it says; to be used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The hash of the assertion's own id.
    pub id_hash: [u8; 32],
    /// Until when the assertion could be used again, were it not used up.
    pub until: Timestamp,
}

impl<'a> Assertion<'a> {
    /// Reads an assertion; `None` for anything that cannot be one, whoever made it.
    pub fn read(token: &'a str) -> Option<Self> {
        if token.len() > MOST_ASSERTION_BYTES {
            return None;
        }
        let TokenData { header, claims } = insecure_decode::<Claims>(token).ok()?;
        let client_id = Uuid::try_parse(&claims.iss).ok()?;
        let is_one = brings_nothing(&header)
            && claims.sub == claims.iss
            && client_id.to_string() == claims.iss
            && (1..=MOST_ID_BYTES).contains(&claims.jti.len());
        let key_id = header.kid?;
        is_one.then_some(Self { token, key_id, jku: header.jku, client_id })
    }

    /// The client that it says it is of.
    pub fn client_id(&self) -> Uuid {
        self.client_id
    }

    /// The id of the key that it says it is signed with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Whether it is signed with the key, in the one way that the key is good for, and is for here and for now.
    pub fn proves(&self, key: &ClientKey, expected: &Expected<'_>) -> Option<Proof> {
        let repeats = self.jku.as_deref().is_none_or(|url| Some(url) == expected.jwks_url);
        if !repeats || self.key_id != key.key_id {
            return None;
        }
        let claims =
            jsonwebtoken::decode::<Claims>(self.token, &key.verifying()?, &validation(key)).ok()?.claims;
        let (Audience::One(audience) | Audience::List([audience])) = &claims.aud;
        let until = claims.living_until(expected.now).filter(|_| audience == expected.audience)?;
        Some(Proof { id_hash: Sha256::digest(claims.jti.as_bytes()).into(), until })
    }
}

/// What the library looks at: the signature, made in the one way that the key is good for. It would ask the machine for the
/// time, and be content with one of many audiences, so those are looked at here.
fn validation(key: &ClientKey) -> Validation {
    let mut validation = Validation::new(key.signs_with());
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation
}

impl Claims {
    /// When it ends, if it has begun and is neither over nor meant for longer than an assertion may be.
    fn living_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.exp.instant()?;
        let has_begun = |time: Option<Seconds>| {
            time.is_none_or(|time| time.instant().is_some_and(|time| time <= now + LEEWAY))
        };
        let is_now =
            now < until && until <= now + LONGEST + LEEWAY && has_begun(self.nbf) && has_begun(self.iat);
        is_now.then_some(until)
    }
}

/// Whether a header only names what is known already. Whatever would bring a key along, or say where one is, makes the
/// assertion none; so does anything that a reader must understand and this one does not.
fn brings_nothing(header: &Header) -> bool {
    let is_named = |typ: &String| TYPES.iter().any(|name| name.eq_ignore_ascii_case(typ));
    header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.crit.is_none()
        && header.zip.is_none()
        && header.enc.is_none()
        && !header.extras.inner().contains_key("b64")
        && header.typ.as_ref().is_none_or(is_named)
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
