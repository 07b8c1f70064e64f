//! Verifies passports against accounts' public keys, without asking anybody as long as the key is known.

use super::claims::{AUDIENCE, Claims, ISSUER, MAX_LIFETIME};
use super::{Passport, remote};
use crate::{Clock, Code, Fault};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// A longer token is refused unread.
const MAX_TOKEN_BYTES: usize = 4096;
/// How far a minter's clock may run ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// Unknown key ids cause at most one fetch in this time.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// After a fetch that failed, the next is tried sooner.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Verified passports remembered at most.
const CACHE_SIZE: usize = 10_000;

/// A public key that verifies passports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its id, a passport's `kid`.
    pub key_id: String,
    /// The Ed25519 public key in base64url without padding, a JWK's `x`.
    pub x: String,
}

/// Where the public keys are: accounts' own table, or accounts over gRPC.
pub trait KeySource: Send + Sync {
    /// Every key that may have signed a living passport.
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>>;
}

/// Verifies passports. Clones share keys and memory.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    source: Arc<dyn KeySource>,
    clock: Clock,
    validation: Validation,
    keys: RwLock<HashMap<String, DecodingKey>>,
    verified: Mutex<HashMap<[u8; 32], Passport>>,
    /// When the keys may be fetched again, and why not before.
    refresh: tokio::sync::Mutex<Option<(Instant, Option<Fault>)>>,
}

impl Keyring {
    /// Keys from accounts over gRPC, fetched when first needed. An address that cannot be used shows at the
    /// first fetch.
    pub fn remote(accounts_url: &str, clock: Clock) -> Self {
        Self::new(Arc::new(remote::RemoteKeys::new(accounts_url)), clock)
    }

    /// Keys from any source.
    pub fn new(source: Arc<dyn KeySource>, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Time is checked here, against the injected clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self(Arc::new(Inner {
            source,
            clock,
            validation,
            keys: RwLock::default(),
            verified: Mutex::default(),
            refresh: tokio::sync::Mutex::default(),
        }))
    }

    /// The caller a token speaks for.
    ///
    /// # Errors
    /// UNAUTHENTICATED for every token that is not a living passport; UNAVAILABLE when its key is not known
    /// and accounts cannot be asked.
    pub async fn verify(&self, token: &str) -> Result<Passport, Fault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused());
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.0.clock.now();
        if let Some(passport) = self.remembered(&digest) {
            return if passport.expires_at > now { Ok(passport) } else { Err(expired()) };
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        // Pinned before any key is looked up: neither `none` nor a MAC keyed with the public key gets further.
        if header.alg != Algorithm::EdDSA {
            return Err(refused());
        }
        let key = self.key(header.kid.as_deref().ok_or_else(refused)?).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.0.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => expired(),
                _ => refused(),
            })?
            .claims;
        let (iat, exp, now) = (claims.iat, claims.exp, now.as_second());
        // Compared without sums that a hostile number could overflow.
        if exp <= iat || exp.saturating_sub(iat) > MAX_LIFETIME.as_secs() || iat > now + LEEWAY.as_secs() {
            return Err(refused());
        }
        if exp <= now {
            return Err(expired());
        }
        let passport = claims.passport().map_err(|_| refused())?;
        self.remember(digest, &passport);
        Ok(passport)
    }

    fn remembered(&self, digest: &[u8; 32]) -> Option<Passport> {
        self.0.verified.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn remember(&self, digest: [u8; 32], passport: &Passport) {
        let mut verified = self.0.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= CACHE_SIZE {
            let now = self.0.clock.now();
            verified.retain(|_, known| known.expires_at > now);
            if verified.len() >= CACHE_SIZE {
                verified.clear();
            }
        }
        verified.insert(digest, passport.clone());
    }

    fn known(&self, key_id: &str) -> Option<DecodingKey> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner).get(key_id).cloned()
    }

    async fn key(&self, key_id: &str) -> Result<DecodingKey, Fault> {
        if let Some(key) = self.known(key_id) {
            return Ok(key);
        }
        // One fetch at a time; whoever waited for it finds its result.
        let mut refresh = self.0.refresh.lock().await;
        if let Some(key) = self.known(key_id) {
            return Ok(key);
        }
        // The machine's monotonic time: a pause between calls, not a time of day.
        if let Some((next, fault)) = &*refresh
            && Instant::now() < *next
        {
            return Err(fault.clone().unwrap_or_else(refused));
        }
        match self.0.source.fetch().await {
            Ok(keys) => {
                self.replace(&keys);
                *refresh = Some((Instant::now() + REFRESH_INTERVAL, None));
            }
            Err(fault) => {
                *refresh = Some((Instant::now() + RETRY_INTERVAL, Some(fault.clone())));
                return Err(fault);
            }
        }
        self.known(key_id).ok_or_else(refused)
    }

    fn replace(&self, keys: &[PublicKey]) {
        let usable = keys.iter().filter_map(|key| {
            // The verifier takes the length for granted.
            let whole = URL_SAFE_NO_PAD.decode(&key.x).is_ok_and(|bytes| bytes.len() == 32);
            let decoding = DecodingKey::from_ed_components(&key.x).ok().filter(|_| whole);
            if decoding.is_none() {
                tracing::warn!(key_id = %key.key_id, "a signing key cannot be used");
            }
            Some((key.key_id.clone(), decoding?))
        });
        *self.0.keys.write().unwrap_or_else(PoisonError::into_inner) = usable.collect();
    }
}

fn refused() -> Fault {
    Fault::new(Code::Unauthenticated, "PASSPORT_INVALID", "Please sign in again.")
}

fn expired() -> Fault {
    Fault::new(Code::Unauthenticated, "PASSPORT_EXPIRED", "This sign-in has ended. Please sign in again.")
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
