//! Waiting for the thing itself.

use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Waits until `condition` holds, asking every 25 ms; a slow answer is not asked for twice at a time.
/// `what` completes the sentence "… did not come true": "the reminder is in the inbox".
///
/// # Panics
/// When it does not hold within `timeout`.
pub async fn eventually(what: &str, timeout: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    let mut interval = interval(Duration::from_millis(25));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let answer = tokio::time::timeout_at(deadline + Duration::from_secs(5), condition()).await;
        if answer == Ok(true) {
            return;
        }
        assert!(Instant::now() < deadline, "this did not come true within {timeout:?}: {what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_returns_as_soon_as_the_condition_holds() {
        let mut asked = 0;
        eventually("asked three times", Duration::from_secs(10), async || {
            asked += 1;
            asked == 3
        })
        .await;
        assert_eq!(asked, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "this did not come true within 50ms: pigs fly")]
    async fn it_says_what_did_not_come_true() {
        eventually("pigs fly", Duration::from_millis(50), async || false).await;
    }
}
