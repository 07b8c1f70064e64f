//! The life of a signing key: published, then signing, then only published until its last passport is dead.
//! Every replica works it out from the same table and the clock, so nobody has to tell anybody.

use super::CLIENT_TOKEN_LIFE;
use jiff::{SignedDuration, Timestamp};

/// How long a key signs.
pub const SIGNS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long before it signs a key is published, so that every verifier has it by then.
pub const PUBLISHED_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// How old a replica's own copy of the keys may be.
pub const COPY_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long after its successor signs a key stays published: a replica's old copy, its last token of software, which
/// outlives every passport, and a minute by which clocks may differ.
pub const PUBLISHED_AFTER: SignedDuration =
    SignedDuration::from_secs(COPY_LIFE.as_secs() + CLIENT_TOKEN_LIFE.as_secs() + 60);

/// When a key begins to sign.
pub trait KeyTimes {
    /// The instant.
    fn signs_from(&self) -> Timestamp;
}

/// The key that signs now: the newest whose time has come.
pub fn signer<K: KeyTimes>(keys: &[K], now: Timestamp) -> Option<&K> {
    keys.iter().filter(|key| key.signs_from() <= now).max_by_key(|key| key.signs_from())
}

/// The keys that verifiers need now: the one that signs, those that will, those whose last passport may live.
pub fn published<K: KeyTimes>(keys: &[K], now: Timestamp) -> impl Iterator<Item = &K> {
    keys.iter().filter(move |key| {
        let successor = keys.iter().map(KeyTimes::signs_from).filter(|from| *from > key.signs_from()).min();
        successor.is_none_or(|from| now < from + PUBLISHED_AFTER)
    })
}

/// Whether a new key is to be made, and from when it signs. The first one signs at once: nobody can hold a
/// passport yet.
pub fn is_due<K: KeyTimes>(keys: &[K], now: Timestamp) -> Option<Timestamp> {
    match keys.iter().map(KeyTimes::signs_from).max() {
        None => Some(now),
        Some(newest) => (newest + SIGNS_FOR - PUBLISHED_BEFORE <= now).then(|| now + PUBLISHED_BEFORE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl KeyTimes for Timestamp {
        fn signs_from(&self) -> Timestamp {
            *self
        }
    }

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_key_is_known_to_verifiers_from_before_its_first_passport_until_after_its_last() {
        let mut keys: Vec<Timestamp> = Vec::new();
        let mut signed: Vec<(Timestamp, Timestamp)> = Vec::new();
        // A hundred days, minute by minute.
        for minute in 0..100 * 24 * 60 {
            let now = START + SignedDuration::from_mins(minute);
            if let Some(from) = is_due(&keys, now) {
                keys.push(from);
            }
            let known: Vec<_> = published(&keys, now).copied().collect();
            signed.retain(|(_, at)| *at + CLIENT_TOKEN_LIFE > now);
            assert!(signed.iter().all(|(key, _)| known.contains(key)));
            let key = *signer(&keys, now).unwrap();
            assert!(key == START || now >= key);
            signed.push((key, now));
        }
        assert_eq!(keys.len(), 4);
        assert_eq!(published(&keys, START + SignedDuration::from_hours(100 * 24)).count(), 1);
    }

    #[test]
    fn when_the_clock_leaps_the_old_key_signs_until_the_new_one_is_known() {
        let keys = [START];
        let now = START + SIGNS_FOR * 3;
        assert_eq!(signer(&keys, now), Some(&START));
        let next = is_due(&keys, now).unwrap();
        assert_eq!(next, now + PUBLISHED_BEFORE);
        assert_eq!(signer(&[START, next], now), Some(&START));
        assert_eq!(is_due(&[START, next], now), None);
    }
}
