//! Group commit: commands that wait at the same moment are written together. Nothing is ever waited for
//! to make a batch larger, and nothing queues without bound.

use crate::telemetry::propagate::{self, Origin};
use crate::telemetry::{self, KeyValue};
use crate::{Code, Fault};
use futures::FutureExt;
use opentelemetry::metrics::{Counter, Histogram};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// A command that waits, and who waits for it.
struct Waiting<C, R> {
    command: C,
    origin: Origin,
    since: Instant,
    answer: oneshot::Sender<Result<R, Fault>>,
}

/// What is measured of batches of one name.
#[derive(Clone)]
struct Meters {
    name: [KeyValue; 1],
    size: Histogram<u64>,
    wait: Histogram<f64>,
    refused: Counter<u64>,
}

impl Meters {
    fn of(name: &'static str) -> Self {
        let name = [KeyValue::new("batch", name)];
        let refused = telemetry::counter("candor_batch_refused", "Commands refused because too many waited.");
        refused.add(0, &name);
        Self {
            size: telemetry::sizes("candor_batch_size", "Commands written together."),
            wait: telemetry::histogram("candor_batch_wait", "How long commands wait to be written."),
            name,
            refused,
        }
    }

    fn taken<C, R>(&self, taken: &[Waiting<C, R>]) {
        self.size.record(taken.len() as u64, &self.name);
        for waiting in taken {
            self.wait.record(waiting.since.elapsed().as_secs_f64(), &self.name);
        }
    }
}

/// A bounded queue of commands `C`, written in batches that answer each with an `R`. Clones share it.
pub struct Batch<C, R> {
    queue: mpsc::Sender<Waiting<C, R>>,
    meters: Meters,
    writers: TaskTracker,
    closing: CancellationToken,
}

impl<C, R> Clone for Batch<C, R> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            meters: self.meters.clone(),
            writers: self.writers.clone(),
            closing: self.closing.clone(),
        }
    }
}

impl<C: Send + 'static, R: Send + 'static> Batch<C, R> {
    /// Starts `writers` writers, each of which takes what is waiting, at most `max` commands, and hands it to
    /// `write`; `queue` commands may wait. `write` answers in the order of the commands; should a batch fail as a
    /// whole, it replays it one by one itself. Once `shutdown` fires, new commands are refused and those that wait
    /// are still written: use a token that fires after the server has drained. A batch is a span of this `name`
    /// (`journal.write_batch`): a child of its first command's, linked to those of the others.
    pub fn start<W, F>(
        name: &'static str,
        max: usize,
        queue: usize,
        writers: usize,
        shutdown: CancellationToken,
        write: W,
    ) -> Self
    where
        W: Fn(Vec<C>) -> F + Send + Sync + 'static,
        F: Future<Output = Vec<Result<R, Fault>>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(queue.max(1));
        let (meters, closing) = (Meters::of(name), shutdown.child_token());
        let batch = Self { queue: sender, meters, writers: TaskTracker::new(), closing };
        let receiver = Arc::new(Mutex::new(receiver));
        let write = Arc::new(write);
        for _ in 0..writers.max(1) {
            let (receiver, closing) = (receiver.clone(), batch.closing.clone());
            let running = run(name, batch.meters.clone(), receiver, max.max(1), closing, write.clone());
            batch.writers.spawn(running);
        }
        batch.writers.close();
        batch
    }

    /// Hands in a command and waits for its answer. Once handed in it is written, even if the caller goes away.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the queue is full, UNAVAILABLE when it is closed, and whatever `write` answers.
    pub async fn submit(&self, command: C) -> Result<R, Fault> {
        if self.closing.is_cancelled() {
            return Err(closed());
        }
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { command, origin: Origin::current(), since: Instant::now(), answer };
        self.queue.try_send(waiting).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => {
                self.meters.refused.add(1, &self.meters.name);
                full()
            }
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Refuses new commands, writes those that wait, and returns when the last is answered.
    pub async fn close(&self) {
        self.closing.cancel();
        self.writers.wait().await;
    }
}

