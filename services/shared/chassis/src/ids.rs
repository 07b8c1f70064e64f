//! Ids, injected: version 7 UUIDs (RFC 9562) that sort by the injected clock.

use crate::Clock;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::{ContextV7, Timestamp as UuidTimestamp, Uuid};

/// Makes ids. Clones share one counter, so ids of one process never repeat and sort as they were made.
#[derive(Clone)]
pub struct Ids {
    clock: Clock,
    context: Arc<Mutex<ContextV7>>,
}

impl Ids {
    /// Ids whose time is the given clock's.
    pub fn new(clock: Clock) -> Self {
        Self { clock, context: Arc::new(Mutex::new(ContextV7::new())) }
    }

    /// A new id.
    pub fn next(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanoseconds = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(UuidTimestamp::from_unix(&*context, seconds, nanoseconds))
    }

    /// A new id that tells nobody when it was made (version 4): for what another person gets to see.
    #[allow(clippy::disallowed_methods)] // the one place
    pub fn next_opaque(&self) -> Uuid {
        Uuid::new_v4()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_id_holds_no_time() {
        let ids = Ids::new(Clock::manual("2024-03-10T07:30:00Z".parse().unwrap()));
        let (one, other) = (ids.next_opaque(), ids.next_opaque());
        assert_ne!(one, other);
        assert_eq!((one.get_version_num(), one.get_timestamp()), (4, None));
    }

    #[test]
    fn ids_sort_as_they_were_made_even_when_time_stands_still() {
        let ids = Ids::new(Clock::manual("2024-03-10T07:30:00Z".parse().unwrap()));
        let made: Vec<_> = (0..1000).map(|_| ids.next()).collect();
        let mut sorted = made.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(made, sorted);
    }
}
