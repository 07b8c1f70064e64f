//! Password hashing with Argon2id, in a pool of its own, so that a crowd at the door never starves the rest.

mod workers;

use crate::{
    Error, config,
    domain::{Invalid, Password, Personal, judge},
};
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use workers::{Memory, Workers};
use zeroize::Zeroizing;

/// OWASP's parameters for Argon2id: memory in KiB, passes, lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// What an unknown address's password is checked against, so that it costs what a known one costs.
/// No password is known that fits it, and none would be let in.
const DECOY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Y2FuZG9yLWRlY295LTAwMQ$2Vd0cB7kFqL1yX9mT3hN5sRzJ8wGvA4uEoKiPbDxCfM";

/// The pool.
pub struct Hashing {
    workers: Workers,
    runs: Arc<AtomicU64>,
}

impl Hashing {
    pub(super) fn new(config: config::Hashing) -> Self {
        Self { workers: Workers::start(config.at_once, config.waiting), runs: Arc::default() }
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
        self.run(move |memory| {
            let mut salt = [0; Salt::RECOMMENDED_LENGTH];
            getrandom::fill(&mut salt).map_err(|_| Error::Hashing)?;
            let salt = Salt::new(&salt).map_err(|_| Error::Hashing)?;
            let hash = hash(password.as_bytes(), salt, params()?, memory)?;
            Ok(Zeroizing::new(hash.to_string()))
        })
        .await
    }

    /// Judges a new password, and hashes it as a PHC string. What is wrong with it is said of the given field.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is easily guessed; [`Error::Busy`] when too many wait.
    pub async fn choose(
        &self,
        field: &'static str,
        password: Password,
        personal: Personal,
    ) -> Result<Zeroizing<String>, Error> {
        let judged = password.clone();
        self.workers
            .run(move |_| {
                judge(&judged, &personal)
                    .map_err(|why| Invalid { field, description: why.description() }.into())
            })
            .await?;
        self.hash(password).await
    }

    /// Whether a password fits a hash; with no hash it works as hard and says no.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn fits(&self, password: Password, hash: Option<Zeroizing<String>>) -> Result<bool, Error> {
        self.run(move |memory| {
            let parsed = PasswordHash::new(hash.as_ref().map_or(DECOY, |hash| hash.as_str()));
            let parsed = parsed.map_err(|_| Error::Unreadable)?;
            Ok(verify(password.as_bytes(), &parsed, memory)? && hash.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut [Block]) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let runs = Arc::clone(&self.runs);
        let counted = move |memory: &mut Memory| {
            runs.fetch_add(1, Ordering::Relaxed);
            work(memory.blocks()?)
        };
        self.workers.run(counted).await
    }
}

fn params() -> Result<Params, Error> {
    let (memory, passes, lanes) = COST;
    Params::new(memory, passes, lanes, None).map_err(|_| Error::Hashing)
}

fn hash(password: &[u8], salt: Salt, params: Params, memory: &mut [Block]) -> Result<PasswordHash, Error> {
    let written = ParamsString::try_from(&params).map_err(|_| Error::Hashing)?;
    let mut output = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, &salt, output.as_mut(), memory)
        .map_err(|_| Error::Hashing)?;
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: written,
        salt: Some(salt),
        hash: Some(Output::new(output.as_ref()).map_err(|_| Error::Hashing)?),
    })
}

/// Hashes anew with the salt and the cost that are written in the hash.
fn verify(password: &[u8], known: &PasswordHash, memory: &mut [Block]) -> Result<bool, Error> {
    let salt = known.salt.ok_or(Error::Unreadable)?;
    let params = Params::try_from(known).map_err(|_| Error::Unreadable)?;
    let (blocks, ours) = (params.block_count(), memory.len());
    let anew = if blocks <= ours {
        hash(password, salt, params, memory)?
    } else {
        hash(password, salt, params, &mut vec![Block::new(); blocks])?
    };
    // Compared in constant time.
    Ok(anew.hash.is_some() && anew.algorithm == known.algorithm && anew.hash == known.hash)
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
        let password = Password::choose("password", "green tea in the morning").unwrap();
        let hash = pool.hash(password.clone()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(pool.fits(password.clone(), Some(hash.clone())).await.unwrap());
        assert!(!pool.fits(Password::offer("black tea").unwrap(), Some(hash)).await.unwrap());
        assert!(!pool.fits(password, None).await.unwrap());
        assert_eq!(pool.runs(), 4);
    }

    #[test]
    fn hashes_are_the_ones_of_everybody_else() {
        use argon2::{PasswordHasher as _, PasswordVerifier as _};
        let theirs = Argon2::new(Algorithm::Argon2id, Version::V0x13, params().unwrap());
        let mut memory = vec![Block::new(); params().unwrap().block_count()];
        let known: PasswordHash = theirs.hash_password(b"green tea").unwrap();
        assert!(verify(b"green tea", &known, &mut memory).unwrap());
        assert!(!verify(b"black tea", &known, &mut memory).unwrap());
        let ours = hash(b"green tea", known.salt.unwrap(), params().unwrap(), &mut memory).unwrap();
        assert_eq!(ours.to_string(), known.to_string());
        assert!(theirs.verify_password(b"green tea", &ours).is_ok());
    }
}
