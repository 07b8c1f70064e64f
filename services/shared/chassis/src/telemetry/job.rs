//! Background work that is done again and again, measured.

use super::{KeyValue, histogram};
use opentelemetry::metrics::Histogram;
use std::future::Future;
use std::time::Instant;

/// A piece of background work, such as `accounts.mails`. Made like a [`super::counter`].
pub struct Job {
    name: &'static str,
    durations: Histogram<f64>,
}

impl Job {
    /// Not done yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            durations: histogram("candor_job_duration", "How long a turn of background work takes."),
        }
    }

    /// Does one turn of it.
    ///
    /// # Errors
    /// Those of the turn.
    pub async fn turn<T, E>(&self, turn: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = Instant::now();
        let result = turn.await;
        let outcome = if result.is_ok() { "done" } else { "failed" };
        let labels = [KeyValue::new("job", self.name), KeyValue::new("outcome", outcome)];
        self.durations.record(begun.elapsed().as_secs_f64(), &labels);
        result
    }
}
