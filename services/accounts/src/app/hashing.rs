//! Password hashing with Argon2id, in a pool of its own, so that a crowd at the door never starves the rest.

use super::metrics;
use crate::{
    Error, config,
    domain::{Invalid, Password, Personal, judge},
};
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;
use zeroize::{Zeroize as _, Zeroizing};

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
    memory: Arc<Memory>,
    /// How many wait for a turn.
    waiting: Arc<AtomicUsize>,
    metrics: metrics::Hashing,
}

impl Hashing {
    pub(super) fn new(config: config::Hashing) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(config.at_once)),
            places: Arc::new(Semaphore::new(config.at_once + config.waiting)),
            runs: Arc::default(),
            memory: Arc::default(),
            waiting: Arc::default(),
            metrics: metrics::Hashing::new(),
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
        self.take_turn(move || {
            judge(&judged, &personal).map_err(|why| Invalid { field, description: why.description() }.into())
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
        let (runs, memory) = (Arc::clone(&self.runs), Arc::clone(&self.memory));
        self.take_turn(move || {
            runs.fetch_add(1, Ordering::Relaxed);
            memory.lend(work)
        })
        .await
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.metrics.refused();
            Error::Busy
        })?;
        let begun = Instant::now();
        let mut waiting = Waiting::begin(self);
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::Hashing)?;
        waiting.has_turn = true;
        drop(waiting);
        let (running, crowd, memory) =
            (self.metrics.begin(begun), Arc::clone(&self.waiting), Arc::clone(&self.memory));
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the caller: one who goes away does not make room for more.
            let held = (place, turn, running);
            let done = work();
            drop(held);
            if crowd.load(Ordering::SeqCst) == 0 {
                Memory::wipe_soon(&memory);
            }
            done
        })
        .await
        .map_err(|_| Error::Hashing)?
    }
}

/// Whoever waits for a turn.
struct Waiting {
    crowd: Arc<AtomicUsize>,
    memory: Arc<Memory>,
    has_turn: bool,
}

impl Waiting {
    fn begin(hashing: &Hashing) -> Self {
        hashing.waiting.fetch_add(1, Ordering::SeqCst);
        Self { crowd: Arc::clone(&hashing.waiting), memory: Arc::clone(&hashing.memory), has_turn: false }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The one before left its memory to whoever goes away here.
        if self.crowd.fetch_sub(1, Ordering::SeqCst) == 1 && !self.has_turn {
            Memory::wipe_soon(&self.memory);
        }
    }
}

/// The memory of passwords being hashed, kept for the next: given back each time, it would stay with whichever of
/// many threads had asked for it. Of pieces there are never more than turns.
///
/// A piece is wiped once nobody waits: whoever does overwrites it at once, and wiping takes an eighth of the time that
/// hashing takes.
#[derive(Default)]
struct Memory {
    idle: Mutex<Vec<Piece>>,
    made: AtomicU64,
}

struct Piece {
    blocks: Box<[Block]>,
    is_used: bool,
}

impl Memory {
    /// Works on a piece.
    fn lend<T>(&self, work: impl FnOnce(&mut [Block]) -> Result<T, Error>) -> Result<T, Error> {
        let idle = self.idle().pop();
        let mut piece = match idle {
            Some(piece) => piece,
            None => {
                self.made.fetch_add(1, Ordering::Relaxed);
                let blocks = vec![Block::new(); params()?.block_count()].into_boxed_slice();
                Piece { blocks, is_used: false }
            }
        };
        piece.is_used = true;
        let done = work(&mut piece.blocks);
        self.idle().push(piece);
        done
    }

    /// Wipes what lies idle, without keeping anybody waiting.
    fn wipe_soon(memory: &Arc<Self>) {
        let memory = Arc::clone(memory);
        // Outside a runtime the process ends, and its memory with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || memory.wipe());
        }
    }

    fn wipe(&self) {
        loop {
            let mut idle = self.idle();
            let Some(at) = idle.iter().position(|piece| piece.is_used) else { return };
            let mut piece = idle.swap_remove(at);
            drop(idle);
            piece.blocks.iter_mut().for_each(Block::zeroize);
            piece.is_used = false;
            self.idle().push(piece);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Piece>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn memory_is_used_again() {
        let pool = Arc::new(pool(2, 64));
        let rounds = (0..12).map(|_| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.fits(Password::offer("black tea").unwrap(), None).await })
        });
        for round in futures::future::join_all(rounds).await {
            assert!(!round.unwrap().unwrap());
        }
        assert_eq!(pool.runs(), 12);
        let made = pool.memory.made.load(Ordering::Relaxed);
        assert!((1..=2).contains(&made), "{made} pieces for two turns");
        assert_eq!(wiped(&pool).await as u64, made);
    }

    /// Waits until whoever wipes is done; says how many pieces there are. All are empty then.
    async fn wiped(pool: &Hashing) -> usize {
        while Arc::strong_count(&pool.memory) > 1 {
            tokio::task::yield_now().await;
        }
        let idle = pool.memory.idle();
        let words =
            || idle.iter().flat_map(|piece| piece.blocks.iter()).flat_map(|block| block.as_ref().iter());
        assert!(words().all(|word| *word == 0));
        idle.len()
    }

    #[tokio::test]
    async fn whoever_goes_away_while_waiting_leaves_no_memory_behind() {
        let pool = Arc::new(pool(1, 1));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let work = move |memory: &mut [Block]| {
                    memory[7].as_mut()[7] = 7;
                    held.recv().map_err(|_| Error::Hashing)
                };
                pool.run(work).await
            }
        });
        while pool.runs() == 0 {
            tokio::task::yield_now().await;
        }
        let mut waiting = Box::pin(pool.run(|_| Ok(())));
        assert!(futures::FutureExt::now_or_never(waiting.as_mut()).is_none());
        release.send(()).unwrap();
        // The turn is given to whoever waits, and nobody takes it.
        while pool.memory.idle().is_empty() {
            tokio::task::yield_now().await;
        }
        drop(waiting);
        busy.await.unwrap().unwrap();
        assert_eq!(wiped(&pool).await, 1);
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

    #[tokio::test]
    async fn a_full_pool_says_so_at_once_and_empties() {
        let pool = Arc::new(pool(1, 1));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(move |_| held.recv().map_err(|_| Error::Hashing)).await }
        });
        while pool.runs() == 0 {
            tokio::task::yield_now().await;
        }
        let waiting = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move { pool.run(|_| Ok(())).await }
        });
        while pool.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(pool.run(|_| Ok(())).await, Err(Error::Busy)));
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        waiting.await.unwrap().unwrap();
        pool.run(|_| Ok(())).await.unwrap();
    }
}
