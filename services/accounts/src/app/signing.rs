//! The keys that sign passports: made, copied into memory, published.

use super::Accounts;
use crate::{
    Error,
    domain::{self, KeyTimes},
    store::signing_key::{self, Key},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chassis::{
    Clock, Fault,
    identity::{KeySource, PublicKey, TokenSigner},
};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use futures::future::BoxFuture;
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use std::sync::{Arc, PoisonError, RwLock};
use uuid::Uuid;
use vault::Place;
use zeroize::Zeroizing;

/// This replica's copy of the keys, opened.
#[derive(Default)]
pub struct SigningKeys(RwLock<Option<Arc<Copy>>>);

struct Copy {
    taken_at: Timestamp,
    keys: Vec<Signer>,
}

/// A key that can sign.
#[derive(Clone)]
pub(super) struct Signer {
    pub(super) tokens: Arc<TokenSigner>,
    signs_from: Timestamp,
}

impl KeyTimes for Signer {
    fn signs_from(&self) -> Timestamp {
        self.signs_from
    }
}

impl SigningKeys {
    /// The key that signs now. The copy is taken anew when it is older than a minute by the clock, which the
    /// time that a key stays published allows for.
    pub(super) async fn signer(&self, accounts: &Accounts) -> Result<Signer, Error> {
        let now = accounts.clock.now();
        if let Some(signer) = self.copy().and_then(|copy| copy.signer(now)) {
            return Ok(signer);
        }
        let key = accounts.key().await?;
        let rows = signing_key::all(&mut *accounts.pool.acquire().await?).await?;
        let keys = rows.iter().map(|row| open(row, key)).collect::<Result<_, _>>()?;
        let copy = Arc::new(Copy { taken_at: now, keys });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&copy));
        copy.signer(now).ok_or(Error::NoSigningKey)
    }

    fn copy(&self) -> Option<Arc<Copy>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Copy {
    fn signer(&self, now: Timestamp) -> Option<Signer> {
        let fresh = self.taken_at <= now && now < self.taken_at + domain::COPY_LIFE;
        if fresh { domain::signer(&self.keys, now).cloned() } else { None }
    }
}

/// Where a private key is sealed.
fn place(key_id: Uuid) -> Place<'static> {
    Place { table: "signing_key", column: "private_key", row: key_id }
}

fn open(row: &Key, key: &vault::DataKey) -> Result<Signer, Error> {
    let pkcs8 = key.open(&place(row.key_id), &row.private_key)?;
    let tokens = TokenSigner::new(&row.key_id.to_string(), &pkcs8).map_err(|_| Error::SigningKey)?;
    Ok(Signer { tokens: Arc::new(tokens), signs_from: row.signs_from })
}

/// Whether a key is to be made or destroyed.
///
/// # Errors
/// When the database fails.
pub async fn is_rotation_due(accounts: &Accounts, conn: &mut PgConnection) -> Result<bool, Error> {
    Ok(needs_change(&signing_key::all(conn).await?, accounts.clock.now()))
}

/// Makes the next key, if its time has come, of the candidate, and destroys those nobody needs any more. Of
/// several replicas that do so at once, one does. True when this one did.
///
/// # Errors
/// When the database fails.
pub async fn rotate(
    accounts: &Accounts,
    conn: &mut PgConnection,
    candidate: Candidate,
) -> Result<bool, Error> {
    let now = accounts.clock.now();
    signing_key::lock(conn).await?;
    let keys = signing_key::all(conn).await?;
    if let Some(signs_from) = domain::is_due(&keys, now) {
        signing_key::insert(conn, &Key { signs_from, ..candidate.0 }, now).await?;
    }
    let kept: Vec<_> = domain::published(&keys, now).map(|key| key.key_id).collect();
    let dead: Vec<_> = keys.iter().map(|key| key.key_id).filter(|id| !kept.contains(id)).collect();
    signing_key::delete(conn, &dead).await?;
    Ok(needs_change(&keys, now))
}

fn needs_change(keys: &[Key], now: Timestamp) -> bool {
    domain::is_due(keys, now).is_some() || domain::published(keys, now).count() < keys.len()
}

/// A key that may become the next one.
pub struct Candidate(Key);

/// Makes a candidate. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the key store is away.
pub async fn candidate(accounts: &Accounts) -> Result<Candidate, Error> {
    let seed = Zeroizing::new(super::random()?);
    let pair = SigningKey::from_bytes(&seed);
    let pkcs8 = pair.to_pkcs8_der().map_err(|_| Error::SigningKey)?;
    let key_id = accounts.ids.next();
    Ok(Candidate(Key {
        key_id,
        public_key: pair.verifying_key().to_bytes().to_vec(),
        private_key: accounts.key().await?.seal(&place(key_id), pkcs8.as_bytes()),
        signs_from: accounts.clock.now(),
    }))
}

/// The public keys that verifiers need now.
///
/// # Errors
/// When the database fails.
pub async fn published_keys(conn: &mut PgConnection, now: Timestamp) -> Result<Vec<PublicKey>, Error> {
    let keys = signing_key::all(conn).await?;
    Ok(domain::published(&keys, now)
        .map(|key| PublicKey { key_id: key.key_id.to_string(), x: URL_SAFE_NO_PAD.encode(&key.public_key) })
        .collect())
}

/// The keys for accounts' own verification: its table, without a call to itself.
pub struct OwnKeys {
    /// The service's database.
    pub pool: PgPool,
    /// Time.
    pub clock: Clock,
}

impl KeySource for OwnKeys {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<PublicKey>, Fault>> {
        Box::pin(async move {
            let mut conn = self.pool.acquire().await?;
            Ok(published_keys(&mut conn, self.clock.now()).await?)
        })
    }
}
