//! Background tasks that a service cannot do without: when one ends before it is told to, the service ends too.

use crate::process::chain;
use crate::serve::ServeError;
use futures::FutureExt as _;
use std::error::Error;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// A background task ended although nobody had told it to, or failed while it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the background task {task:?} {how}")]
pub struct Ended {
    /// The task's name.
    pub task: &'static str,
    how: &'static str,
}

/// How a task may end: with nothing to say, or with an error.
pub trait Outcome {
    /// What went wrong, as one line.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Error + 'static> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| chain(&error))
    }
}

/// The background tasks of one service. Dropped, it tells them to stop without waiting for them.
pub struct Background {
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
    host: CancellationToken,
    tasks: TaskTracker,
    first: Arc<OnceLock<Ended>>,
}

impl Background {
    /// No tasks yet. `host` is the host's shutdown, which the early end of a task fires.
    pub fn new(host: &CancellationToken) -> Self {
        let stop = CancellationToken::new();
        let _stop_on_drop = stop.clone().drop_guard();
        Self { stop, _stop_on_drop, host: host.clone(), tasks: TaskTracker::new(), first: Arc::default() }
    }

    /// Starts a task; it is given the token that tells it to stop. An end before that, an error and a panic are logged
    /// under the task's name (never a panic's own words: they may quote anything) and end the service.
    pub fn spawn<F>(&self, task: &'static str, start: impl FnOnce(CancellationToken) -> F)
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let (stop, host, first) = (self.stop.clone(), self.host.clone(), Arc::clone(&self.first));
        let running = AssertUnwindSafe(start(stop.clone())).catch_unwind();
        self.tasks.spawn(async move {
            let (how, error) = match running.await.map(Outcome::failure) {
                Ok(None) if stop.is_cancelled() => return,
                Ok(None) => ("ended by itself", None),
                Ok(error) => ("failed", error),
                Err(_) => ("panicked", None),
            };
            tracing::error!(task, error, "a background task {how}; the service ends");
            let _ = first.set(Ended { task, how });
            host.cancel();
        });
    }

    /// Tells all tasks to stop, waits for their ends, and says how the service ended as a whole.
    ///
    /// # Errors
    /// The server's failure, or the first task's that did not end as it should.
    pub async fn finish(self, served: Result<(), ServeError>) -> Result<(), ServeError> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        served?;
        self.first.get().map_or(Ok(()), |ended| Err(ServeError::Background(*ended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service: it serves until its host shuts down.
    async fn run<F>(start: impl FnOnce(CancellationToken) -> F) -> Result<(), ServeError>
    where
        F: Future + Send + 'static,
        F::Output: Outcome,
    {
        let host = CancellationToken::new();
        let background = Background::new(&host);
        background.spawn("steady", |stop| stop.cancelled_owned());
        background.spawn("doubtful", start);
        host.cancelled().await;
        background.finish(Ok(())).await
    }

    async fn panics() {
        panic!("private words");
    }

    fn ended(done: Result<(), ServeError>) -> String {
        done.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_early_end_of_any_kind_ends_the_service() {
        let done = ended(run(|_| panics()).await);
        assert_eq!(done, "the background task \"doubtful\" panicked");
        let done = ended(run(|_| async { Err::<(), _>(std::io::Error::other("no")) }).await);
        assert_eq!(done, "the background task \"doubtful\" failed");
        let done = ended(run(|_| async {}).await);
        assert_eq!(done, "the background task \"doubtful\" ended by itself");
    }

    #[tokio::test]
    async fn tasks_that_stop_when_told_are_no_failure() {
        let host = CancellationToken::new();
        let background = Background::new(&host);
        background.spawn("steady", |stop| stop.cancelled_owned());
        background.spawn("fallible", |stop| async move {
            stop.cancelled().await;
            Ok::<(), std::io::Error>(())
        });
        background.finish(Ok(())).await.unwrap();
        assert!(!host.is_cancelled());
    }

    #[tokio::test]
    async fn a_failure_while_stopping_counts() {
        let background = Background::new(&CancellationToken::new());
        background.spawn("sore", |stop| async move {
            stop.cancelled().await;
            panics().await;
        });
        assert!(ended(background.finish(Ok(())).await).contains("sore"));
    }
}
