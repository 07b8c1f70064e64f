//! Load: so many calls in flight for so long, each answer looked at.

use crate::wire::Wire;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

/// What a load came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Measure {
    /// A second.
    pub(crate) rate: f64,
    /// Milliseconds that half of the calls stay below.
    pub(crate) p50: f64,
    /// Milliseconds that 99 of 100 calls stay below.
    pub(crate) p99: f64,
}

impl Measure {
    /// From latencies in microseconds, taken over a time.
    pub(crate) fn of(mut latencies: Vec<u32>, time: Duration) -> Self {
        latencies.sort_unstable();
        let at = |share: f64| {
            let index = ((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1));
            latencies.get(index).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
        };
        Self { rate: latencies.len() as f64 / time.as_secs_f64(), p50: at(0.5), p99: at(0.99) }
    }
}

/// What a load came to, and how many calls it was with those before and after the time that counts.
pub(crate) struct Outcome {
    pub(crate) measure: Measure,
    /// Every call that was answered well.
    pub(crate) answered: u64,
}

/// Calls before this are answered but not counted: connections are made, statements prepared.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// Keeps `in_flight` calls going for a time after a warm-up. `call` gets the number of its lane and of the call in it, and
/// answers whether all is as it should be; anything else ends the run.
pub(crate) async fn closed<F, Fut>(in_flight: usize, time: Duration, call: F) -> Outcome
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send,
{
    let call = Arc::new(call);
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let lanes: Vec<_> = (0..in_flight)
        .map(|lane| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut lane_outcome = Lane::default();
                while Instant::now() < end {
                    let started = Instant::now();
                    lane_outcome.note(call(lane, lane_outcome.calls).await, started, begin, end);
                }
                lane_outcome
            })
        })
        .collect();
    collect(lanes, time).await
}

/// Makes `calls` calls in each of so many lanes, as fast as they are answered; says how many that is.
pub(crate) async fn exactly<F, Fut>(lanes: usize, calls: u64, call: F) -> u64
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send,
{
    let call = Arc::new(call);
    let lanes: Vec<_> = (0..lanes)
        .map(|lane| {
            let call = call.clone();
            tokio::spawn(async move {
                let mut outcome = Lane::default();
                let now = Instant::now();
                while outcome.calls < calls {
                    outcome.note(call(lane, outcome.calls).await, now, now, now);
                }
                outcome
            })
        })
        .collect();
    collect(lanes, Duration::from_secs(1)).await.answered
}

/// Begins `rate` calls a second for a time, whether or not those before have been answered. Latencies count from the
/// moment at which the call was due.
pub(crate) async fn paced<F, Fut>(rate: u32, time: Duration, call: F) -> Outcome
where
    F: Fn(usize, u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), String>> + Send,
{
    let call = Arc::new(call);
    let number = AtomicU64::new(0);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begin = Instant::now() + WARM_UP;
    let end = begin + time;
    let mut lanes = Vec::new();
    while Instant::now() < end {
        let due = ticks.tick().await.into_std();
        let (call, number) = (call.clone(), number.fetch_add(1, Ordering::Relaxed));
        lanes.push(tokio::spawn(async move {
            let mut lane = Lane::default();
            lane.note(call(0, number).await, due, begin, end + time);
            lane
        }));
    }
    collect(lanes, time).await
}

#[derive(Default)]
struct Lane {
    calls: u64,
    latencies: Vec<u32>,
    failures: BTreeMap<String, u64>,
}

impl Lane {
    fn note(&mut self, answer: Result<(), String>, started: Instant, begin: Instant, end: Instant) {
        self.calls += 1;
        let now = Instant::now();
        match answer {
            Ok(()) if started >= begin && now <= end => {
                self.latencies.push(u32::try_from((now - started).as_micros()).unwrap_or(u32::MAX));
            }
            Ok(()) => {}
            Err(failure) => *self.failures.entry(failure).or_default() += 1,
        }
    }
}

async fn collect(lanes: Vec<tokio::task::JoinHandle<Lane>>, time: Duration) -> Outcome {
    let (mut latencies, mut answered, mut failures) = (Vec::new(), 0, BTreeMap::<String, u64>::new());
    for lane in lanes {
        let lane = lane.await.expect("a lane");
        answered += lane.calls;
        latencies.extend(lane.latencies);
        for (failure, count) in lane.failures {
            *failures.entry(failure).or_default() += count;
        }
    }
    assert!(failures.is_empty(), "calls failed: {failures:#?}");
    Outcome { measure: Measure::of(latencies, time), answered }
}

/// Connections to one address, over which lanes are spread: each once for the generated clients, and once without them.
#[derive(Clone)]
pub(crate) struct Channels(Vec<(Channel, Wire)>);

impl Channels {
    /// As many connections to `http://…` as are given.
    pub(crate) async fn connect(address: &str, count: usize) -> Self {
        let endpoint = Endpoint::from_shared(address.to_owned()).unwrap().tcp_nodelay(true);
        let mut channels = Vec::with_capacity(count);
        for _ in 0..count {
            let channel = endpoint.connect().await.expect("a connection");
            channels.push((channel, Wire::connect(address).await));
        }
        Self(channels)
    }

    /// The first of them.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self(self.0[..count.clamp(1, self.0.len())].to_vec())
    }

    /// The connection of a lane.
    pub(crate) fn of(&self, lane: usize) -> Channel {
        self.0[lane % self.0.len()].0.clone()
    }

    /// The same for what is called so often that a generated client would cost too much.
    pub(crate) fn wire(&self, lane: usize) -> Wire {
        self.0[lane % self.0.len()].1.clone()
    }
}

/// Ids as a careful client chooses them: version 7, by the machine's clock.
pub(crate) fn ids() -> chassis::Ids {
    chassis::Ids::new(chassis::Clock::system())
}

/// A status as a failure is counted by.
pub(crate) fn failure(status: &tonic::Status) -> String {
    format!("{:?}: {}", status.code(), status.message())
}

/// Whether an answer is about what was asked.
pub(crate) fn same(asked: Uuid, answered: &str) -> Result<(), String> {
    if Uuid::try_parse(answered) == Ok(asked) { Ok(()) } else { Err("another id was answered".to_owned()) }
}
