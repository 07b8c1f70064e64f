//! How far apart batches begin, of a relay and of an inbox.

use std::time::Duration;

/// At most.
const MOST: Duration = Duration::from_millis(6);

/// How long after the beginning of a batch the next one may begin. An event that waits a moment pays where others come
/// meanwhile, which then share trips to the database and flushes of its log: so the wait is short after a few and longer
/// after many. After a quiet moment an event does not wait at all.
pub(crate) fn apart(batch: usize) -> Duration {
    let milliseconds = u64::try_from(batch).unwrap_or(u64::MAX).saturating_add(1);
    Duration::from_millis(milliseconds).min(MOST)
}

/// How many events a relay may be handed at once without the next having to wait.
const FEW: usize = 4;

/// How long after events were handed over a relay takes the next. Few cost little each for itself; where they come in
/// bursts, the broker has less to do for more at once.
pub(crate) fn after_burst(events: usize) -> Duration {
    if events <= FEW { Duration::ZERO } else { apart(events) }
}