type Receiver<C, R> = Arc<Mutex<mpsc::Receiver<Waiting<C, R>>>>;

async fn run<C, R, W, F>(
    name: &'static str,
    meters: Meters,
    receiver: Receiver<C, R>,
    max: usize,
    closing: CancellationToken,
    write: Arc<W>,
) where
    W: Fn(Vec<C>) -> F,
    F: Future<Output = Vec<Result<R, Fault>>>,
{
    loop {
        let mut taken = Vec::new();
        {
            // Whoever holds the lock waits for the first command; the others are writing, or next in line.
            let mut receiver = receiver.lock().await;
            tokio::select! {
                biased;
                _ = receiver.recv_many(&mut taken, max) => {}
                () = closing.cancelled() => {
                    receiver.close();
                    receiver.recv_many(&mut taken, max).await;
                }
            }
        }
        if taken.is_empty() {
            return; // closed and empty
        }
        meters.taken(&taken);
        let span = tracing::info_span!(parent: None, "batch", otel.name = name, commands = taken.len());
        propagate::set_origins(&span, taken.iter().map(|waiting| &waiting.origin));
        let (commands, answers): (Vec<C>, Vec<_>) =
            taken.into_iter().map(|waiting| (waiting.command, waiting.answer)).unzip();
        // A panic hurts its own batch only.
        let written = AssertUnwindSafe(async { write(commands).await }).catch_unwind();
        let results = written.instrument(span).await.unwrap_or_default();
        let mut results = results.into_iter();
        for answer in answers {
            // The caller may be gone: then nobody listens, and the write stands.
            let _ = answer.send(results.next().unwrap_or_else(|| Err(unanswered())));
        }
    }
}

