//! How long keys that a client publishes itself are believed, and when they are fetched again.

use jiff::{SignedDuration, Timestamp};

/// Between two fetches for one client at least, whatever is asked: nobody makes us call an address more often.
pub const FETCH_PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// Keys are believed for at least so long after a fetch.
const SHORTEST: SignedDuration = FETCH_PAUSE;
/// And for at most so long.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);
/// Where their publisher says nothing.
const USUAL: SignedDuration = SignedDuration::from_mins(15);

/// The times of keys that were fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// From when they are fetched again while they still count.
    pub stale_at: Timestamp,
    /// Until when they count.
    pub believed_until: Timestamp,
}

impl Freshness {
    /// Of keys fetched now, whose publisher allows them to be kept for `max_age` seconds.
    pub fn of(max_age: Option<u32>, now: Timestamp) -> Self {
        let life = max_age.map_or(USUAL, |seconds| SignedDuration::from_secs(seconds.into()));
        let life = life.clamp(SHORTEST, LONGEST);
        Self { stale_at: now + life * 4 / 5, believed_until: now + life }
    }

    /// Whether the keys count.
    pub fn is_believed(self, now: Timestamp) -> bool {
        now < self.believed_until
    }

    /// Whether they are due to be fetched again.
    pub fn is_stale(self, now: Timestamp) -> bool {
        now >= self.stale_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_says_how_long_its_keys_are_kept_within_bounds() {
        let now = Timestamp::UNIX_EPOCH;
        for (max_age, seconds) in
            [(None, 900), (Some(0), 30), (Some(29), 30), (Some(600), 600), (Some(u32::MAX), 3600)]
        {
            let freshness = Freshness::of(max_age, now);
            assert_eq!(freshness.believed_until.as_second(), seconds);
            assert!(freshness.is_believed(now) && !freshness.is_stale(now));
            let stale = now + SignedDuration::from_secs(seconds * 4 / 5);
            assert!(freshness.is_stale(stale) && freshness.is_believed(stale));
            assert!(!freshness.is_believed(freshness.believed_until));
        }
    }
}
