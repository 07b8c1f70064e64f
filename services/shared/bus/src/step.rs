//! The moments at which a dying process is most interesting.

use futures::future::BoxFuture;
use std::sync::Arc;

/// A moment between two steps of a relay or an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The relay leased rows; nothing is published.
    Claimed,
    /// The transport confirmed what it confirmed; the rows are not yet in the log.
    Published,
    /// The handlers ran; their transaction is open.
    Handled,
    /// The handlers' transaction is committed; nothing is acknowledged.
    Committed,
    /// A retry's transaction was rolled back, and its lock with it; the failure is not yet noted.
    Undone,
}

/// Called at each step and awaited there. A drill of failures lets it wait for ever and drops the task.
pub type Observer = Arc<dyn Fn(Step) -> BoxFuture<'static, ()> + Send + Sync>;

/// Tells the observer, if there is one.
pub(crate) async fn reached(observer: Option<&Observer>, step: Step) {
    if let Some(observer) = observer {
        observer(step).await;
    }
}
