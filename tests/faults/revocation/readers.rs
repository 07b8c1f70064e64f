//! A reader who does nothing but read: at every replica at once, with a capability that is renewed all the time.

use super::place::Place;
use super::readable::Readable;
use crate::member::PATIENCE;
use candor_tests::eventually;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// Reads under way at one replica at the same time.
const AT_ONCE: usize = 2;
/// How often a fresh capability is asked for: a little less often than is allowed.
const RENEW_EVERY: Duration = Duration::from_millis(300);
/// How long the renewing waits for accounts; a new passport is asked for with every so-many-th capability.
const ASK_FOR: Duration = Duration::from_secs(1);
const PASSPORT_EVERY: u32 = 50;

/// What is shown with each read: the freshest there is.
struct Shown {
    passport: String,
    capability: String,
}

/// One read: when it started, and whether it showed anything.
#[derive(Clone, Copy)]
struct Try {
    started: Instant,
    succeeded: bool,
}

type Tries = Arc<Mutex<Vec<Try>>>;

/// The reader, at work.
pub(crate) struct Readers {
    tries: BTreeMap<&'static str, Tries>,
    work: JoinSet<()>,
    stop: CancellationToken,
}

/// What was read at one replica.
pub(crate) struct Read {
    /// How long after the revocation the last read that succeeded had started; zero, if none did.
    pub(crate) worst_lag: Duration,
    /// Reads that started after it.
    pub(crate) tries_after: usize,
}

impl Readers {
    /// Begins, and returns once every replica has shown it several times.
    pub(crate) async fn start(place: &Place, readable: &Readable) -> Self {
        let accounts = place.grpc("accounts");
        let passport = readable.passport(accounts.clone()).await.unwrap();
        let opened = readable.open(accounts.clone(), &passport, "").await.unwrap();
        let shown = Arc::new(Mutex::new(Shown { passport, capability: opened.capability }));
        let mut readers =
            Self { tries: BTreeMap::new(), work: JoinSet::new(), stop: CancellationToken::new() };
        let asking = Asking {
            accounts,
            readable: readable.clone(),
            receipt_id: opened.receipt_id,
            shown: shown.clone(),
        };
        readers.spawn(asking.go_on());
        for (replica, journal) in place.journals() {
            let tries = Tries::default();
            readers.tries.insert(replica, tries.clone());
            for _ in 0..AT_ONCE {
                readers.spawn(try_on(journal.clone(), readable.clone(), shown.clone(), tries.clone()));
            }
        }
        for (replica, tries) in &readers.tries {
            eventually(&format!("{replica} is read"), PATIENCE, async || {
                tries.lock().unwrap().iter().filter(|each| each.succeeded).count() >= 10
            })
            .await;
        }
        readers
    }

    fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.work.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Returns once every replica but the paused one has been tried after `moment`.
    pub(crate) async fn try_until(&self, moment: Instant, paused: Option<&str>) {
        for (replica, tries) in self.tries.iter().filter(|(replica, _)| Some(**replica) != paused) {
            eventually(&format!("{replica} is tried"), PATIENCE, async || {
                tries.lock().unwrap().last().is_some_and(|last| last.started > moment)
            })
            .await;
        }
    }

    /// Ends, and says what was read of what was taken back at `returned`.
    pub(crate) async fn finish(mut self, returned: Instant) -> Vec<(&'static str, Read)> {
        self.stop.cancel();
        while let Some(ended) = self.work.join_next().await {
            ended.unwrap();
        }
        let read = |tries: &Tries| {
            let tries = tries.lock().unwrap();
            let after = tries.iter().filter(|each| each.started > returned);
            let succeeded = after.clone().filter(|each| each.succeeded).map(|each| each.started - returned);
            Read { worst_lag: succeeded.max().unwrap_or_default(), tries_after: after.count() }
        };
        self.tries.iter().map(|(replica, tries)| (*replica, read(tries))).collect()
    }
}

/// Reads, one after the other.
async fn try_on(journal: Channel, readable: Readable, shown: Arc<Mutex<Shown>>, tries: Tries) {
    loop {
        let (passport, capability) = {
            let shown = shown.lock().unwrap();
            (shown.passport.clone(), shown.capability.clone())
        };
        let started = Instant::now();
        let succeeded = readable.read(journal.clone(), &passport, &capability).await.is_ok();
        tries.lock().unwrap().push(Try { started, succeeded });
    }
}

/// Asks accounts for fresh tokens, whatever it says.
struct Asking {
    accounts: Channel,
    readable: Readable,
    receipt_id: String,
    shown: Arc<Mutex<Shown>>,
}

impl Asking {
    async fn go_on(self) {
        let mut turns = interval(RENEW_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 1_u32.. {
            turns.tick().await;
            if turn.is_multiple_of(PASSPORT_EVERY)
                && let Ok(Ok(passport)) =
                    timeout(ASK_FOR, self.readable.passport(self.accounts.clone())).await
            {
                self.shown.lock().unwrap().passport = passport;
            }
            let passport = self.shown.lock().unwrap().passport.clone();
            let asked = self.readable.open(self.accounts.clone(), &passport, &self.receipt_id);
            if let Ok(Ok(opened)) = timeout(ASK_FOR, asked).await {
                self.shown.lock().unwrap().capability = opened.capability;
            }
        }
    }
}