fn full() -> Fault {
    Fault::new(
        Code::ResourceExhausted,
        "BUSY",
        "Candor is very busy just now. Nothing was stored; please try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}

fn closed() -> Fault {
    Fault::new(
        Code::Unavailable,
        "UNAVAILABLE",
        "This part of Candor is restarting. Please try again in a moment.",
    )
    .retry_after(Duration::from_secs(1))
}

fn unanswered() -> Fault {
    Fault::new(Code::Internal, "INTERNAL", "Something went wrong on our side. Please try again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::kept::Kept;
    use opentelemetry_sdk::trace::Sampler;
    use tokio::sync::{Notify, Semaphore};

    /// A writer that records its batches and writes only while it is let through.
    struct Gate {
        open: Semaphore,
        entered: Notify,
        batches: std::sync::Mutex<Vec<Vec<u32>>>,
    }

    fn gated(max: usize, queue: usize, writers: usize) -> (Arc<Gate>, Batch<u32, u32>) {
        let gate =
            Arc::new(Gate { open: Semaphore::new(0), entered: Notify::new(), batches: Default::default() });
        let inner = gate.clone();
        let write = move |commands: Vec<u32>| {
            let gate = inner.clone();
            async move {
                gate.batches.lock().unwrap().push(commands.clone());
                gate.entered.notify_one();
                gate.open.acquire().await.unwrap().forget();
                commands.into_iter().map(|n| if n == 13 { panic!("unlucky") } else { Ok(n * 2) }).collect()
            }
        };
        let batch = Batch::start("test.batch", max, queue, writers, CancellationToken::new(), write);
        (gate, batch)
    }

    type Call = std::pin::Pin<Box<dyn Future<Output = Result<u32, Fault>>>>;

    /// A command that is handed in, at the first poll, and waits for its answer.
    fn submitted(batch: &Batch<u32, u32>, n: u32) -> Call {
        let batch = batch.clone();
        let mut call: Call = Box::pin(async move { batch.submit(n).await });
        assert!(call.as_mut().now_or_never().is_none());
        call
    }

    #[tokio::test]
    async fn takes_what_waits_and_answers_each_its_own() {
        let (gate, batch) = gated(3, 16, 1);
        let first = submitted(&batch, 1);
        gate.entered.notified().await;
        let mut rest = Vec::new();
        for n in 2..=5 {
            rest.push(submitted(&batch, n));
        }
        gate.open.add_permits(9);
        assert_eq!(first.await.unwrap(), 2);
        for (task, n) in rest.into_iter().zip(2..) {
            assert_eq!(task.await.unwrap(), n * 2);
        }
        assert_eq!(*gate.batches.lock().unwrap(), [vec![1], vec![2, 3, 4], vec![5]]);
    }

    #[tokio::test]
    async fn several_batches_are_in_flight() {
        let (gate, batch) = gated(1, 16, 2);
        let first = submitted(&batch, 1);
        gate.entered.notified().await;
        let second = submitted(&batch, 2);
        gate.entered.notified().await; // while the first is still being written
        gate.open.add_permits(2);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (2, 4));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_says_when_to_come_back() {
        let (gate, batch) = gated(1, 1, 1);
        let first = submitted(&batch, 1);
        gate.entered.notified().await;
        let second = submitted(&batch, 2);
        let refused = batch.submit(3).await.unwrap_err();
        assert_eq!(refused.code, Code::ResourceExhausted);
        assert!(refused.retry_after.is_some());
        gate.open.add_permits(2);
        assert!(first.await.is_ok() && second.await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_does_not_undo_its_command() {
        let (gate, batch) = gated(8, 16, 1);
        let first = submitted(&batch, 1);
        gate.entered.notified().await;
        let gone = submitted(&batch, 7);
        drop(gone);
        gate.open.add_permits(9);
        first.await.unwrap();
        batch.close().await;
        assert_eq!(*gate.batches.lock().unwrap(), [vec![1], vec![7]]);
    }

    #[tokio::test]
    async fn closing_writes_what_waits_and_refuses_the_rest() {
        let (gate, batch) = gated(8, 16, 2);
        let first = submitted(&batch, 1);
        gate.entered.notified().await;
        let waiting = submitted(&batch, 2);
        gate.open.add_permits(9);
        batch.close().await;
        assert!(first.await.is_ok() && waiting.await.is_ok());
        assert_eq!(batch.submit(3).await.unwrap_err().code, Code::Unavailable);
    }

    #[tokio::test]
    async fn a_panic_hurts_its_own_batch_only() {
        let (gate, batch) = gated(1, 16, 1);
        gate.open.add_permits(9);
        assert_eq!(batch.submit(13).await.unwrap_err().code, Code::Internal);
        assert_eq!(batch.submit(4).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn a_batch_goes_on_in_its_first_command_s_trace_and_is_linked_to_the_others() {
        let (kept, _here) = Kept::here(Sampler::AlwaysOn);
        let (gate, batch) = gated(8, 16, 1);
        let outside = submitted(&batch, 1);
        gate.entered.notified().await;
        let callers = ["first", "second", "third"].map(|_| tracing::info_span!("caller"));
        let calls: Vec<Call> = callers.iter().map(|span| span.in_scope(|| submitted(&batch, 2))).collect();
        gate.open.add_permits(9);
        outside.await.unwrap();
        for call in calls {
            call.await.unwrap();
        }
        batch.close().await;
        let ids = callers.map(|span| propagate::inject(&span).unwrap());
        let spans = kept.spans();
        let batches: Vec<_> = spans.iter().filter(|span| span.name == "test.batch").collect();
        let [alone, together] = batches[..] else { panic!("{batches:?}") };
        assert_eq!((alone.parent_span_id.to_string(), alone.links.len()), ("0".repeat(16), 0));
        assert_eq!(together.span_context.trace_id().to_string(), ids[0][3..35]);
        assert_eq!(together.parent_span_id.to_string(), ids[0][36..52]);
        let linked: Vec<String> =
            together.links.iter().map(|link| link.span_context.span_id().to_string()).collect();
        assert_eq!(linked, [&ids[1][36..52], &ids[2][36..52]]);
    }
}
