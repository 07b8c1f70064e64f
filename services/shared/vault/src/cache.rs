//! Unwrapped data keys in memory: few, and for a short time.

use crate::DataKey;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Keys by owner, each for one lifetime. A key's memory is wiped when its last user lets go of it.
pub(crate) struct Cache {
    capacity: usize,
    lifetime: Duration,
    keys: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    by_owner: HashMap<Uuid, (Instant, DataKey)>,
    /// In the order they end, which is the order they came.
    ends: VecDeque<(Instant, Uuid)>,
    /// Grows with every eviction, so that a key read before one is not kept after it.
    epoch: u64,
}

impl Cache {
    /// An empty cache, and a task that wipes what has ended for as long as the cache exists.
    pub(crate) fn start(capacity: usize, lifetime: Duration) -> Arc<Self> {
        let cache = Arc::new(Self { capacity, lifetime, keys: Mutex::default() });
        tokio::spawn(sweep(Arc::downgrade(&cache), lifetime / 4));
        cache
    }

    pub(crate) fn get(&self, owner: Uuid, now: Instant) -> Option<DataKey> {
        let keys = self.lock();
        let (ends, key) = keys.by_owner.get(&owner)?;
        (*ends > now).then(|| key.clone())
    }

    /// To be asked before a key is read from the store, and handed to [`Cache::insert`].
    pub(crate) fn epoch(&self) -> u64 {
        self.lock().epoch
    }

    /// Keeps a key, unless any was evicted since `epoch`.
    pub(crate) fn insert(&self, owner: Uuid, key: &DataKey, epoch: u64, now: Instant) {
        let mut keys = self.lock();
        if keys.epoch != epoch {
            return;
        }
        keys.drop_ended(now);
        while keys.ends.len() >= self.capacity {
            keys.drop_oldest();
        }
        let ends = now + self.lifetime;
        keys.by_owner.insert(owner, (ends, key.clone()));
        keys.ends.push_back((ends, owner));
    }

    pub(crate) fn evict(&self, owner: Uuid) {
        let mut keys = self.lock();
        keys.epoch += 1;
        keys.by_owner.remove(&owner);
    }

    /// Wipes what has ended.
    fn sweep(&self, now: Instant) {
        self.lock().drop_ended(now);
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn drop_ended(&mut self, now: Instant) {
        while self.ends.front().is_some_and(|(ends, _)| *ends <= now) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some((ends, owner)) = self.ends.pop_front() else { return };
        // The owner's key may have been replaced by a newer one, which has its own place in the queue.
        if self.by_owner.get(&owner).is_some_and(|(kept, _)| *kept == ends) {
            self.by_owner.remove(&owner);
        }
    }
}

async fn sweep(cache: Weak<Cache>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let Some(cache) = cache.upgrade() else { return };
        cache.sweep(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    const LIFETIME: Duration = Duration::from_secs(20);

    fn key(owner: Uuid) -> DataKey {
        DataKey::new("journal", owner, owner, &Zeroizing::new([1; 32])).unwrap()
    }

    fn owner(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[tokio::test]
    async fn a_key_is_kept_for_its_lifetime_and_wiped_after_it() {
        let (cache, now) = (Cache::start(10, LIFETIME), Instant::now());
        cache.insert(owner(1), &key(owner(1)), 0, now);
        assert!(cache.get(owner(1), now + LIFETIME - Duration::from_millis(1)).is_some());
        assert!(cache.get(owner(1), now + LIFETIME).is_none());
        cache.sweep(now + LIFETIME);
        assert!(cache.lock().by_owner.is_empty() && cache.lock().ends.is_empty());
    }

    #[tokio::test]
    async fn it_never_holds_more_than_its_capacity() {
        let (cache, now) = (Cache::start(3, LIFETIME), Instant::now());
        for number in 1..=5 {
            cache.insert(owner(number), &key(owner(number)), 0, now);
            cache.insert(owner(number), &key(owner(number)), 0, now + Duration::from_secs(1));
        }
        assert!(cache.lock().ends.len() <= 3 && cache.lock().by_owner.len() <= 3);
        assert!(cache.get(owner(5), now).is_some() && cache.get(owner(1), now).is_none());
    }

    #[tokio::test]
    async fn a_key_read_before_an_eviction_is_not_kept_after_it() {
        let (cache, now) = (Cache::start(10, LIFETIME), Instant::now());
        let before = cache.epoch();
        cache.evict(owner(1));
        cache.insert(owner(1), &key(owner(1)), before, now);
        assert!(cache.get(owner(1), now).is_none());
        cache.insert(owner(1), &key(owner(1)), cache.epoch(), now);
        assert!(cache.get(owner(1), now).is_some());
    }
}
