//! Password hashing with Argon2id, in a pool of its own, so that a crowd at the door never starves the rest.

use crate::{Error, config, domain::Password};
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// OWASP's parameters for Argon2id: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// What an unknown address's password is checked against, so that it costs what a known one costs.
/// No password is known that fits it, and none would be let in.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FuZG9yLWRlY295LTAwMQ$2Vd0cB7kFqL1yX9mT3hN5sRzJ8wGvA4uEoKiPbDxCfM";

/// The pool.
pub struct Hashing {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    runs: Arc<AtomicU64>,
}

impl Hashing {
    pub(super) fn new(config: config::Hashing) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(config.at_once)),
            places: Arc::new(Semaphore::new(config.at_once + config.waiting)),
            runs: Arc::default(),
        }
    }

    /// How often Argon2 has run: known and unknown addresses must cost the same, and a test counts.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Hashes a new password, as a PHC string.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn hash(&self, password: Password) -> Result<Zeroizing<String>, Error> {
        self.run(move || {
            let hash: PasswordHash =
                argon2()?.hash_password(password.as_bytes()).map_err(|_| Error::Hashing)?;
            Ok(Zeroizing::new(hash.to_string()))
        })
        .await
    }

    /// Whether a password fits a hash; with no hash it works as hard and says no.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn fits(&self, password: Password, hash: Option<Zeroizing<String>>) -> Result<bool, Error> {
        self.run(move || {
            let parsed = PasswordHash::new(hash.as_ref().map_or(DECOY, |hash| hash.as_str()));
            let parsed = parsed.map_err(|_| Error::Unreadable)?;
            let fits = argon2()?.verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(fits && hash.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Hashing)?;
        let runs = Arc::clone(&self.runs);
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the caller: one who goes away does not make room for more.
            let _held = (place, turn);
            runs.fetch_add(1, Ordering::Relaxed);
            work()
        })
        .await
        .map_err(|_| Error::Hashing)?
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|_| Error::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(at_once: usize, waiting: usize) -> Hashing {
        Hashing::new(config::Hashing { at_once, waiting })
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let pool = pool(1, 0);
        let password = Password::choose("green tea in the morning").unwrap();
        let hash = pool.hash(password.clone()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(pool.fits(password.clone(), Some(hash.clone())).await.unwrap());
        assert!(!pool.fits(Password::offer("black tea").unwrap(), Some(hash)).await.unwrap());
        assert!(!pool.fits(password, None).await.unwrap());
        assert_eq!(pool.runs(), 4);
    }

    #[tokio::test]
    async fn a_full_pool_says_so_at_once_and_empties() {
        let pool = Arc::new(pool(1, 1));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(move || held.recv().map_err(|_| Error::Hashing)).await }
        });
        while pool.runs() == 0 {
            tokio::task::yield_now().await;
        }
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(|| Ok(())).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|| Ok(())).await, Err(Error::Busy)));
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        waiting.await.unwrap().unwrap();
        pool.run(|| Ok(())).await.unwrap();
    }
}
