//! Threads that do nothing but hash, and the line in front of them.

use super::params;
use crate::{Error, app::metrics};
use argon2::Block;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, oneshot};
use zeroize::Zeroize as _;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads, which end with this. Each keeps its own memory and takes the next job by itself: between two of them nobody
/// else has to wake up, and a job finds the memory where the one before left it, in the caches of the same core.
pub(super) struct Workers {
    line: flume::Sender<Job>,
    places: Arc<Semaphore>,
    metrics: metrics::Hashing,
}

impl Workers {
    /// So many threads, in front of which so many jobs may wait.
    pub(super) fn start(threads: usize, waiting: usize) -> Self {
        let (line, jobs) = flume::unbounded();
        for _ in 0..threads {
            let jobs = jobs.clone();
            std::thread::spawn(move || work(&jobs));
        }
        Self { line, places: Arc::new(Semaphore::new(threads + waiting)), metrics: metrics::Hashing::new() }
    }

    /// Does some work in its turn. What nobody waits for any more is not done.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait; whatever the work says; [`Error::Hashing`] when it panics.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.metrics.refused();
            Error::Busy
        })?;
        let (answer, answered) = oneshot::channel();
        let (begun, metrics) = (Instant::now(), self.metrics.clone());
        let job: Job = Box::new(move |memory| {
            if answer.is_closed() {
                return;
            }
            let running = metrics.begin(begun);
            let done = catch_unwind(AssertUnwindSafe(|| work(memory)));
            // Held by the work, not by the caller: one who goes away does not make room for more.
            drop((running, place));
            let _ = answer.send(done.unwrap_or(Err(Error::Hashing)));
        });
        self.line.send(job).map_err(|_| Error::Hashing)?;
        answered.await.map_err(|_| Error::Hashing)?
    }
}

/// Does job after job. A password's memory is wiped once nobody waits: whoever does overwrites it at once, and wiping takes
/// an eighth of the time that hashing takes.
fn work(jobs: &flume::Receiver<Job>) {
    let mut memory = Memory::default();
    loop {
        let next = jobs.try_recv().or_else(|_| {
            memory.wipe();
            jobs.recv()
        });
        let Ok(job) = next else { return };
        job(&mut memory);
    }
}

/// What passwords are hashed in, kept for the next.
#[derive(Default)]
pub(super) struct Memory {
    blocks: Box<[Block]>,
    is_used: bool,
}

impl Memory {
    /// As much as our own hashes need, as the last one left it.
    pub(super) fn blocks(&mut self) -> Result<&mut [Block], Error> {
        if self.blocks.is_empty() {
            self.blocks = vec![Block::new(); params()?.block_count()].into_boxed_slice();
        }
        self.is_used = true;
        Ok(&mut self.blocks)
    }

    fn wipe(&mut self) {
        if std::mem::take(&mut self.is_used) {
            self.blocks.iter_mut().for_each(Block::zeroize);
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    /// Work that is done once a word is sent.
    fn held(workers: &Arc<Workers>) -> (tokio::task::JoinHandle<Result<(), Error>>, mpsc::Sender<()>) {
        let (release, held) = mpsc::channel();
        let workers = Arc::clone(workers);
        let work = move |memory: &mut Memory| {
            memory.blocks()?[7].as_mut()[7] = 7;
            held.recv().map_err(|_| Error::Hashing)
        };
        (tokio::spawn(async move { workers.run(work).await }), release)
    }

    async fn taken(workers: &Workers, places: usize) {
        while workers.places.available_permits() != places {
            tokio::task::yield_now().await;
        }
    }

    fn words(memory: &mut Memory) -> u64 {
        memory.blocks.iter().flat_map(|block| block.as_ref()).filter(|word| **word != 0).count() as u64
    }

    #[tokio::test]
    async fn a_full_line_says_so_at_once_and_empties() {
        let workers = Arc::new(Workers::start(1, 1));
        let (busy, release) = held(&workers);
        taken(&workers, 1).await;
        let waiting = tokio::spawn({
            let workers = Arc::clone(&workers);
            async move { workers.run(|_| Ok(())).await }
        });
        taken(&workers, 0).await;
        assert!(matches!(workers.run(|_| Ok(())).await, Err(Error::Busy)));
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        waiting.await.unwrap().unwrap();
        workers.run(|_| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_done_and_nothing_stays_in_memory() {
        let workers = Arc::new(Workers::start(1, 2));
        let (busy, release) = held(&workers);
        taken(&workers, 2).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let mut gone = Box::pin(workers.run(move |_| Ok(count.fetch_add(1, Ordering::SeqCst))));
        assert!(gone.as_mut().now_or_never().is_none());
        drop(gone);
        // Whoever waits finds what the one before left, and overwrites it.
        let next = Arc::clone(&workers);
        let next = tokio::spawn(async move { next.run(|memory| Ok(words(memory))).await });
        taken(&workers, 0).await;
        release.send(()).unwrap();
        busy.await.unwrap().unwrap();
        assert_eq!(next.await.unwrap().unwrap(), 1);
        assert_eq!(done.load(Ordering::SeqCst), 0);
        // Nobody waited then.
        while workers.run(|memory| Ok(words(memory))).await.unwrap() > 0 {}
        taken(&workers, 3).await;
    }

    #[tokio::test]
    async fn a_panic_costs_only_whoever_panics() {
        let workers = Workers::start(1, 0);
        let panicked: Result<(), _> = workers.run(|_| panic!("as told")).await;
        assert!(matches!(panicked, Err(Error::Hashing)));
        workers.run(|_| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn memory_is_made_once_for_each_thread_and_only_where_it_is_needed() {
        let workers = Workers::start(1, 0);
        let made = |memory: &mut Memory| Ok(memory.blocks.as_ptr() as usize);
        let none = workers.run(made).await.unwrap();
        let first = workers.run(|memory| Ok(memory.blocks()?.as_ptr() as usize)).await.unwrap();
        assert_ne!(first, none);
        assert_eq!(workers.run(made).await.unwrap(), first);
    }
}
