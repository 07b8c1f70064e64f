//! Where texts are worked on.

use super::markdown::{Source, to_html};
use crate::error::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Texts that are worked on at the same time; others wait, and the workers that answer requests stay free.
const AT_ONCE: usize = 4;

/// Works on texts beside the workers that answer requests.
pub(crate) struct Desk {
    seats: Arc<Semaphore>,
}

impl Desk {
    /// An empty desk.
    pub(crate) fn new() -> Self {
        Self { seats: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The HTML of a text.
    ///
    /// # Errors
    /// Only by a bug: the work panicked.
    pub(crate) async fn html(&self, text: String, source: Source) -> Result<String, Problem> {
        self.work(move || to_html(&text, source)).await
    }

    /// Does some work on texts. Whoever stops waiting does not free the seat before the work is done.
    ///
    /// # Errors
    /// Only by a bug: the work panicked.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let seat = self.seats.clone().acquire_owned().await.map_err(|_| Problem::internal())?;
        let span = tracing::Span::current();
        let done = tokio::task::spawn_blocking(move || {
            let _seat = seat;
            span.in_scope(work)
        });
        done.await.map_err(|_| Problem::internal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_desk_has_few_seats_and_gives_them_back() {
        let desk = Desk::new();
        let panicked: Result<(), _> = desk.work(|| panic!("a bug")).await;
        assert_eq!(panicked.unwrap_err().status, 500);
        assert_eq!(desk.html("*a*".into(), Source::Member).await.unwrap().trim(), "<p><em>a</em></p>");
        assert_eq!(desk.seats.available_permits(), AT_ONCE);
    }
}
