//! Verifies passports against accounts' public keys, without asking anybody as long as the key is known. The keys
//! are fetched anew in the background: one that was withdrawn is believed for five minutes more, an hour at the
//! most while accounts is away.

use super::claims::{AUDIENCE, Claims, ISSUER, max_lifetime};
use super::{Capability, Kind, Passport, capability, remote};
use crate::{Clock, Code, Fault, rpc};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

/// A longer token is refused unread.
const MAX_TOKEN_BYTES: usize = 4096;
/// How far the clock that minted a passport may run ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(30);
/// The same of a capability, which lives for ten seconds: a clock that is further behind opens nothing.
const CAPABILITY_LEEWAY: SignedDuration = SignedDuration::from_secs(2);
/// Unknown key ids cause at most one fetch in this time.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5);
/// After a fetch that failed, the next is tried sooner.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// Older keys are fetched anew in the background, so that one that was withdrawn is believed no longer.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How often the background tries while accounts is away.
const FRESH_RETRY: Duration = Duration::from_secs(10);
/// Keys that could not be fetched anew for so long are believed no more.
const TRUSTED: Duration = Duration::from_secs(60 * 60);
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

/// Which tokens of software still count. They live longer than passports, so that one that was taken back is asked for at
/// every call.
pub trait ClientTokens: Send + Sync {
    /// Whether the token of that id was not taken back, as far as is known here.
    fn is_live(&self, token_id: Uuid) -> BoxFuture<'_, Result<bool, Fault>>;
}

/// Verifies passports. Clones share keys and memory.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>, Option<Arc<dyn ClientTokens>>);

struct Inner {
    source: Arc<dyn KeySource>,
    clock: Clock,
    validation: Validation,
    capabilities: Validation,
    /// Locked before `verified`, where both are.
    keys: RwLock<Keys>,
    verified: Mutex<HashMap<[u8; 32], Verified>>,
    refresh: tokio::sync::Mutex<Refresh>,
}

/// The keys of one fetch. Ages are the machine's monotonic time, not a time of day.
#[derive(Default)]
struct Keys {
    usable: HashMap<String, Arc<Key>>,
    fetched_at: Option<Instant>,
}

struct Key {
    public: PublicKey,
    decoding: DecodingKey,
}

impl Keys {
    fn are_trusted(&self) -> bool {
        self.fetched_at.is_some_and(|at| at.elapsed() < TRUSTED)
    }

    fn hold(&self, public: &PublicKey) -> bool {
        self.usable.get(&public.key_id).is_some_and(|key| key.public == *public)
    }
}

/// A passport that was verified, and with what.
struct Verified {
    passport: Passport,
    key: Arc<Key>,
}

#[derive(Default)]
struct Refresh {
    /// When the keys may be fetched again, and why not before.
    pause: Option<(Instant, Option<Fault>)>,
    /// Fetches in the background once there is something to keep fresh.
    keeper: Option<JoinHandle<()>>,
}

impl Keyring {
    /// Keys from accounts over gRPC, fetched when first needed. An address that cannot be used shows at the
    /// first fetch.
    pub fn remote(accounts_url: &str, clock: Clock) -> Self {
        Self::new(Arc::new(remote::RemoteKeys::new(accounts_url)), clock)
    }

    /// Keys from any source.
    pub fn new(source: Arc<dyn KeySource>, clock: Clock) -> Self {
        let inner = Inner {
            source,
            clock,
            validation: validation(AUDIENCE),
            capabilities: validation(capability::AUDIENCE),
            keys: RwLock::default(),
            verified: Mutex::default(),
            refresh: tokio::sync::Mutex::default(),
        };
        Self(Arc::new(inner), None)
    }

    /// Takes tokens of software as well, as long as they are not taken back. Without this none is taken.
    #[must_use]
    pub fn taking_clients(self, tokens: Arc<dyn ClientTokens>) -> Self {
        Self(self.0, Some(tokens))
    }

