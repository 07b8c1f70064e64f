//! Secrets at rest: key encryption keys in a file, one data key per owner and service in a key store of its
//! own, and values sealed by those data keys.
//!
//! The file's newest key encryption key (KEK) wraps data keys; older ones still unwrap until [`rewrap`] has
//! moved every data key to the newest. Destroying an owner's data key ([`Vault::shred`]) makes everything it
//! sealed unreadable: in live data at once (other replicas forget their copy within [`KEY_LIFETIME`]), in
//! backups of the key store when those are gone.

mod cache;
mod config;
mod crypto;
mod data_key;
mod error;
mod kek;
mod metrics;
mod remove;
mod rewrap;
mod store;

pub use config::Config;
pub use data_key::{DataKey, Place};
pub use error::Error;
pub use kek::{add_kek, init_kek, kek_ids};
pub use remove::{distinct, remove_kek};
pub use rewrap::{Rewrapped, remaining, rewrap, rewrap_with};
pub use store::Usage;

use cache::Cache;
use chassis::{Clock, Ids};
use kek::KekFile;
use metrics::Origin;
use sqlx::PgPool;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long an unwrapped data key is used from memory, by a clock that only goes forward. A quarter later it is
/// wiped at the latest, unless a caller still holds it.
pub const KEY_LIFETIME: Duration = Duration::from_secs(20);
/// How many unwrapped data keys stay in memory at most.
const KEYS_IN_MEMORY: usize = 10_000;

type Probe = Box<dyn Fn() -> futures::future::BoxFuture<'static, bool> + Send + Sync>;

/// The data keys of one service. Clones share the same memory.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    service: &'static str,
    store: PgPool,
    probe: Probe,
    kek_file: PathBuf,
    keks: RwLock<Arc<KekFile>>,
    cache: Arc<Cache>,
    clock: Clock,
    ids: Ids,
}

impl Vault {
    /// Opens the vault of a service: reads the KEK file and connects to the key store.
    ///
    /// # Errors
    /// [`Error::KekFile`] when the file is missing, readable by others or malformed; [`Error::Store`].
    pub async fn open(config: &Config, service: &'static str, clock: Clock, ids: Ids) -> Result<Self, Error> {
        let store = chassis::database::connect(&config.keystore).await?;
        Self::with_store(store, config.kek_file.clone(), service, clock, ids)
    }

    /// The same with a connected key store. Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`Error::KekFile`] when the file is missing, readable by others or malformed.
    pub fn with_store(
        store: PgPool,
        kek_file: PathBuf,
        service: &'static str,
        clock: Clock,
        ids: Ids,
    ) -> Result<Self, Error> {
        let keks = RwLock::new(Arc::new(KekFile::read(&kek_file)?));
        let cache = Cache::start(KEYS_IN_MEMORY, KEY_LIFETIME);
        metrics::begin(service);
        let probe: Probe = Box::new(chassis::database::probe(&store));
        Ok(Self(Arc::new(Inner { service, store, probe, kek_file, keks, cache, clock, ids })))
    }

    /// The data key of an owner, made on first use. Of several writers that ask at the same time for a key
    /// that does not exist, all receive the same one.
    ///
    /// # Errors
    /// [`Error::Destroyed`] once shredded, [`Error::UnknownKek`], [`Error::KekFile`], [`Error::Store`].
    pub async fn data_key(&self, owner: Uuid) -> Result<DataKey, Error> {
        if let Some(key) = self.0.cache.get(owner, Instant::now()) {
            metrics::key(self.0.service, Origin::Memory);
            return Ok(key);
        }
        let epoch = self.0.cache.epoch();
        let (key, from) = match store::find(&self.0.store, self.0.service, owner).await? {
            Some(row) => (self.unwrap_current(owner, row).await?, Origin::Store),
            None => (self.create(owner).await?, Origin::Nowhere),
        };
        metrics::key(self.0.service, from);
        self.0.cache.insert(owner, &key, epoch, Instant::now());
        Ok(key)
    }

