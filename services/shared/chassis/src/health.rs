//! Whether the process can do its work just now. Readiness is asked of every dependency; liveness is not, and whether
//! to send calls here only at the start.

use crate::telemetry::{self, KeyValue};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

/// How often every check is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// A check that takes longer has failed. With the interval: a dead dependency is known within 3 s.
const PATIENCE: Duration = Duration::from_secs(2);

type Check = Arc<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// The readiness of a process. Clones share it.
#[derive(Clone)]
pub struct Health(Arc<Inner>);

struct Inner {
    checks: Mutex<Vec<(&'static str, Check)>>,
    ready: watch::Sender<bool>,
    changed: Notify,
    started: AtomicBool,
    takes_calls: AtomicBool,
    failing: Mutex<Vec<&'static str>>,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Health without checks; not ready before its first round.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            checks: Mutex::new(Vec::new()),
            ready: watch::Sender::new(false),
            changed: Notify::new(),
            started: AtomicBool::new(false),
            takes_calls: AtomicBool::new(false),
            failing: Mutex::default(),
        }))
    }

    /// Adds a dependency. It is asked every second and has 2 s to answer; ready means that all say yes.
    pub fn register(
        &self,
        name: &'static str,
        check: impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static,
    ) {
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name, Arc::new(check)));
        self.0.ready.send_replace(false);
        self.0.changed.notify_one();
    }

    /// The checks that said no the last time they were asked.
    pub fn failing(&self) -> Vec<&'static str> {
        self.0.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether all checks said yes the last time they were asked.
    pub fn is_ready(&self) -> bool {
        *self.0.ready.borrow()
    }

    /// Whether to send calls here: it has been ready once, and was not asked to stop. What fails later fails for every
    /// replica alike, and they say so themselves; taking all of them away would leave nobody to say it.
    pub fn takes_calls(&self) -> bool {
        self.0.takes_calls.load(Ordering::SeqCst)
    }

    /// Follows readiness; the current value counts as seen.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.ready.subscribe()
    }

    /// Starts asking, until `shutdown`, after which it is not ready. Starting again changes nothing.
    pub fn start(&self, shutdown: CancellationToken) {
        if self.0.started.swap(true, Ordering::SeqCst) {
            return;
        }
        let health = self.clone();
        tokio::spawn(async move {
            shutdown.run_until_cancelled(health.poll()).await;
            health.0.takes_calls.store(false, Ordering::SeqCst);
            health.0.ready.send_replace(false);
        });
    }

    async fn poll(&self) {
        let mut timer = tokio::time::interval(INTERVAL);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let up = telemetry::gauge("candor_dependency_up", "Whether what the process stands on is there.");
        loop {
            tokio::select! {
                _ = timer.tick() => {}
                () = self.0.changed.notified() => {}
            }
            let checks = self.0.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let failed = ask(&checks).await;
            for (name, _) in &checks {
                up.record(u64::from(!failed.contains(name)), &[KeyValue::new("dependency", *name)]);
            }
            // A check registered meanwhile has not been asked yet.
            let complete = checks.len() == self.0.checks.lock().unwrap_or_else(PoisonError::into_inner).len();
            self.report(&failed, complete);
            if failed.is_empty() && complete && !checks.is_empty() {
                self.0.takes_calls.store(true, Ordering::SeqCst);
            }
        }
    }

    fn report(&self, failed: &[&'static str], complete: bool) {
        *self.0.failing.lock().unwrap_or_else(PoisonError::into_inner) = failed.to_vec();
        let ready = failed.is_empty() && complete;
        let changed = self.0.ready.send_if_modified(|current| std::mem::replace(current, ready) != ready);
        if changed && ready {
            tracing::info!("ready");
        } else if changed {
            tracing::warn!(failed = failed.join(","), "not ready");
        }
    }
}

async fn ask(checks: &[(&'static str, Check)]) -> Vec<&'static str> {
    let answers = join_all(checks.iter().map(|(name, check)| async move {
        // A check that panics has failed; the others are asked on, and it is asked again.
        let answer = AssertUnwindSafe(async move { check().await }).catch_unwind();
        let healthy = matches!(tokio::time::timeout(PATIENCE, answer).await, Ok(Ok(true)));
        (!healthy).then_some(*name)
    }));
    answers.await.into_iter().flatten().collect()
}