    /// The caller a token speaks for.
    ///
    /// # Errors
    /// UNAUTHENTICATED for every token that is not a living passport; PERMISSION_DENIED for software where none is taken;
    /// UNAVAILABLE when its key is not known, or was last heard of an hour ago, and accounts cannot be asked.
    pub async fn verify(&self, token: &str) -> Result<Passport, Fault> {
        let passport = self.verify_signed(token).await?;
        if passport.kind == Kind::Client {
            let tokens = self.1.as_ref().ok_or_else(rpc::not_for_software)?;
            if !tokens.is_live(passport.session_id).await? {
                return Err(expired());
            }
        }
        Ok(passport)
    }

    async fn verify_signed(&self, token: &str) -> Result<Passport, Fault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(refused());
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let now = self.0.clock.now();
        if let Some(passport) = self.remembered(&digest) {
            return if passport.expires_at > now { Ok(passport) } else { Err(expired()) };
        }
        let key = self.key_of(token).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.0.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => expired(),
                _ => refused(),
            })?
            .claims;
        if !is_a_life(claims.iat, claims.exp, max_lifetime(claims.kind), now + LEEWAY) {
            return Err(refused());
        }
        if claims.exp <= now.as_second() {
            return Err(expired());
        }
        let passport = claims.passport().ok_or_else(refused)?;
        self.remember(digest, &passport, key);
        Ok(passport)
    }

    /// The capability a token holds. It lives ten seconds, so none is remembered.
    ///
    /// # Errors
    /// PERMISSION_DENIED for every token that is not a living capability; UNAVAILABLE as [`Keyring::verify`].
    pub async fn verify_capability(&self, token: &str) -> Result<Capability, Fault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(no_capability());
        }
        let key = self.key_of(token).await.map_err(|fault| match fault.code {
            Code::Unauthenticated => no_capability(),
            _ => fault,
        })?;
        let claims = jsonwebtoken::decode::<capability::Claims>(token, &key.decoding, &self.0.capabilities)
            .map_err(|_| no_capability())?
            .claims;
        let now = self.0.clock.now();
        if !is_a_life(claims.iat, claims.exp, capability::MAX_LIFETIME, now + CAPABILITY_LEEWAY)
            || claims.exp <= now.as_second()
        {
            return Err(no_capability());
        }
        claims.capability().map_err(|_| no_capability())
    }

    /// The key that a token says it is signed with.
    async fn key_of(&self, token: &str) -> Result<Arc<Key>, Fault> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        // Pinned before any key is looked up: neither `none` nor a MAC keyed with the public key gets further.
        if header.alg != Algorithm::EdDSA || !says_no_more(&header) {
            return Err(refused());
        }
        self.key(header.kid.as_deref().ok_or_else(refused)?).await
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self, digest: &[u8; 32]) -> Option<Passport> {
        if !self.keys().are_trusted() {
            return None;
        }
        let verified = self.0.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(digest).map(|known| known.passport.clone())
    }

    fn remember(&self, digest: [u8; 32], passport: &Passport, key: Arc<Key>) {
        let keys = self.keys();
        // Withdrawn while the passport was being verified: it must not outlive the key here.
        if !keys.hold(&key.public) {
            return;
        }
        let mut verified = self.0.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() >= CACHE_SIZE {
            let now = self.0.clock.now();
            verified.retain(|_, known| known.passport.expires_at > now);
            if verified.len() >= CACHE_SIZE {
                verified.clear();
            }
        }
        verified.insert(digest, Verified { passport: passport.clone(), key });
    }

    fn known(&self, key_id: &str) -> Option<Arc<Key>> {
        let keys = self.keys();
        if keys.are_trusted() { keys.usable.get(key_id).cloned() } else { None }
    }

    async fn key(&self, key_id: &str) -> Result<Arc<Key>, Fault> {
        if let Some(key) = self.known(key_id) {
            return Ok(key);
        }
        // One fetch at a time; whoever waited for it finds its result.
        let mut refresh = self.0.refresh.lock().await;
        if let Some(key) = self.known(key_id) {
            return Ok(key);
        }
        if let Some((next, fault)) = &refresh.pause
            && Instant::now() < *next
        {
            return Err(fault.clone().unwrap_or_else(refused));
        }
        self.fetch(&mut refresh).await?;
        if refresh.keeper.as_ref().is_none_or(JoinHandle::is_finished) {
            refresh.keeper = Some(tokio::spawn(keep_fresh(Arc::downgrade(&self.0))));
        }
        self.known(key_id).ok_or_else(refused)
    }

    async fn fetch(&self, refresh: &mut Refresh) -> Result<(), Fault> {
        let answer = self.0.source.fetch().await;
        let now = Instant::now();
        match answer {
            Ok(keys) => {
                self.replace(keys, now);
                refresh.pause = Some((now + REFRESH_INTERVAL, None));
                Ok(())
            }
            Err(fault) => {
                refresh.pause = Some((now + RETRY_INTERVAL, Some(fault.clone())));
                Err(fault)
            }
        }
    }

    /// Fetches the keys if they are old; says when to look again.
    async fn refetch(&self) -> Instant {
        let mut refresh = self.0.refresh.lock().await;
        let due = self.keys().fetched_at.map_or_else(Instant::now, |at| at + FRESH);
        if Instant::now() < due {
            return due;
        }
        let pause = if self.fetch(&mut refresh).await.is_ok() { FRESH } else { FRESH_RETRY };
        Instant::now() + pause
    }

    /// Puts the keys of a fetch in the place of those before, and forgets what only those before had signed.
    fn replace(&self, fetched: Vec<PublicKey>, now: Instant) {
        let usable = fetched.into_iter().filter_map(|public| {
            // The verifier takes the length for granted.
            let whole = URL_SAFE_NO_PAD.decode(&public.x).is_ok_and(|bytes| bytes.len() == 32);
            let decoding = DecodingKey::from_ed_components(&public.x).ok().filter(|_| whole);
            if decoding.is_none() {
                tracing::warn!(key_id = %public.key_id, "a signing key cannot be used");
            }
            Some((public.key_id.clone(), Arc::new(Key { public, decoding: decoding? })))
        });
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        *keys = Keys { usable: usable.collect(), fetched_at: Some(now) };
        let mut verified = self.0.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.retain(|_, known| keys.hold(&known.key.public));
    }
}