    /// Destroys the owner's data key for good, also when there is none yet. What it sealed can never be read
    /// again, and no new key is made for this owner. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn shred(&self, owner: Uuid) -> Result<(), Error> {
        let destroyed =
            store::destroy(&self.0.store, self.0.service, owner, self.0.ids.next(), self.0.clock.now()).await;
        // Also when the answer was lost: the key may be destroyed by then.
        self.0.cache.evict(owner);
        Ok(destroyed?)
    }

    /// Whether the key store answers; for a readiness check.
    pub async fn is_reachable(&self) -> bool {
        (self.0.probe)().await
    }

    /// Makes the owner's key, or takes the one that somebody else made a moment earlier.
    async fn create(&self, owner: Uuid) -> Result<DataKey, Error> {
        let mut root = Zeroizing::new([0u8; 32]);
        getrandom::fill(root.as_mut()).map_err(|_| Error::Random)?;
        let key_id = self.0.ids.next();
        // Read anew while nobody removes a KEK, hence under the lock and not before it: a key wrapped by one that is gone
        // could never be unwrapped again.
        let mut tx = self.0.store.begin().await?;
        store::share_keks(&mut tx).await?;
        let (kek_id, wrapped) = self.reload().await?.wrap(&self.identity(owner, key_id), &root)?;
        let new = store::NewKey { service: self.0.service, owner, key_id, kek_id, wrapped };
        let made = store::insert(&mut tx, &new, self.0.clock.now()).await?;
        tx.commit().await?;
        if made {
            return DataKey::new(self.0.service, owner, key_id, &root);
        }
        match store::find(&self.0.store, self.0.service, owner).await? {
            Some(row) => self.unwrap_current(owner, row).await,
            None => Err(Error::Store(sqlx::Error::RowNotFound)), // rows are never deleted
        }
    }

    /// Unwraps a row; one that was wrapped anew since it was read is read once more.
    async fn unwrap_current(&self, owner: Uuid, row: store::Row) -> Result<DataKey, Error> {
        match self.unwrap(owner, &row).await {
            Err(Error::UnknownKek(gone)) => match store::find(&self.0.store, self.0.service, owner).await? {
                Some(row) => self.unwrap(owner, &row).await,
                None => Err(Error::UnknownKek(gone)),
            },
            other => other,
        }
    }

    async fn unwrap(&self, owner: Uuid, row: &store::Row) -> Result<DataKey, Error> {
        let (Some(kek_id), Some(wrapped)) = (&row.kek_id, &row.wrapped) else {
            return Err(Error::Destroyed);
        };
        let identity = self.identity(owner, row.key_id);
        let known = self.0.keks.read().unwrap_or_else(PoisonError::into_inner).clone();
        let root = match known.unwrap(kek_id, &identity, wrapped) {
            // The file may have been given a new KEK since it was read.
            Err(Error::UnknownKek(_)) => self.reload().await?.unwrap(kek_id, &identity, wrapped)?,
            other => other?,
        };
        DataKey::new(self.0.service, owner, row.key_id, &root)
    }

    /// Reads the file anew, on a thread that may wait for a disk.
    async fn reload(&self) -> Result<Arc<KekFile>, Error> {
        let path = self.0.kek_file.clone();
        let reading = tokio::task::spawn_blocking(move || KekFile::read(&path));
        let problem =
            |_| Error::KekFile { path: self.0.kek_file.clone(), problem: "could not be read".into() };
        let fresh = Arc::new(reading.await.map_err(problem)??);
        *self.0.keks.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    fn identity(&self, owner: Uuid, key_id: Uuid) -> kek::Identity<'static> {
        kek::Identity { service: self.0.service, owner, key_id }
    }
}

/// How many data keys each service has under each KEK, in that order. Destroyed ones do not count.
///
/// # Errors
/// [`Error::Store`].
pub async fn usage(store: &PgPool) -> Result<Vec<Usage>, Error> {
    Ok(store::usage(store).await?)
}

/// Before the first start of a service and every other: its keys can be unwrapped. A lost KEK file must never be
/// made anew, as nothing that was sealed could be read.
///
/// # Errors
/// [`Error::KekFile`] when the file is missing though keys are wrapped with it, or holds none of the KEKs that wrap
/// the service's keys; [`Error::Store`].
pub async fn demand_kek(store: &PgPool, kek_file: &Path, service: &str) -> Result<(), Error> {
    let mut usage = store::usage(store).await?;
    usage.retain(|usage| usage.service == service);
    if usage.is_empty() {
        return Ok(());
    }
    let refuse = |problem: String| Err(Error::KekFile { path: kek_file.to_owned(), problem: problem.into() });
    if !kek_file.exists() {
        return refuse("is missing, but the key store holds keys wrapped with it; put the file back".into());
    }
    let held = kek_ids(kek_file)?;
    let missing = usage.iter().find(|usage| !held.contains(&usage.kek_id)).map(|usage| usage.kek_id.as_str());
    match missing {
        Some(missing) if usage.iter().all(|usage| !held.contains(&usage.kek_id)) => {
            refuse(format!("does not hold the key {missing}, which wraps the keys of {service}; put it back"))
        }
        Some(missing) => {
            tracing::warn!(missing, service, "the key file lacks a key that still wraps some data keys");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Brings the key store's tables up to date. Safe to call from every service at the same time.
///
/// # Errors
/// When the key store cannot be reached or a migration fails.
pub async fn migrate(store: &PgPool) -> Result<(), sqlx::migrate::MigrateError> {
    sqlx::migrate!().run(store).await
}
