//! A client's public keys, as JSON Web Keys (RFC 7517): those of the right kind and strength, and nothing else of them.

use crate::domain::Invalid;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A larger set is refused unread.
pub const MOST_JWKS_BYTES: usize = 64 * 1024;
/// Keys of a client at most.
const MOST_KEYS: usize = 20;
/// The longest id of a key.
const MOST_ID_BYTES: usize = 128;
/// The strength of an RSA key, in bits of its modulus; a larger one would only take longer.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A public key that a client's assertions are verified with, and how: a key is good for one algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientKey {
    /// Its id, an assertion's `kid`.
    pub key_id: String,
    algorithm: KeyAlgorithm,
    public: Public,
}

/// How a client may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyAlgorithm {
    Rs384,
    Es384,
    EdDsa,
}

impl KeyAlgorithm {
    fn of(self) -> Algorithm {
        match self {
            Self::Rs384 => Algorithm::RS384,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs384 => "RS384",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// What is kept of a key, in the form of a JSON Web Key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
enum Public {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    P384 { crv: P384, x: String, y: String },
    #[serde(rename = "OKP")]
    Ed25519 { crv: Ed25519, x: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum P384 {
    #[serde(rename = "P-384")]
    Curve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Ed25519 {
    #[serde(rename = "Ed25519")]
    Curve,
}

/// What is wrong with a key, to be read after the field's name.
type Flaw = &'static str;

/// A JSON Web Key as somebody wrote it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    // What only the owner of a key may have.
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

impl Jwk {
    fn is_private(&self) -> bool {
        let parts = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth, &self.k];
        parts.into_iter().any(Option::is_some)
    }

    fn checked(self) -> Result<ClientKey, Flaw> {
        if self.is_private() {
            return Err(
                "holds a private key. It is private no more: please make a new pair and send its public half",
            );
        }
        let key_id = self.kid.clone().filter(|id| !id.is_empty() && id.len() <= MOST_ID_BYTES);
        let key_id = key_id.ok_or("holds a key without an id (kid) of 1 to 128 bytes")?;
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !signs {
            return Err("holds a key that is not for signatures");
        }
        let named = self.alg.clone();
        let (algorithm, public) = self.public()?;
        if named.is_some_and(|named| named != algorithm.name()) {
            return Err("holds a key for another algorithm than RS384, ES384 or EdDSA");
        }
        Ok(ClientKey { key_id, algorithm, public })
    }

    fn public(self) -> Result<(KeyAlgorithm, Public), Flaw> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let (n, e) = (part(self.n)?, part(self.e)?);
                rsa_flaw(&n, &e).map_or(Ok(()), Err)?;
                Ok((KeyAlgorithm::Rs384, Public::Rsa { n: text(&n), e: text(&e) }))
            }
            ("EC", Some("P-384")) => {
                let (x, y) = (text(&part(self.x)?), text(&part(self.y)?));
                // Whether the two are a point of the curve is for the verifier to say.
                let key = DecodingKey::from_ec_components(&x, &y).map_err(|_| NO_POINT)?;
                crypto::verify("", &[], &key, Algorithm::ES384).map_err(|_| NO_POINT)?;
                Ok((KeyAlgorithm::Es384, Public::P384 { crv: P384::Curve, x, y }))
            }
            ("OKP", Some("Ed25519")) => {
                let x = part(self.x)?;
                let bytes: &[u8; 32] = x.as_slice().try_into().map_err(|_| NO_POINT)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| NO_POINT)?;
                if key.is_weak() {
                    return Err(NO_POINT);
                }
                Ok((KeyAlgorithm::EdDsa, Public::Ed25519 { crv: Ed25519::Curve, x: text(&x) }))
            }
            _ => Err("holds a key of another kind than RSA, P-384 or Ed25519"),
        }
    }
}

const NO_POINT: Flaw = "holds a key that is not a point of its curve";

fn part(text: Option<String>) -> Result<Vec<u8>, Flaw> {
    let bytes = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    bytes.filter(|bytes| !bytes.is_empty()).ok_or("holds a key with a part that is missing or not base64url")
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn rsa_flaw(modulus: &[u8], exponent: &[u8]) -> Option<Flaw> {
    let (modulus, exponent) = (significant(modulus), significant(exponent));
    let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if !RSA_BITS.contains(&(modulus.len() * 8 - unused)) {
        return Some("holds an RSA key of fewer than 2048 or more than 4096 bits");
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let is_sound = is_odd(modulus) && is_odd(exponent) && exponent != [1] && exponent.len() <= 4;
    (!is_sound).then_some("holds an RSA key with an unsound modulus or exponent")
}

/// A number without the zeros in front.
fn significant(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}

impl ClientKey {
    /// The algorithm it is good for, by its name in a token's header.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.name()
    }

    /// As it is stored.
    pub fn stored_as(&self) -> String {
        serde_json::to_string(&self.public).unwrap_or_default()
    }

    /// Takes a key back from the store.
    pub fn stored(key_id: String, text: &str) -> Option<Self> {
        let public: Public = serde_json::from_str(text).ok()?;
        let algorithm = match &public {
            Public::Rsa { .. } => KeyAlgorithm::Rs384,
            Public::P384 { .. } => KeyAlgorithm::Es384,
            Public::Ed25519 { .. } => KeyAlgorithm::EdDsa,
        };
        Some(Self { key_id, algorithm, public })
    }

    /// The algorithm it is good for, as the library knows it.
    pub(super) fn signs_with(&self) -> Algorithm {
        self.algorithm.of()
    }

    /// The key as the library verifies with it; `None` for what was never a key.
    pub(super) fn verifying(&self) -> Option<DecodingKey> {
        let key = match &self.public {
            Public::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
            Public::P384 { x, y, .. } => DecodingKey::from_ec_components(x, y),
            Public::Ed25519 { x, .. } => DecodingKey::from_ed_components(x),
        };
        key.ok()
    }
}

/// The keys of one client, each with an id of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet(Vec<ClientKey>);

impl KeySet {
    /// Reads a JSON Web Key Set that somebody registers: every key of it must be good.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn registered(text: &str) -> Result<Self, Invalid> {
        let invalid = |description| Invalid { field: "jwks", description };
        let keys = parse(text.as_bytes()).ok_or_else(|| invalid("is not a JSON Web Key Set"))?;
        if keys.is_empty() || keys.len() > MOST_KEYS {
            return Err(invalid("needs 1 to 20 keys"));
        }
        let keys: Result<Vec<_>, Flaw> = keys.into_iter().map(read).collect();
        let set = Self(keys.map_err(invalid)?);
        if set.repeats_an_id() { Err(invalid("holds two keys with the same id (kid)")) } else { Ok(set) }
    }

    /// Reads a JSON Web Key Set that was fetched: what cannot be used of it, such as keys for encryption, is left out.
    /// `None` where nothing is left, or it is not clear which key an id means.
    pub fn fetched(body: &[u8]) -> Option<Self> {
        let keys = parse(body)?.into_iter().filter_map(|key| read(key).ok());
        let set = Self(keys.take(MOST_KEYS).collect());
        (!set.0.is_empty() && !set.repeats_an_id()).then_some(set)
    }

    /// Keys from the store.
    pub fn of(keys: Vec<ClientKey>) -> Self {
        Self(keys)
    }

    /// The key of an id.
    pub fn find(&self, key_id: &str) -> Option<&ClientKey> {
        self.0.iter().find(|key| key.key_id == key_id)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &ClientKey> {
        self.0.iter()
    }

    fn repeats_an_id(&self) -> bool {
        self.0.iter().enumerate().any(|(at, key)| self.0[..at].iter().any(|other| other.key_id == key.key_id))
    }
}

fn parse(body: &[u8]) -> Option<Vec<serde_json::Value>> {
    if body.len() > MOST_JWKS_BYTES {
        return None;
    }
    serde_json::from_slice::<Jwks>(body).ok().map(|set| set.keys)
}

fn read(key: serde_json::Value) -> Result<ClientKey, Flaw> {
    serde_json::from_value::<Jwk>(key).map_err(|_| "holds something that is not a JSON Web Key")?.checked()
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