/// Keeps the keys fresh for as long as anybody holds the keyring, whether or not passports come.
async fn keep_fresh(keyring: Weak<Inner>) {
    while let Some(inner) = keyring.upgrade() {
        let due = Keyring(inner, None).refetch().await;
        tokio::time::sleep_until(due).await;
    }
}

/// What every token is held to, whatever it is for.
fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // Time is checked here, against the injected clock.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

/// Whether a header names its kind, its algorithm and its key, and nothing more, as every token of ours does: no key of its own,
/// no address of one, and nothing that would have to be understood.
fn says_no_more(header: &Header) -> bool {
    let (typ, kid) = (header.typ.clone(), header.kid.clone());
    *header == Header { typ, kid, ..Header::new(header.alg) }
}

/// Whether a token's times make sense: it lives no longer than it may, and was made by `latest`. Compared without sums
/// that a hostile number could overflow.
fn is_a_life(iat: i64, exp: i64, longest: SignedDuration, latest: Timestamp) -> bool {
    exp > iat && exp.saturating_sub(iat) <= longest.as_secs() && iat <= latest.as_second()
}

/// A capability that is none, or none any more.
pub(super) fn no_capability() -> Fault {
    let message = "What was opened to you is closed again. Please open it anew.";
    Fault::new(Code::PermissionDenied, "CAPABILITY_INVALID", message)
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

#[cfg(test)]
#[path = "capability_tests.rs"]
mod capability_tests;

#[cfg(test)]
#[path = "header_tests.rs"]
mod header_tests;
